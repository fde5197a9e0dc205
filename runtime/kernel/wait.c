/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only place where a handler may sleep: begin, end and error handlers, for the reader. */
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

static bool has_room(const struct tap_ring *ring, uint64_t bytes)
{
	return ring->size - (ring->head - smp_load_acquire(&ring->tail)) >= bytes;
}

/*
 * The session's ring is full: what there is of the unit goes out, and the rest waits for the reader. False,
 * at once, in an Event context; false when no reader will come (it is dead, or gets a fatal signal: handlers
 * run in its process).
 */
bool tap_session_wait(struct tap_lane *lane, uint32_t need)
{
	struct tap_session *s = tap_self();
	struct tap_unit *unit = &lane->gate.ctx.unit;
	uint64_t bytes = sizeof(struct tap_unit_header) + need;

	if (lane->gate.ctx.kind != TAP_SESSION)
		return false;
	if (unit->start && unit->at > unit->start + sizeof(struct tap_unit_header)) {
		tap_unit_commit(lane, TAP_UNIT_MORE);
		lane->continued = true;
	}
	unit->start = NULL;
	smp_store_release(&lane->gate.inflight, TAP_NOT_INFLIGHT);
	tap_wake(lane, TAP_WAIT_URGENT);
	if (bytes > lane->ring.size)
		return false;
	if (wait_event_killable(s->room, READ_ONCE(s->abandoned) || has_room(&lane->ring, bytes)))
		return false;
	return tap_unit_open(lane, need);
}

TAP_SMALL_END
