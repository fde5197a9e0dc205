/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Return probes: as probe_kprobe.c, with a bounded number of calls that may be open, and values saved at
 * entry. */
#include "runtime/kernel/session.h"

struct tap_kretprobe {
	struct kretprobe rp;
	const struct tap_site_kretprobe *site;
	bool placed;
};

static struct tap_kretprobe *tap_kretprobes;
static uint32_t kretprobe_count_all;
static bool in_modules; /* some of them are */
/* Of probes that are removed: calls for which no instance was free, calls within another probe's handler. */
static uint64_t missed, missed_reentrant;

struct tap_ctx *__kprobes tap_enter_kretprobe(struct kretprobe_instance *instance, struct pt_regs *regs,
					      unsigned long *flags)
{
	struct kretprobe *rp = get_kretprobe(instance);
	struct tap_ctx *c;

	/* Without rethook, a probe that is being removed takes itself from its instances first. */
	if (unlikely(!rp))
		return NULL;
	c = tap_enter(&container_of(rp, struct tap_kretprobe, rp)->site->base, flags);
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

/* With the lock of places. */
static int place_one(struct tap_kretprobe *probe)
{
	const struct tap_site_kretprobe *site = probe->site;
	const struct tap_probe *handler = site->base.probe;
	int rc;

	memset(&probe->rp, 0, sizeof(probe->rp));
	probe->rp.handler = site->entry;
	if (handler->unwanted)
		probe->rp.kp.flags = KPROBE_FLAG_DISABLED;
	probe->rp.maxactive = instances(site);
	if (handler->entry_values) {
		probe->rp.entry_handler = save_entry_values;
		probe->rp.data_size = handler->entry_values * sizeof(int64_t);
	}
	rc = tap_kprobe_resolve(&site->place, &probe->rp.kp);
	if (!rc)
		rc = register_kretprobe(&probe->rp);
	probe->placed = !rc;
	return rc;
}

static void kretprobe_module(const char *module, bool comes);

static int kretprobe_place(const struct tap_family_use *use, uint32_t *placed)
{
	const struct tap_site_kretprobe *sites = use->sites;
	uint32_t i;
	int rc;

	tap_kretprobes = kvcalloc(use->count, sizeof(*tap_kretprobes), GFP_KERNEL);
	if (!tap_kretprobes)
		return -ENOMEM;
	for (i = 0; i < use->count; i++) {
		tap_kretprobes[i].site = &sites[i];
		in_modules |= tap_place_is_in_module(&sites[i].place);
	}
	kretprobe_count_all = use->count;
	rc = in_modules ? tap_modules_watch(kretprobe_module) : 0;
	if (rc) {
		in_modules = false;
		kvfree(tap_kretprobes);
		tap_kretprobes = NULL;
		return rc;
	}
	for (i = 0; i < use->count; i++) {
		tap_places_lock();
		rc = tap_kretprobes[i].placed ? 0 : place_one(&tap_kretprobes[i]);
		tap_places_unlock();
		if (rc && !tap_place_waits(&sites[i].place, rc))
			tap_place_refused(&sites[i].base, rc);
		else
			(*placed)++;
		cond_resched();
	}
	return 0;
}

static void count_missed(struct tap_kretprobe *probe)
{
	missed += probe->rp.nmissed;
	missed_reentrant += probe->rp.kp.nmissed;
	probe->rp.nmissed = 0;
	probe->rp.kp.nmissed = 0;
}

static void kretprobe_module(const char *module, bool comes)
{
	uint32_t i;

	for (i = 0; tap_kretprobes && i < kretprobe_count_all; i++) {
		struct tap_kretprobe *probe = &tap_kretprobes[i];
		int rc = 0;

		if (!tap_place_is_in(&probe->site->place, module))
			continue;
		if (probe->placed) {
			unregister_kretprobe(&probe->rp);
			count_missed(probe);
			probe->placed = false;
		}
		if (comes)
			rc = place_one(probe);
		if (rc)
			tap_place_refused_late(&probe->site->base, rc);
	}
}

static void kretprobe_remove(const struct tap_family_use *use)
{
	struct kretprobe **list = kvcalloc(use->count, sizeof(*list), GFP_KERNEL);
	uint32_t i, n = 0;

	if (in_modules)
		tap_modules_unwatch(kretprobe_module);
	in_modules = false;
	for (i = 0; i < use->count; i++) {
		if (!tap_kretprobes[i].placed)
			continue;
		if (list)
			list[n++] = &tap_kretprobes[i].rp;
		else
			unregister_kretprobe(&tap_kretprobes[i].rp);
	}
	if (n)
		unregister_kretprobes(list, n);
	for (i = 0; i < use->count; i++)
		count_missed(&tap_kretprobes[i]);
	kvfree(list);
	kvfree(tap_kretprobes);
	tap_kretprobes = NULL;
}

/* As kprobe_arm; calls that are open when it is taken away still return through it. */
static void kretprobe_arm(const struct tap_family_use *use, uint32_t site, bool wanted)
{
	struct tap_kretprobe *probe = &tap_kretprobes[site];

	tap_places_lock();
	if (probe->placed && wanted)
		enable_kretprobe(&probe->rp);
	else if (probe->placed)
		disable_kretprobe(&probe->rp);
	tap_places_unlock();
}

static void kretprobe_count(const struct tap_family_use *use, struct tap_stats *stats)
{
	stats->missed_kretprobe += missed;
	stats->skipped_reentrant += missed_reentrant;
	stats->skipped_total += missed + missed_reentrant;
}

const struct tap_family tap_family_kretprobe = {
    .name = "kretprobe",
    .place = kretprobe_place,
    .remove = kretprobe_remove,
    .arm = kretprobe_arm,
    .count = kretprobe_count,
};
