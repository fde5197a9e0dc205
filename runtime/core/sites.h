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

#define TAP_ENTRY_BEGIN(number) enum { tap_entry_begin_##number = number };
#define TAP_ENTRY_END(number)	enum { tap_entry_end_##number = number };
#define TAP_ENTRY_ERROR(number) enum { tap_entry_error_##number = number };
#define TAP_ENTRY_NEVER(number) enum { tap_entry_never_##number = number };

#endif
