/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/kernel/batch.h"
#include "runtime/kernel/placing.h"
#include "runtime/kernel/session.h"

static void kprobe_prepare(struct tap_kprobe *probe)
{
	probe->kp.pre_handler = ((const struct tap_site_kprobe *)probe->head.site)->entry;
}

static void kprobe_module(const char *module, bool comes);

static struct tap_placing placing = {.change = kprobe_module, .prepare = kprobe_prepare};
static struct tap_batch batch;

static void kprobe_module(const char *module, bool comes)
{
	tap_placing_module(&placing, module, comes);
}

static bool is_wanted(struct kprobe *kp)
{
	return !tap_kprobe_site(kp)->probe->unwanted;
}

/* Arms what is registered disabled. */
static void arm_all(void)
{
	struct kprobe **list = (struct kprobe **)placing.list;
	uint32_t i, n = 0;

	for (i = 0; i < placing.count; i++)
		if (placing.probes[i].head.placed)
			list[n++] = &placing.probes[i].kp;
	n = tap_batch_take(&batch, list, n, is_wanted);
	for (i = 0; i < n; i++) {
		int rc = is_wanted(list[i]) ? enable_kprobe(list[i]) : 0;

		if (rc)
			tap_place_refused(tap_kprobe_site(list[i]), rc);
	}
}

static int kprobe_place(const struct tap_family_use *use, uint32_t *placed)
{
	int rc = tap_placing_init(&placing, use, offsetof(struct tap_site_kprobe, place));
	bool many;

	if (rc)
		return rc;
	/* What may go is not in a batch. */
	many = use->count >= TAP_BATCH_LEAST && !placing.in_modules;
	rc = tap_placing_place(&placing, many, placed);
	if (rc)
		tap_placing_exit(&placing);
	else if (many)
		arm_all();
	return rc;
}

static void kprobe_remove(const struct tap_family_use *use)
{
	tap_batch_release(&batch);
	tap_placing_exit(&placing);
}

static void kprobe_arm(const struct tap_family_use *use, uint32_t site, bool wanted)
{
	struct tap_kprobe *probe = &placing.probes[site];

	if (!probe->head.placed || !tap_batch_arm(&batch, &probe->kp, wanted))
		tap_placing_arm(&placing, site, wanted);
}

static void kprobe_count(const struct tap_family_use *use, struct tap_stats *stats)
{
	stats->skipped_reentrant += placing.missed_reentrant;
	stats->skipped_total += placing.missed_reentrant;
}

const struct tap_family tap_family_kprobe = {
    .name = "kprobe",
    .place = kprobe_place,
    .remove = kprobe_remove,
    .arm = kprobe_arm,
    .count = kprobe_count,
};
