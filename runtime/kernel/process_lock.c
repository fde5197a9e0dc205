/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Process handlers wait for locks, and for room for what they print while they have them.
 */
#include <linux/delay.h>

#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

/* Room for the output that a handler makes while it holds locks, and cannot wait. False: it is being killed.
 */
static bool wait_half(struct tap_lane *lane)
{
	struct tap_session *s = tap_self();
	struct tap_unit *unit = &lane->gate.ctx.unit;
	uint64_t half = lane->ring.size / 2;

	if (unit->start ? (uint64_t)(unit->end - unit->at) >= half : tap_ring_has_room(&lane->ring, half))
		return true;
	tap_unit_let_go(lane);
	return !wait_event_killable(s->room, READ_ONCE(s->abandoned) || tap_ring_has_room(&lane->ring, half));
}

enum { TAP_LOCK_SPINS = 20, TAP_LOCK_SPIN_US = 2 };

/* Interrupts are off: some microseconds for each lock, and all or none. */
static bool try_all(const struct tap_lock_set *set)
{
	uint32_t taken, tries;

	for (taken = 0; taken < set->count; taken++) {
		const struct tap_lock_use *use = &set->uses[taken];

		for (tries = 0; tries < TAP_LOCK_SPINS && !tap_lock_try(use->lock, use->write); tries++)
			udelay(TAP_LOCK_SPIN_US);
		if (tries == TAP_LOCK_SPINS) {
			while (taken-- > 0)
				tap_lock_drop(set->uses[taken].lock, set->uses[taken].write);
			return false;
		}
	}
	return true;
}

/* As an Event handler, for interrupts are off: the rest of its budget is for what it does without locks. */
static void bound_actions(struct tap_lane *lane)
{
	struct tap_ctx *c = &lane->gate.ctx;

	lane->kept_actions = max_t(int64_t, c->actions - c->program->limits.region_actions, 0);
	c->actions -= lane->kept_actions;
}

/* Far longer than any handler has a lock. */
#define TAP_LOCK_PATIENCE_NS NSEC_PER_SEC

/*
 * With interrupts off until the locks are given back: whoever interrupted this handler would else find them
 * taken for as long as it is away, and skip.
 */
bool tap_process_lock(struct tap_ctx *c, const struct tap_lock_set *set)
{
	struct tap_lane *lane = tap_lane_of(c);
	unsigned long flags;
	int64_t until = 0;

	/* Embedded C may call it anywhere. */
	if (c->kind != TAP_PROCESS || c->held)
		return false;
	while (wait_half(lane) && !fatal_signal_pending(current)) {
		raw_local_irq_save(flags);
		if (try_all(set)) {
			lane->flags = flags;
			lane->unlock = tap_process_unlock;
			c->held = set;
			bound_actions(lane);
			return true;
		}
		raw_local_irq_restore(flags);
		if (until && tap_clock_monotonic_ns() > until)
			break;
		if (!until)
			until = tap_clock_monotonic_ns() + TAP_LOCK_PATIENCE_NS;
		/* The reader holds back what is newer than a unit that is being made. */
		tap_unit_let_go(lane);
		usleep_range(20, 200);
	}
	c->unit.start = NULL;
	lane->gave_up = true;
	lane->skipped_lock++;
	tap_skip(lane);
	return false;
}

void tap_process_unlock(struct tap_ctx *c)
{
	struct tap_lane *lane = tap_lane_of(c);

	tap_lock_set_release(c);
	c->actions += lane->kept_actions;
	raw_local_irq_restore(lane->flags);
}

TAP_SMALL_END
