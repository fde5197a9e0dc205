/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way into and out of an Event handler. The code that a family's event calls is made by
 * TAP_ENTRY_<FAMILY> (probe_<family>.h) and has the form
 *
 *	c = tap_enter(site, &flags);
 *	if (c) {
 *		c->regs = regs;
 *		tap_handler_N(c);
 *		tap_leave(c, flags);
 *	}
 *
 * tap_gate_open and tap_gate_close are the same inline, for kprobes: what is rare is called, as the last
 *thing that the entry does, so that a small handler saves no registers.
 */
#ifndef TAP_KERNEL_ENTRY_H
#define TAP_KERNEL_ENTRY_H

#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/thread_info.h>
#include <linux/timex.h>

#include "runtime/core/program.h"
#include "runtime/core/wire.h"

/* What every hit touches; the beginning of a lane (session.h). */
struct tap_gate {
	struct tap_ctx ctx;
	uint32_t busy;	   /* an Event handler runs; written by its own CPU alone */
	uint64_t inflight; /* lower bound of the number of the unit being made */
	uint64_t hits;
	/* Overload, in cycles: spent in handlers in this interval (while one runs, less the time of its
	 * entry); the end of the interval, 0 before the first. */
	uint64_t clock_busy, clock_end;
};

/* Of `seq` and inflight: no number is taken. */
#define TAP_NOT_INFLIGHT (~0ull)

/* This CPU's; set while the module is loaded. */
DECLARE_PER_CPU(struct tap_gate *, tap_gate);
/* enum tap_state; handlers run in TAP_STATE_RUNNING alone. */
extern uint32_t tap_session_state;

/*
 * Turns interrupts off and claims this CPU's context for `site`. NULL, with interrupts as they were: the hit
 * is not for a handler (the session does not run), or is skipped and counted: the context is busy (an NMI, or
 * an event within a handler), the stack has less room than MINSTACKSPACE, or the session ended by overload.
 * In the context regs, arguments and entry are NULL.
 */
struct tap_ctx *tap_enter(const struct tap_site *site, unsigned long *flags);

/*
 * Releases locks, reports a failure, commits the output or drops and counts it, gives the context back, and
 * turns interrupts on again. 0.
 */
int tap_leave(struct tap_ctx *c, unsigned long flags);

/*
 * Interrupts off, with the flags from before; and on. Calls, because what the kernel has inline for them
 * makes Clang read the layout of pv_ops for each unit, which with what it makes of them is a fifth of its
 * work.
 */
unsigned long tap_irq_off(void);
int tap_irq_on(void); /* 0 */

/* The rare ways of tap_gate_open and tap_gate_close. */
void tap_skip_busy(struct tap_gate *gate, unsigned long flags);
/* `gate`, or NULL with the hit skipped: a value that the caller needs not keep over the call. */
struct tap_gate *tap_has_stack(struct tap_gate *gate, uint32_t bytes, unsigned long flags);
int tap_leave_interval(struct tap_ctx *c, unsigned long flags, uint64_t now);
/* The least address that recursion may come to. */
unsigned long tap_stack_least(void);

/* As READ_ONCE and WRITE_ONCE of a word, without what these assert. */
#define TAP_VOLATILE(word) (*(volatile __typeof__(word) *)&(word))

/* Where interrupts already are off, as in a probe by breakpoint, they stay so. */
TAP_INLINE struct tap_ctx *tap_gate_open(uint32_t stack_bytes, bool clock, unsigned long *flags)
{
	struct tap_gate *gate;

	if (TAP_VOLATILE(tap_session_state) != TAP_STATE_RUNNING)
		return NULL;
	*flags = tap_irq_off();
	gate = raw_cpu_read(tap_gate);
	if (!gate)
		__builtin_unreachable();
	/* An NMI between the test and the store begins and ends its own run in between. */
	if (tap_unlikely(TAP_VOLATILE(gate->busy))) {
		tap_skip_busy(gate, *flags);
		return NULL;
	}
	TAP_VOLATILE(gate->busy) = 1;
	barrier();
	/* Stacks of tasks are aligned to their size; on another stack this may be a false alarm. */
	if (tap_unlikely((current_stack_pointer & (THREAD_SIZE - 1)) < stack_bytes)) {
		gate = tap_has_stack(gate, stack_bytes, *flags);
		if (!gate)
			return NULL;
	}
	if (clock)
		gate->clock_busy -= rdtsc();
	return &gate->ctx;
}

/* The end of a run that has nothing more to say. */
TAP_INLINE int tap_gate_end(struct tap_ctx *c, bool clock, unsigned long flags)
{
	struct tap_gate *gate = (struct tap_gate *)c;

	gate->hits++;
	if (clock) {
		uint64_t now = rdtsc();

		gate->clock_busy += now;
		if (tap_unlikely(now > gate->clock_end))
			return tap_leave_interval(c, flags, now);
	}
	barrier();
	TAP_VOLATILE(gate->busy) = 0;
	return flags & X86_EFLAGS_IF ? tap_irq_on() : 0;
}

/* `fails`: the handler may have failed; one that may not makes no records either. */
TAP_INLINE int tap_gate_close(struct tap_ctx *c, bool fails, bool prints, bool clock, unsigned long flags)
{
	struct tap_gate *gate = (struct tap_gate *)c;

	if ((fails && tap_unlikely(c->error)) || (prints && gate->inflight != TAP_NOT_INFLIGHT))
		return tap_leave(c, flags);
	return tap_gate_end(c, clock, flags);
}

#endif
