/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a handler may sleep for the reader: those of kinds Session and Process. The latter also wait for
 * locks: process_lock.c, which is a file of its own for modules without such handlers.
 */
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

/*
 * The session's ring is full: what there is of the unit goes out, and the rest waits for the reader. False,
 * at once, in an Event context and with locks held; false when no reader will come (it is dead, or gets a
 * fatal signal: handlers run in its process).
 */
bool tap_session_wait(struct tap_lane *lane, uint32_t need)
{
	struct tap_session *s = tap_self();
	uint64_t bytes = sizeof(struct tap_unit_header) + need;

	if (lane->gate.ctx.kind == TAP_EVENT || lane->gate.ctx.held)
		return false;
	tap_unit_let_go(lane);
	if (bytes > lane->ring.size)
		return false;
	if (wait_event_killable(s->room, READ_ONCE(s->abandoned) || tap_ring_has_room(&lane->ring, bytes)))
		return false;
	return tap_unit_open(lane, need);
}

TAP_SMALL_END
