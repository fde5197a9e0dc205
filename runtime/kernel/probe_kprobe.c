/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kprobes are registered one by one: one that the kernel refuses (a function that is gone, not probeable or
 * in a freed section) is a warning and the others are placed, as in SystemTap.
 */
#include "runtime/kernel/batch.h"
#include "runtime/kernel/session.h"

static struct tap_kprobe *tap_kprobes;
static struct tap_batch batch;
static uint32_t kprobe_count_all;
static bool in_modules; /* some of them are */
static uint64_t
    missed; /* hits within another probe's handler that the kernel left out, of probes that are removed */
static_assert(offsetof(struct tap_kprobe, kp) == sizeof(struct tap_kprobe_head), "tap_kprobe_site()");

/* Adds to a link address what KASLR has. With the lock of places. */
static int find_slide(const struct tap_kprobe_place *place, unsigned long *address)
{
	static unsigned long slide;
	static const char *slide_of; /* the last anchor */
	unsigned long now;
	int rc;

	if (!place->anchor_symbol)
		return -EINVAL;
	/* A module may be elsewhere each time. */
	if (!slide_of || tap_place_is_in_module(place) || strcmp(slide_of, place->anchor_symbol)) {
		rc = tap_kprobe_symbol_address(place->anchor_symbol, &now);
		if (rc)
			return rc;
		slide = now - place->anchor;
		slide_of = place->anchor_symbol;
	}
	*address = place->address + slide;
	return 0;
}

/* Whether the kernel's symbol table says that `symbol` begins at the address. */
static bool is_symbol(unsigned long address, const char *symbol)
{
	char text[KSYM_SYMBOL_LEN];
	size_t n = strlen(symbol);

	sprint_symbol(text, address);
	return !strncmp(text, symbol, n) && !strncmp(text + n, "+0x0/", 5);
}

/*
 * The kernel finds a symbol by its name in a walk of all symbols before 6.2 (60443c88f3a8 "kallsyms: Improve
 * the performance of kallsyms_lookup_name()"), which for hundreds of probes takes seconds; its name by its
 * address is found at once. So the expected address is tried first.
 */
int tap_kprobe_resolve(const struct tap_kprobe_place *place, struct kprobe *kp)
{
	unsigned long address;
	int rc = place->address ? find_slide(place, &address) : -ENOENT;

	if (!rc && (!place->symbol || is_symbol(address, place->symbol))) {
		kp->addr = (kprobe_opcode_t *)address;
		if (place->symbol)
			kp->offset = place->offset;
		return 0;
	}
	if (!place->symbol && !place->anchor_symbol) { /* of the running kernel */
		kp->addr = (kprobe_opcode_t *)place->address;
		return place->address ? 0 : -EINVAL;
	}
	if (!place->symbol)
		return rc;
	kp->symbol_name = place->symbol;
	kp->offset = place->offset;
	return 0;
}

static bool is_wanted(struct kprobe *kp)
{
	return !tap_kprobe_site(kp)->probe->unwanted;
}

static void enable(struct kprobe *kp)
{
	int rc = enable_kprobe(kp);

	if (rc)
		tap_place_refused(tap_kprobe_site(kp), rc);
}

/* Arms what is registered disabled. */
static void arm_all(const struct tap_family_use *use)
{
	struct kprobe **list = kvcalloc(use->count, sizeof(*list), GFP_KERNEL);
	uint32_t i, n = 0;

	for (i = 0; list && i < use->count; i++)
		if (tap_kprobes[i].head.placed)
			list[n++] = &tap_kprobes[i].kp;
	n = list ? tap_batch_take(&batch, list, n, is_wanted) : 0;
	for (i = 0; i < n; i++)
		if (is_wanted(list[i]))
			enable(list[i]);
	for (i = 0; !list && i < use->count; i++)
		if (tap_kprobes[i].head.placed && is_wanted(&tap_kprobes[i].kp))
			enable(&tap_kprobes[i].kp);
	kvfree(list);
}

/* With the lock of places. `many`: it is armed later. */
static int place_one(struct tap_kprobe *probe, bool many)
{
	const struct tap_site_kprobe *site = probe->head.site;
	int rc;

	memset(&probe->kp, 0, sizeof(probe->kp));
	probe->kp.pre_handler = site->entry;
	if (many || site->base.probe->unwanted)
		probe->kp.flags = KPROBE_FLAG_DISABLED;
	rc = tap_kprobe_resolve(&site->place, &probe->kp);
	if (!rc)
		rc = register_kprobe(&probe->kp);
	probe->head.placed = !rc;
	return rc;
}

static void kprobe_module(const char *module, bool comes);

static int kprobe_place(const struct tap_family_use *use, uint32_t *placed)
{
	const struct tap_site_kprobe *sites = use->sites;
	bool many = use->count >= TAP_BATCH_LEAST;
	uint32_t i;
	int rc;

	tap_kprobes = kvcalloc(use->count, sizeof(*tap_kprobes), GFP_KERNEL);
	if (!tap_kprobes)
		return -ENOMEM;
	for (i = 0; i < use->count; i++) {
		tap_kprobes[i].head.site = &sites[i];
		in_modules |= tap_place_is_in_module(&sites[i].place);
	}
	kprobe_count_all = use->count;
	rc = in_modules ? tap_modules_watch(kprobe_module) : 0;
	if (rc) {
		in_modules = false;
		kvfree(tap_kprobes);
		tap_kprobes = NULL;
		return rc;
	}
	many &= !in_modules; /* what may go is not in a batch */
	for (i = 0; i < use->count; i++) {
		tap_places_lock();
		rc = tap_kprobes[i].head.placed ? 0 : place_one(&tap_kprobes[i], many);
		tap_places_unlock();
		if (rc && !tap_place_waits(&sites[i].place, rc))
			tap_place_refused(&sites[i].base, rc);
		else
			(*placed)++;
		cond_resched();
	}
	if (many)
		arm_all(use);
	return 0;
}

static void kprobe_module(const char *module, bool comes)
{
	uint32_t i;

	for (i = 0; tap_kprobes && i < kprobe_count_all; i++) {
		struct tap_kprobe *probe = &tap_kprobes[i];
		int rc = 0;

		if (!tap_place_is_in(&probe->head.site->place, module))
			continue;
		if (probe->head.placed) {
			unregister_kprobe(&probe->kp);
			missed += probe->kp.nmissed;
			probe->head.placed = false;
			probe->kp.nmissed = 0;
		}
		if (comes)
			rc = place_one(probe, false);
		if (rc)
			tap_place_refused_late(&probe->head.site->base, rc);
	}
}

static void kprobe_remove(const struct tap_family_use *use)
{
	struct kprobe **list = kvcalloc(use->count, sizeof(*list), GFP_KERNEL);
	uint32_t i, n = 0;

	tap_batch_release(&batch);
	if (in_modules)
		tap_modules_unwatch(kprobe_module);
	in_modules = false;
	/* All at once: one grace period instead of one for each. */
	for (i = 0; i < use->count; i++) {
		if (!tap_kprobes[i].head.placed)
			continue;
		if (list)
			list[n++] = &tap_kprobes[i].kp;
		else
			unregister_kprobe(&tap_kprobes[i].kp);
	}
	if (n)
		unregister_kprobes(list, n);
	for (i = 0; i < use->count; i++)
		missed += tap_kprobes[i].kp.nmissed;
	kvfree(list);
	kvfree(tap_kprobes);
	tap_kprobes = NULL;
}

/* What the kernel refuses here is a probe whose module has gone: nothing is to be armed there. */
static void kprobe_arm(const struct tap_family_use *use, uint32_t site, bool wanted)
{
	struct tap_kprobe *probe = &tap_kprobes[site];

	if (probe->head.placed && tap_batch_arm(&batch, &probe->kp, wanted))
		return;
	tap_places_lock();
	if (probe->head.placed && wanted)
		enable_kprobe(&probe->kp);
	else if (probe->head.placed)
		disable_kprobe(&probe->kp);
	tap_places_unlock();
}

static void kprobe_count(const struct tap_family_use *use, struct tap_stats *stats)
{
	stats->skipped_reentrant += missed;
	stats->skipped_total += missed;
}

const struct tap_family tap_family_kprobe = {
    .name = "kprobe",
    .place = kprobe_place,
    .remove = kprobe_remove,
    .arm = kprobe_arm,
    .count = kprobe_count,
};
