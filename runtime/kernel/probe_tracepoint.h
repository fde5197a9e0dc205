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
	/* Of the module that has it, and may come later: its name, and the build-id of its file in lower-case
	 * hex: no other build will do. NULL: the kernel itself has it, or that is not known; any build. */
	const char *module, *build_id;
	/* The function that the tracepoint calls: of its own prototype after `void *site`. NULL: the site is
	 * one of a group, of which the one before it with a function is the first. */
	void *glue;
	struct tracepoint *tracepoint; /* the runtime's, as the next */
	bool registered;
};

/*
 * TAP_GLUE_TRACEPOINT(site index, probe number, (prototype of the event), arguments as integers...), for
 * example TAP_GLUE_TRACEPOINT(2, 0, (struct task_struct *p, int cpu), (int64_t)(long)p, (int64_t)cpu) Without
 * the probe's number the call goes through the site, which codegen/safety cannot follow and refuses.
 */
#define TAP_GLUE_TRACEPOINT(index, number, ...)                                                              \
	TAP_JOIN(TAP_GLUE_TRACEPOINT_, TAP_IS_WRAPPED(number))(index, number, __VA_ARGS__)
#define TAP_GLUE_TRACEPOINT_0(index, number, prototype, ...)                                                 \
	TAP_GLUE_TRACEPOINT_BODY(index, tap_entry_tracepoint_##number, prototype, __VA_ARGS__)
#define TAP_GLUE_TRACEPOINT_1(index, prototype, ...)                                                         \
	TAP_GLUE_TRACEPOINT_BODY(index, ((const struct tap_site_tracepoint *)tap_site_)->entry, prototype,   \
				 __VA_ARGS__)
#define TAP_GLUE_TRACEPOINT_BODY(index, call, prototype, ...)                                                \
	static void tap_glue_tracepoint_##index(void *tap_site_, TAP_UNWRAP prototype)                       \
	{                                                                                                    \
		int64_t tap_arguments_[] = {__VA_ARGS__};                                                    \
                                                                                                             \
		call(tap_site_, tap_arguments_);                                                             \
	}

/*
 * The same of a group, sites of one probe that stand one after the other, for the first of them. `gate` is
 * asked in the context `c` for what is an index in tap_group_<index>: which of the sites is hit, counted
 * from 1.
 */
#define TAP_GROUP_TRACEPOINT(index, number, gate, prototype, ...)                                            \
	static void tap_group_tracepoint_##index(const struct tap_site *first, const int64_t *arguments)     \
	{                                                                                                    \
		unsigned long flags;                                                                         \
		struct tap_ctx *c = tap_enter(first, &flags);                                                \
		uint64_t answer;                                                                             \
                                                                                                             \
		if (!c)                                                                                      \
			return;                                                                              \
		c->arguments = arguments;                                                                    \
		tap_handler_begin(c, &tap_plan_##number);                                                    \
		answer = (uint64_t)(gate);                                                                   \
		if (answer < TAP_COUNT(tap_group_##index) && tap_group_##index[answer]) {                    \
			c->site =                                                                            \
			    &((const struct tap_site_tracepoint *)first + tap_group_##index[answer] - 1)     \
				 ->base;                                                                     \
			tap_handler_##number(c);                                                             \
		}                                                                                            \
		tap_leave(c, flags);                                                                         \
	}                                                                                                    \
	TAP_GLUE_TRACEPOINT_BODY(index, tap_group_tracepoint_##index, prototype, __VA_ARGS__)
#define TAP_UNWRAP(...) __VA_ARGS__
/* 1 for (...), 0 for a number. */
#define TAP_IS_WRAPPED(x)      TAP_SECOND(TAP_WRAPPED x, 0, 0)
#define TAP_WRAPPED(...)       0, 1
#define TAP_SECOND(...)	       TAP_SECOND_(__VA_ARGS__)
#define TAP_SECOND_(a, b, ...) b
#define TAP_JOIN(a, b)	       TAP_JOIN_(a, b)
#define TAP_JOIN_(a, b)	       a##b

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
