/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/kernel/placing.h"

#include "runtime/kernel/session.h"

static_assert(offsetof(struct tap_kprobe, kp) == sizeof(struct tap_kprobe_head), "tap_kprobe_site()");
static_assert(offsetof(struct kretprobe, kp) == 0, "struct tap_kprobe");

/* Adds to a link address what KASLR has. With the lock of places. */
static int find_slide(const struct tap_kprobe_place *place, unsigned long *address)
{
	static unsigned long slide;
	static const char *slide_of; /* the last anchor */
	static uint32_t slide_since; /* a module may be elsewhere when it comes again */
	unsigned long now;
	int rc;

	if (!place->anchor_symbol)
		return -EINVAL;
	if (!slide_of || slide_since != tap_places_changes() || strcmp(slide_of, place->anchor_symbol)) {
		slide_of = NULL;
		rc = tap_kprobe_symbol_address(place->anchor_symbol, &now);
		if (rc)
			return rc;
		slide = now - place->anchor;
		slide_of = place->anchor_symbol;
		slide_since = tap_places_changes();
	}
	*address = place->address + slide;
	return 0;
}

/* Whether the kernel's symbol table says that `symbol`, perhaps "module:symbol", begins at the address. */
static bool is_symbol(unsigned long address, const char *symbol)
{
	const char *colon = strchr(symbol, ':'), *name = colon ? colon + 1 : symbol, *module;
	size_t n = strlen(name), in = colon ? colon - symbol : 0;
	char text[KSYM_SYMBOL_LEN];

	sprint_symbol(text, address); /* "name+0x0/0x42", for a module's " [module]" behind it */
	if (strncmp(text, name, n) || strncmp(text + n, "+0x0/", 5))
		return false;
	module = strstr(text + n, " [");
	return in ? module && !strncmp(module + 2, symbol, in) && module[2 + in] == ']' : !module;
}

/*
 * The kernel finds a symbol by its name in a walk of all symbols before 6.2 (60443c88f3a8 "kallsyms: Improve
 * the performance of kallsyms_lookup_name()"), which for hundreds of probes takes seconds; its name by its
 * address is found at once. So the expected address is tried first.
 *
 * Sets symbol_name and offset, or addr, of `kp`. 0, or -errno of a missing anchor.
 */
static int resolve(const struct tap_kprobe_place *place, struct kprobe *kp)
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

/* With the lock of places. */
static int place_one(struct tap_placing *placing, struct tap_kprobe *probe, bool later)
{
	int rc;

	memset(&probe->rp, 0, sizeof(probe->rp));
	placing->prepare(probe);
	if (later || probe->head.site->probe->unwanted)
		probe->kp.flags = KPROBE_FLAG_DISABLED;
	rc = resolve(probe->head.place, &probe->kp);
	if (!rc)
		rc = placing->returns ? register_kretprobe(&probe->rp) : register_kprobe(&probe->kp);
	probe->head.placed = !rc;
	return rc;
}

/* With the lock of places, or with none to share it with. `module`: those in it alone. */
static void remove_all(struct tap_placing *placing, const char *module)
{
	uint32_t i, n = 0;

	for (i = 0; i < placing->count; i++) {
		struct tap_kprobe *probe = &placing->probes[i];

		if (probe->head.placed && (!module || tap_place_is_in(probe->head.place, module)))
			placing->list[n++] = &probe->kp; /* or rp, which begins there */
	}
	if (!n)
		return;
	if (placing->returns)
		unregister_kretprobes((struct kretprobe **)placing->list, n);
	else
		unregister_kprobes((struct kprobe **)placing->list, n);
	for (i = 0; i < n; i++) {
		struct tap_kprobe *probe = container_of(placing->list[i], struct tap_kprobe, kp);

		probe->head.placed = false;
		placing->missed += placing->returns ? probe->rp.nmissed : 0;
		placing->missed_reentrant += probe->kp.nmissed;
	}
}

int tap_placing_init(struct tap_placing *placing, const struct tap_family_use *use, size_t place_at)
{
	uint32_t i;

	placing->probes = kvcalloc(use->count, sizeof(*placing->probes), GFP_KERNEL);
	placing->list = kvcalloc(use->count, sizeof(*placing->list), GFP_KERNEL);
	if (!placing->probes || !placing->list) {
		tap_placing_exit(placing);
		return -ENOMEM;
	}
	placing->count = use->count;
	for (i = 0; i < use->count; i++) {
		struct tap_kprobe_head *head = &placing->probes[i].head;

		head->site = tap_site_at(use, i);
		head->place = (const void *)((const char *)head->site + place_at);
		placing->in_modules |= tap_place_is_in_module(head->place);
	}
	return 0;
}

int tap_placing_place(struct tap_placing *placing, bool later, uint32_t *placed)
{
	uint32_t i;
	int rc;

	if (placing->in_modules) {
		rc = tap_modules_watch(placing->change);
		if (rc) {
			placing->in_modules = false; /* nothing to unwatch */
			return rc;
		}
	}
	for (i = 0; i < placing->count; i++) {
		struct tap_kprobe *probe = &placing->probes[i];

		tap_places_lock();
		rc = 0;
		if (!probe->head.placed)
			rc = tap_place_is_of_build(probe->head.place)
				 ? place_one(placing, probe, later)
				 : -ENOENT; /* as when it is not there: its own build may come */
		tap_places_unlock();
		tap_session_say_late(true);
		if (rc && !tap_place_waits(probe->head.place, rc))
			tap_place_refused(probe->head.site, rc);
		else
			(*placed)++;
		cond_resched();
	}
	return 0;
}

void tap_placing_module(struct tap_placing *placing, const char *module, bool comes)
{
	uint32_t i;

	remove_all(placing, module);
	for (i = 0; comes && i < placing->count; i++) {
		struct tap_kprobe *probe = &placing->probes[i];
		bool wanted =
		    tap_place_is_in(probe->head.place, module) && tap_place_is_of_build(probe->head.place);
		int rc = wanted ? place_one(placing, probe, false) : 0;

		if (rc)
			tap_place_refused_late(probe->head.site, rc);
	}
}

/* What the kernel refuses here is a probe whose module has gone: nothing is to be armed there. */
void tap_placing_arm(struct tap_placing *placing, uint32_t site, bool wanted)
{
	struct tap_kprobe *probe = &placing->probes[site];

	tap_places_lock();
	if (probe->head.placed && wanted)
		enable_kprobe(&probe->kp);
	else if (probe->head.placed)
		disable_kprobe(&probe->kp);
	tap_places_unlock();
}

void tap_placing_exit(struct tap_placing *placing)
{
	if (placing->in_modules)
		tap_modules_unwatch(placing->change);
	placing->in_modules = false;
	remove_all(placing, NULL);
	kvfree(placing->probes);
	kvfree(placing->list);
	placing->probes = NULL;
	placing->list = NULL;
	placing->count = 0;
}
