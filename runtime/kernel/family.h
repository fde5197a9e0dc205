/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A family of probes: how its sites are placed and removed. Each probe_<family>.c ends in one of these. */
#ifndef TAP_KERNEL_FAMILY_H
#define TAP_KERNEL_FAMILY_H

#include "runtime/core/program.h"
#include "runtime/core/wire.h"

struct tap_family {
	const char *name;
	/*
	 * Both are called in the process of the reader and may sleep. place: 0 with the number of placed
	 * sites added to *placed, or -errno with everything undone and the reason said by
	 * tap_session_error(). After remove, no handler of these sites runs or will run. Either is NULL for
	 * the session's own families.
	 */
	int (*place)(const struct tap_family_use *use, uint32_t *placed);
	void (*remove)(const struct tap_family_use *use);
	/*
	 * Gives a placed site its events again, or takes them away; place does neither for a site whose probe
	 * is unwanted. Called in a process, one call at a time, never while place or remove run. NULL: the
	 * handlers look at their conditions themselves.
	 */
	void (*arm)(const struct tap_family_use *use, uint32_t site, bool wanted);
	/* When the module is unloaded, if it was placed or not; in a process that lives. May be NULL. */
	void (*unload)(const struct tap_family_use *use);
	/* Adds what the kernel itself counted, before or after removal. May be NULL. */
	void (*count)(const struct tap_family_use *use, struct tap_stats *stats);
};

extern const struct tap_family tap_family_begin, tap_family_end, tap_family_error, tap_family_never,
    tap_family_arming;
extern const struct tap_family tap_family_kprobe, tap_family_kretprobe, tap_family_procfs, tap_family_profile,
    tap_family_timer, tap_family_tracepoint;

#endif
