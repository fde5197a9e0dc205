/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timer.profile: the software event cpu-clock on every CPU that is online, also one that comes later. */
#ifndef TAP_KERNEL_PROBE_PROFILE_H
#define TAP_KERNEL_PROBE_PROFILE_H

#include <linux/perf_event.h>

#include "runtime/core/program.h"
#include "runtime/kernel/entry.h"

struct tap_site_profile {
	struct tap_site base;
	perf_overflow_handler_t entry;
	int64_t period;	   /* ns between samples; 0: see frequency */
	int64_t frequency; /* samples per second; both 0: a period of 1,000,000 ns */
};

const struct tap_site *tap_profile_site(struct perf_event *event);

#define TAP_ENTRY_PROFILE(number)                                                                            \
	static void tap_entry_profile_##number(struct perf_event *event, struct perf_sample_data *data,      \
					       struct pt_regs *regs)                                         \
	{                                                                                                    \
		unsigned long flags;                                                                         \
		struct tap_ctx *c = tap_enter(tap_profile_site(event), &flags);                              \
                                                                                                             \
		if (c) {                                                                                     \
			c->regs = regs;                                                                      \
			tap_handler_##number(c);                                                             \
			tap_leave(c, flags);                                                                 \
		}                                                                                            \
	}

#endif
