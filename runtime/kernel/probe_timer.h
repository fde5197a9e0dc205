/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers. The handler runs in a hard interrupt, on RT kernels too. */
#ifndef TAP_KERNEL_PROBE_TIMER_H
#define TAP_KERNEL_PROBE_TIMER_H

#include <linux/hrtimer.h>

#include "runtime/core/program.h"
#include "runtime/kernel/entry.h"

struct tap_site_timer {
	struct tap_site base;
	enum hrtimer_restart (*entry)(struct hrtimer *timer);
	/* Interval and the bound of its jitter, in ns or, when `jiffies` is not 0, in ticks. */
	int64_t interval;
	int64_t randomize;
	int64_t jiffies;
};

const struct tap_site *tap_timer_site(struct hrtimer *timer);
/* Sets the time of the next run. */
enum hrtimer_restart tap_timer_again(struct hrtimer *timer);

#define TAP_ENTRY_TIMER(number)                                                                              \
	static enum hrtimer_restart tap_entry_timer_##number(struct hrtimer *timer)                          \
	{                                                                                                    \
		unsigned long flags;                                                                         \
		struct tap_ctx *c;                                                                           \
                                                                                                             \
		c = tap_enter(tap_timer_site(timer), &flags);                                                \
		if (c) {                                                                                     \
			tap_handler_##number(c);                                                             \
			tap_leave(c, flags);                                                                 \
		}                                                                                            \
		return tap_timer_again(timer);                                                               \
	}

#endif
