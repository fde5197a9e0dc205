/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entry and exit of Event handlers, locks of globals, failures, skips, overload. */
#include <linux/sched/task_stack.h>

#include "runtime/kernel/session.h"

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

/* A hit that no handler saw. More than MAXSKIPPED of them end the session. */
static void __kprobes skip(struct tap_lane *lane)
{
	struct tap_session *s = &tap_session;

	if ((uint32_t)atomic_inc_return(&s->skipped) > s->program->limits.skipped &&
	    READ_ONCE(s->state) == TAP_STATE_RUNNING) {
		tap_session_error(TAP_LIT(
		    "Skipped too many probes, check MAXSKIPPED or try again with stap -t for more details."));
		session_fail(lane);
	}
}

/*
 * Bytes of stack that are left. Known exactly on a task's own stack; the stacks of interrupts and exceptions
 * have no exported bounds, and a handler's own use of stack is bounded (codegen/safety).
 */
static __always_inline bool stack_has_room(uint32_t bytes)
{
	unsigned long here = (unsigned long)__builtin_frame_address(0);
	unsigned long bottom = (unsigned long)task_stack_page(current);

	return here - bottom >= THREAD_SIZE || here - bottom >= bytes;
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
	struct tap_session *s = &tap_session;
	struct tap_lane *lane;

	if (READ_ONCE(s->state) != TAP_STATE_RUNNING)
		return NULL;
	local_irq_save(*flags);
	lane = s->lanes[raw_smp_processor_id()];
	/* An NMI between the test and the store begins and ends its own run in between. */
	if (unlikely(READ_ONCE(lane->busy))) {
		local_inc(&lane->skipped_reentrant);
		skip(lane);
		goto out;
	}
	WRITE_ONCE(lane->busy, 1);
	barrier();
	if (unlikely(!stack_has_room(s->program->limits.stack_bytes))) {
		local_inc(&lane->skipped_lowstack);
		skip(lane);
		goto out_busy;
	}
	lane->entered = get_cycles();
	lane->ctx.site = site;
	lane->ctx.stack_least = tap_stack_least();
	lane->ctx.regs = NULL;
	lane->ctx.arguments = NULL;
	lane->ctx.entry = NULL;
	return &lane->ctx;

out_busy:
	barrier();
	WRITE_ONCE(lane->busy, 0);
out:
	local_irq_restore(*flags);
	return NULL;
}

/* More than `threshold` cycles in handlers within one interval: the session ends. */
static __always_inline void account(struct tap_lane *lane, const struct tap_limits *limits)
{
	uint64_t now = get_cycles();

	if (limits->overload_off)
		return;
	lane->interval_busy += now - lane->entered;
	if (likely(now - lane->interval_start <= limits->overload_interval))
		return;
	if (unlikely(lane->interval_busy > limits->overload_threshold && lane->interval_start)) {
		atomic_inc(&tap_session.skipped_overload);
		tap_session_error(TAP_LIT("probe overhead exceeded threshold"));
		session_fail(lane);
	}
	lane->interval_start = now;
	lane->interval_busy = 0;
}

void __kprobes tap_leave(struct tap_ctx *c, unsigned long flags)
{
	struct tap_lane *lane = tap_lane_of(c);

	if (c->held)
		tap_lock_set_release(c);
	if (unlikely(c->error))
		tap_report_error(lane);
	tap_unit_finish(lane);
	lane->hits++;
	account(lane, &c->program->limits);
	barrier();
	WRITE_ONCE(lane->busy, 0);
	local_irq_restore(flags);
}

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
	struct tap_ctx *c = &lane->ctx;

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
	c->error = NULL;
}

void __kprobes tap_request_exit(struct tap_ctx *c)
{
	c->exiting = true;
	if (tap_state_change(TAP_STATE_RUNNING, TAP_STATE_STOPPING) ||
	    tap_state_change(TAP_STATE_STARTING, TAP_STATE_STOPPING))
		tap_wake(tap_lane_of(c), TAP_WAIT_URGENT);
}

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

bool __kprobes tap_lock_set_take(struct tap_ctx *c, const struct tap_lock_set *set)
{
	const struct tap_limits *limits = &c->program->limits;
	struct tap_lane *lane = tap_lane_of(c);
	uint32_t taken;

	for (taken = 0; taken < set->count; taken++) {
		const struct tap_lock_use *use = &set->uses[taken];
		uint32_t tries = 0;

		while (!tap_lock_try(use->lock, use->write)) {
			if (++tries > limits->lock_tries || !tap_work_take(&c->work))
				goto fail;
			/* A host that runs our CPUs in turns gives the turn to the holder here; udelay() need
			 * not. */
			cpu_relax();
			udelay(limits->lock_delay_us);
		}
		if (!tap_work_take(&c->work)) {
			tap_lock_drop(use->lock, use->write);
			goto fail;
		}
	}
	c->held = set;
	/* The order of units is that of the locks: the number is taken while they are held. */
	if (c->site->probe->prints)
		tap_unit_number(lane);
	return true;

fail:
	drop_locks(c, set, taken);
	/* A hit is skipped as a whole, with what it printed before its first use of a global. */
	c->unit.start = NULL;
	lane->skipped_lock++;
	skip(lane);
	return false;
}

void __kprobes tap_lock_set_release(struct tap_ctx *c)
{
	const struct tap_lock_set *set = c->held;

	c->held = NULL;
	drop_locks(c, set, set->count);
}
