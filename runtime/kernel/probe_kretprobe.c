/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Return probes: as probe_kprobe.c, with a bounded number of calls that may be open, and values saved at
 * entry. */
#include "runtime/kernel/placing.h"
#include "runtime/kernel/session.h"

struct tap_ctx *__kprobes tap_enter_kretprobe(struct kretprobe_instance *instance, struct pt_regs *regs,
					      unsigned long *flags)
{
	struct kretprobe *rp = get_kretprobe(instance);
	struct tap_ctx *c;

	/* Without rethook, a probe that is being removed takes itself from its instances first. */
	if (unlikely(!rp))
		return NULL;
	c = tap_enter(tap_kprobe_site(&rp->kp), flags);
	if (c) {
		c->regs = regs;
		c->entry = (int64_t *)instance->data;
	}
	return c;
}

/* Not 0: the call's return is not probed. */
static int __kprobes save_entry_values(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	unsigned long flags;
	struct tap_ctx *c = tap_enter_kretprobe(instance, regs, &flags);
	bool failed;

	if (!c)
		return 1;
	c->site->probe->entry_handler(c);
	failed = c->error;
	tap_leave(c, flags);
	return failed;
}

static int instances(const struct tap_site_kretprobe *site)
{
	uint32_t n = tap_session.program->limits.kretprobe_instances;

	if (site->maxactive > 0)
		return min_t(int64_t, site->maxactive, 4096);
	return n ? n : max(15u, 6 * num_possible_cpus());
}

static void kretprobe_prepare(struct tap_kprobe *probe)
{
	const struct tap_site_kretprobe *site = (const void *)probe->head.site;
	const struct tap_probe *handler = site->base.probe;

	probe->rp.handler = site->entry;
	probe->rp.maxactive = instances(site);
	if (handler->entry_values) {
		probe->rp.entry_handler = save_entry_values;
		probe->rp.data_size = handler->entry_values * sizeof(int64_t);
	}
}

static void kretprobe_module(const char *module, bool comes);

static struct tap_placing placing = {
    .returns = true, .change = kretprobe_module, .prepare = kretprobe_prepare};

static void kretprobe_module(const char *module, bool comes)
{
	tap_placing_module(&placing, module, comes);
}

static int kretprobe_place(const struct tap_family_use *use, uint32_t *placed)
{
	int rc = tap_placing_init(&placing, use, offsetof(struct tap_site_kretprobe, place));

	if (rc)
		return rc;
	rc = tap_placing_place(&placing, false, placed);
	if (rc)
		tap_placing_exit(&placing);
	return rc;
}

static void kretprobe_remove(const struct tap_family_use *use)
{
	tap_placing_exit(&placing);
}

/* Calls that are open when it is taken away still return through it. */
static void kretprobe_arm(const struct tap_family_use *use, uint32_t site, bool wanted)
{
	tap_placing_arm(&placing, site, wanted);
}

static void kretprobe_count(const struct tap_family_use *use, struct tap_stats *stats)
{
	stats->missed_kretprobe += placing.missed;
	stats->skipped_reentrant += placing.missed_reentrant;
	stats->skipped_total += placing.missed + placing.missed_reentrant;
}

const struct tap_family tap_family_kretprobe = {
    .name = "kretprobe",
    .place = kretprobe_place,
    .remove = kretprobe_remove,
    .arm = kretprobe_arm,
    .count = kretprobe_count,
};
