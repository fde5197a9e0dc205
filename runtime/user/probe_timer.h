/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timer.*: the fields are those of runtime/kernel/probe_timer.h, so that a script's sites fit both platforms.
 */
#ifndef TAP_USER_PROBE_TIMER_H
#define TAP_USER_PROBE_TIMER_H

#include "runtime/core/program.h"

struct tap_site_timer {
	struct tap_site base;
	uint32_t entry;
	/* Interval and the bound of its jitter, in ns or, when `jiffies` is not 0, in ticks (4 ms here). */
	int64_t interval;
	int64_t randomize;
	int64_t jiffies;
	/* The runtime's. */
	int64_t due;
	uint64_t random;
};

#define TAP_ENTRY_TIMER(number) enum { tap_entry_timer_##number = number };

#endif
