/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tracepoints of the kernel. */
#ifndef TAP_KERNEL_PROBE_TRACEPOINT_H
#define TAP_KERNEL_PROBE_TRACEPOINT_H

#include <linux/tracepoint.h>

#include "runtime/core/program.h"
#include "runtime/kernel/entry.h"

struct tap_site_tracepoint {
	struct tap_site base;
	void (*entry)(const struct tap_site *site, const int64_t *arguments);
	const char *name; /* "sched_switch" */
	void *glue; /* the function that the tracepoint calls: of its own prototype after `void *site` */
	struct tracepoint *tracepoint; /* the runtime's */
};

/*
 * TAP_GLUE_TRACEPOINT(site index, (prototype of the event), arguments as integers...), for example
 * TAP_GLUE_TRACEPOINT(2, (struct task_struct *p, int cpu), (int64_t)(long)p, (int64_t)cpu)
 */
#define TAP_GLUE_TRACEPOINT(index, prototype, ...)                                                           \
	static void tap_glue_tracepoint_##index(void *tap_site_, TAP_UNWRAP prototype)                       \
	{                                                                                                    \
		int64_t tap_arguments_[] = {__VA_ARGS__};                                                    \
                                                                                                             \
		((const struct tap_site_tracepoint *)tap_site_)->entry(tap_site_, tap_arguments_);           \
	}
#define TAP_UNWRAP(...) __VA_ARGS__

#define TAP_ENTRY_TRACEPOINT(number)                                                                         \
	static void tap_entry_tracepoint_##number(const struct tap_site *site, const int64_t *arguments)     \
	{                                                                                                    \
		unsigned long flags;                                                                         \
		struct tap_ctx *c = tap_enter(site, &flags);                                                 \
                                                                                                             \
		if (c) {                                                                                     \
			c->arguments = arguments;                                                            \
			tap_handler_##number(c);                                                             \
			tap_leave(c, flags);                                                                 \
		}                                                                                            \
	}

#endif
