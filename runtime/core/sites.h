/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sites of families that both platforms have. `entry` is emitted for every family: for these it is only
 * the probe's number, because the session's own code calls the handler.
 */
#ifndef TAP_CORE_SITES_H
#define TAP_CORE_SITES_H

#include "ctx.h"

/* begin, end and error: in the order of `priority`, then of the script. */
struct tap_site_session {
	struct tap_site base;
	uint32_t entry;
	int64_t priority;
};
#define tap_site_begin tap_site_session
#define tap_site_end   tap_site_session
#define tap_site_error tap_site_session

struct tap_site_never {
	struct tap_site base;
	uint32_t entry;
};

/* The condition of probe `of` of the program; its handler answers. */
struct tap_site_arming {
	struct tap_site base;
	uint32_t entry;
	int64_t of;
	uint32_t answer; /* TAP_ARMED, TAP_DISARMED, or 0 before */
};
enum { TAP_ARMED = 1, TAP_DISARMED = 2 };

TAP_INLINE void tap_arm(struct tap_ctx *c, int64_t wanted)
{
	((struct tap_site_arming *)c->site)->answer = wanted ? TAP_ARMED : TAP_DISARMED;
}

#define TAP_ENTRY_BEGIN(number)	 enum { tap_entry_begin_##number = number };
#define TAP_ENTRY_END(number)	 enum { tap_entry_end_##number = number };
#define TAP_ENTRY_ERROR(number)	 enum { tap_entry_error_##number = number };
#define TAP_ENTRY_NEVER(number)	 enum { tap_entry_never_##number = number };
#define TAP_ENTRY_ARMING(number) enum { tap_entry_arming_##number = number };

#endif
