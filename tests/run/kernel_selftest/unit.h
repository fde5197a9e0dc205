/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hand-written units have in common: they have the form of emitted ones (runtime/ABI.md). */
#include "runtime/kernel/pch.h"

#define SELFTEST_LIMITS                                                                                      \
	.lock_tries = 100, .lock_delay_us = 10, .skipped = 100, .stack_bytes = 1024,                         \
	.overload_interval = 1000000000, .overload_threshold = 500000000, .overload_off = true
#define SELFTEST_PLAN .actions = 10000000, .stack_bytes = 1024, TAP_PLAN_ANY

static inline void print_i64(struct tap_ctx *c, uint32_t format, int64_t a)
{
	uint8_t *at = tap_record(c, format, 8);

	if (at)
		tap_put_i64(at, a);
}

static inline void print_str(struct tap_ctx *c, uint32_t format, struct tap_str s)
{
	uint8_t *at = tap_record(c, format, tap_str_bytes(s));

	if (at)
		tap_put_str(at, s);
}

static inline void print_nothing(struct tap_ctx *c, uint32_t format)
{
	tap_record(c, format, 0);
}
