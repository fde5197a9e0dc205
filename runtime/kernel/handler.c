/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entry and exit of Event handlers, locks of globals, failures, skips, overload. */
#include <linux/sched/task_stack.h>

#include "runtime/kernel/session.h"

DEFINE_PER_CPU(struct tap_gate *, tap_gate);
uint32_t tap_session_state;

/*
 * The session ends with an error, whatever it was doing; a session that is done stays so.
 */
static void __kprobes session_fail(struct tap_lane *lane)
{
	if (tap_state_change(TAP_STATE_RUNNING, TAP_STATE_ERROR) ||
	    tap_state_change(TAP_STATE_STARTING, TAP_STATE_ERROR) ||
	    tap_state_change(TAP_STATE_STOPPING, TAP_STATE_ERROR))
		tap_wake(lane, TAP_WAIT_URGENT);
}

void __kprobes tap_session_error(struct tap_str text)
{
	struct tap_session *s = &tap_session;

	if (!xchg(&s->fatal_claimed, 1)) {
		tap_copy(s->fatal_text, sizeof(s->fatal_text), text);
		smp_store_release(&s->fatal, s->fatal_text);
	}
}

void __kprobes tap_skip(struct tap_lane *lane)
{
	struct tap_session *s = &tap_session;

	if ((uint32_t)atomic_inc_return(&s->skipped) > s->program->limits.skipped &&
	    READ_ONCE(tap_session_state) == TAP_STATE_RUNNING) {
		tap_session_error(TAP_LIT(
		    "Skipped too many probes, check MAXSKIPPED or try again with stap -t for more details."));
		session_fail(lane);
	}
}

static __always_inline struct tap_lane *lane_of_gate(struct tap_gate *gate)
{
	return container_of(gate, struct tap_lane, gate);
}

unsigned long __kprobes tap_irq_off(void)
{
	unsigned long flags;

	raw_local_irq_save(flags);
	return flags;
}

int __kprobes tap_irq_on(void)
{
	raw_local_irq_enable();
	return 0;
}

static void __kprobes open_again(struct tap_gate *gate, unsigned long flags)
{
	barrier();
	WRITE_ONCE(gate->busy, 0);
	raw_local_irq_restore(flags);
}

void __kprobes tap_skip_busy(struct tap_gate *gate, unsigned long flags)
{
	struct tap_lane *lane = lane_of_gate(gate);

	local_inc(&lane->skipped_reentrant);
	tap_skip(lane);
	raw_local_irq_restore(flags);
}

/*
 * Bytes of stack that are left are known exactly on a task's own stack; the stacks of interrupts and
 * exceptions have no exported bounds, and a handler's own use of stack is bounded (codegen/safety).
 */
struct tap_gate *__kprobes tap_has_stack(struct tap_gate *gate, uint32_t bytes, unsigned long flags)
{
	unsigned long here = (unsigned long)__builtin_frame_address(0);
	unsigned long bottom = (unsigned long)task_stack_page(current);
	struct tap_lane *lane = lane_of_gate(gate);

	if (here - bottom >= THREAD_SIZE || here - bottom >= bytes)
		return gate;
	local_inc(&lane->skipped_lowstack);
	tap_skip(lane);
	open_again(gate, flags);
	return NULL;
}

/* Left below the deepest recursion, for what it calls and for exceptions. */
#define TAP_STACK_RESERVE 3072
/* What recursion may use of a stack whose bounds are not known; the smallest, of NMIs, has 8 KB. */
#define TAP_STACK_UNKNOWN 3072

unsigned long __kprobes tap_stack_least(void)
{
	unsigned long here = (unsigned long)__builtin_frame_address(0);
	unsigned long bottom = (unsigned long)task_stack_page(current);

	return here - bottom < THREAD_SIZE ? bottom + TAP_STACK_RESERVE : here - TAP_STACK_UNKNOWN;
}

struct tap_ctx *__kprobes tap_enter(const struct tap_site *site, unsigned long *flags)
{
	const struct tap_limits *limits = &tap_session.program->limits;
	struct tap_ctx *c = tap_gate_open(limits->stack_bytes, !limits->overload_off, flags);

	if (c) {
		c->site = site;
		c->stack_least = tap_stack_least();
		c->regs = NULL;
		c->arguments = NULL;
		c->entry = NULL;
	}
	return c;
}

/* More than `threshold` cycles in handlers within one interval: the session ends. */
int __kprobes tap_leave_interval(struct tap_ctx *c, unsigned long flags, uint64_t now)
{
	const struct tap_limits *limits = &c->program->limits;
	struct tap_gate *gate = (struct tap_gate *)c;

	if (unlikely(gate->clock_busy > limits->overload_threshold && gate->clock_end)) {
		atomic_inc(&tap_session.skipped_overload);
		tap_session_error(TAP_LIT("probe overhead exceeded threshold"));
		session_fail(lane_of_gate(gate));
	}
	gate->clock_end = now + limits->overload_interval;
	gate->clock_busy = 0;
	open_again(gate, flags);
	return 0;
}

int __kprobes tap_leave(struct tap_ctx *c, unsigned long flags)
{
	struct tap_lane *lane = tap_lane_of(c);

	if (c->held)
		tap_lock_set_release(c);
	if (unlikely(c->error))
		tap_report_error(lane);
	tap_unit_finish(lane);
	return tap_gate_end(c, !c->program->limits.overload_off, flags);
}

TAP_SMALL_BEGIN

/* "TEXT near WHERE", or "TEXT". False: no room. */
static bool __kprobes write_error(struct tap_ctx *c)
{
	static const char near[] = " near ";
	uint32_t text = c->error_length, where = c->error_where ? strlen(c->error_where) : 0;
	uint32_t n = text + (where ? sizeof(near) - 1 + where : 0);
	uint8_t *at = tap_record(c, TAP_RECORD_ERROR, TAP_STR_BYTES(n));

	if (!at)
		return false;
	*(uint64_t *)(at + TAP_STR_BYTES(n) - 8) = 0;
	*(uint32_t *)at = n;
	memcpy(at + 4, c->error, text);
	if (where) {
		memcpy(at + 4 + text, near, sizeof(near) - 1);
		memcpy(at + 4 + text + sizeof(near) - 1, c->error_where, where);
	}
	return true;
}

void __kprobes tap_report_error(struct tap_lane *lane)
{
	struct tap_session *s = &tap_session;
	struct tap_ctx *c = &lane->gate.ctx;

	if (c->aborted || s->program->limits.quiet) {
		lane->errors += !c->aborted;
		tap_clear_failure(c);
		return;
	}
	if (c->unit.lost || !write_error(c)) {
		/* The run's output found no room: the failure alone may; else it is said at the end. */
		lane->lost_units++;
		c->unit.lost = false;
		c->unit.start = NULL;
		if (!write_error(c)) {
			c->unit.lost = false;
			tap_session_error(tap_str_make(c->error, c->error_length));
		}
	}
	lane->errors++;
	if ((uint32_t)atomic_inc_return(&s->errors) > s->program->limits.errors)
		session_fail(lane);
	tap_clear_failure(c);
}

void __kprobes tap_request_exit(struct tap_ctx *c)
{
	if (tap_state_change(TAP_STATE_RUNNING, TAP_STATE_STOPPING) ||
	    tap_state_change(TAP_STATE_STARTING, TAP_STATE_STOPPING))
		tap_wake(tap_lane_of(c), TAP_WAIT_URGENT);
}

TAP_SMALL_END

/* The first `count` of the set. */
static void __kprobes drop_locks(struct tap_ctx *c, const struct tap_lock_set *set, uint32_t count)
{
	/* Locks are given back even by a handler that has used up its budget. */
	c->work.left = TAP_WORK_TURNS;
	while (count > 0 && tap_work_take(&c->work)) {
		count--;
		tap_lock_drop(set->uses[count].lock, set->uses[count].write);
	}
}

/* A hit is skipped as a whole, with what it printed before its first use of a global. */
static bool __kprobes give_up_locks(struct tap_ctx *c, const struct tap_lock_set *set, uint32_t taken)
{
	struct tap_lane *lane = tap_lane_of(c);

	drop_locks(c, set, taken);
	c->unit.start = NULL;
	lane->skipped_lock++;
	tap_skip(lane);
	return false;
}

bool __kprobes tap_lock_wait(struct tap_ctx *c, const struct tap_lock_set *set, uint32_t taken)
{
	const struct tap_limits *limits = &c->program->limits;
	const struct tap_lock_use *use = &set->uses[taken];
	uint32_t tries;

	for (tries = 0; tries < limits->lock_tries && tap_work_take(&c->work); tries++) {
		/* A host that runs our CPUs in turns gives the turn to the holder here; udelay() need not. */
		cpu_relax();
		udelay(limits->lock_delay_us);
		if (tap_lock_try(use->lock, use->write))
			return true;
	}
	return give_up_locks(c, set, taken);
}

bool __kprobes tap_lock_set_take(struct tap_ctx *c, const struct tap_lock_set *set)
{
	uint32_t taken;

	for (taken = 0; taken < set->count; taken++) {
		const struct tap_lock_use *use = &set->uses[taken];

		if (!tap_work_take(&c->work))
			return give_up_locks(c, set, taken);
		if (!tap_lock_try(use->lock, use->write) && !tap_lock_wait(c, set, taken))
			return false;
	}
	c->held = set;
	return true;
}

void __kprobes tap_lock_set_release(struct tap_ctx *c)
{
	const struct tap_lock_set *set = c->held;

	c->held = NULL;
	drop_locks(c, set, set->count);
}
