/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rings, units and sequence numbers: the writer's side of the transport. A handler writes its records
 * straight into the free part of its ring; nobody sees them before the head moves. ABI.md ("Output records")
 * has the protocol.
 */
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

int tap_ring_init(struct tap_ring *ring, uint64_t bytes, int node)
{
	struct page **pages;
	uint32_t count, i;

	if (bytes < PAGE_SIZE)
		bytes = PAGE_SIZE;
	if (bytes > 1ull << 30)
		bytes = 1ull << 30;
	bytes = roundup_pow_of_two(bytes);
	count = bytes >> PAGE_SHIFT;
	pages = kvcalloc(2 * (size_t)count, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	ring->pages = pages;
	for (i = 0; i < count; i++) {
		pages[i] =
		    alloc_pages_node(node, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL, 0);
		if (!pages[i])
			goto fail;
		pages[count + i] = pages[i];
		ring->page_count = i + 1;
	}
	ring->data = vmap(pages, 2 * count, VM_MAP, PAGE_KERNEL);
	if (!ring->data)
		goto fail;
	ring->size = bytes;
	return 0;
fail:
	tap_ring_exit(ring);
	return -ENOMEM;
}

void tap_ring_exit(struct tap_ring *ring)
{
	uint32_t i;

	if (ring->data)
		vunmap(ring->data);
	for (i = 0; i < ring->page_count; i++)
		__free_page(ring->pages[i]);
	kvfree(ring->pages);
	memset(ring, 0, sizeof(*ring));
}

TAP_SMALL_END

/*
 * Wakes the reader if it sleeps and waits for what just happened. The store before must be visible to a
 * reader that goes to sleep: full barrier here, and between its `waiting` and its look at the rings.
 */
void __kprobes tap_wake(struct tap_lane *lane, uint32_t what)
{
	smp_mb();
	if (READ_ONCE(tap_session.waiting) & what) {
		WRITE_ONCE(tap_session.waiting, 0);
		irq_work_queue(&lane->wake);
	}
}

void __kprobes tap_unit_number(struct tap_lane *lane)
{
	atomic64_t *counter = &tap_session.counter;

	/* The bound must be visible before the number is taken; atomic64_inc_return is a full barrier. */
	if (lane->gate.inflight == TAP_NOT_INFLIGHT)
		WRITE_ONCE(lane->gate.inflight, (uint64_t)atomic64_read(counter) + 1);
	lane->gate.ctx.unit.seq = (uint64_t)atomic64_inc_return(counter);
}

void __kprobes tap_number_unit(struct tap_ctx *c)
{
	tap_unit_number(tap_lane_of(c));
}

/* Every unit below it is in the rings, for one who reads the heads after it. */
uint64_t tap_watermark(void)
{
	struct tap_session *s = tap_self();
	uint64_t mark = (uint64_t)atomic64_read(&s->counter) + 1;
	uint32_t i;

	smp_mb();
	for (i = 0; i < s->lane_count; i++) {
		uint64_t inflight;

		if (!s->lanes[i])
			continue;
		inflight = READ_ONCE(s->lanes[i]->gate.inflight);
		if (inflight < mark)
			mark = inflight;
	}
	smp_mb();
	return mark;
}

bool __kprobes tap_unit_open(struct tap_lane *lane, uint32_t need)
{
	struct tap_unit *unit = &lane->gate.ctx.unit;
	struct tap_ring *ring = &lane->ring;
	uint64_t room = ring->size - (ring->head - smp_load_acquire(&ring->tail));

	if (room < sizeof(struct tap_unit_header) + need)
		return false;
	if (lane->gate.inflight == TAP_NOT_INFLIGHT)
		tap_unit_number(lane);
	unit->start = ring->data + (ring->head & (ring->size - 1));
	unit->at = unit->start + sizeof(struct tap_unit_header);
	unit->end = unit->start + room;
	return true;
}

void __kprobes tap_unit_commit(struct tap_lane *lane, uint32_t flags)
{
	struct tap_unit *unit = &lane->gate.ctx.unit;
	struct tap_unit_header *header = (struct tap_unit_header *)unit->start;
	uint32_t size;

	if (!header)
		return;
	size = unit->at - unit->start;
	unit->start = unit->at = unit->end = NULL;
	if (size == sizeof(*header) && !lane->continued)
		return;
	header->size = size;
	header->flags = flags;
	header->seq = unit->seq;
	smp_store_release(&lane->ring.head, lane->ring.head + size);
}

void __kprobes tap_unit_finish(struct tap_lane *lane)
{
	struct tap_unit *unit = &lane->gate.ctx.unit;
	bool had_number = lane->gate.inflight != TAP_NOT_INFLIGHT;
	uint32_t what = TAP_WAIT_WATERMARK;

	if (unit->lost) {
		unit->start = unit->at = unit->end = NULL;
		unit->lost = false;
		lane->lost_units++;
	}
	if (unit->start) {
		what = TAP_WAIT_WATERMARK | TAP_WAIT_DATA;
		if ((uint64_t)(unit->end - unit->at) < lane->ring.size / 2)
			what |= TAP_WAIT_URGENT;
	}
	tap_unit_commit(lane, 0);
	lane->continued = false;
	if (!had_number)
		return;
	/* After the head: a reader that does not see the number in flight sees its unit. */
	smp_store_release(&lane->gate.inflight, TAP_NOT_INFLIGHT);
	tap_wake(lane, what);
}

uint8_t *__kprobes tap_record(struct tap_ctx *c, uint32_t format, uint32_t bytes)
{
	struct tap_lane *lane = tap_lane_of(c);
	struct tap_unit *unit = &c->unit;
	struct tap_record_header *record;
	uint32_t need = sizeof(*record) + bytes;

	if (unit->lost)
		return NULL;
	if (unlikely(!unit->start ? !tap_unit_open(lane, need) : (uint64_t)(unit->end - unit->at) < need)) {
		if (c->kind == TAP_EVENT || !tap_session_wait(lane, need)) {
			unit->lost = true;
			return NULL;
		}
	}
	record = (struct tap_record_header *)unit->at;
	record->size = need;
	record->format = format;
	unit->at += need;
	return (uint8_t *)(record + 1);
}

void __kprobes tap_warn(struct tap_ctx *c, struct tap_str text)
{
	uint8_t *at = tap_record(c, TAP_RECORD_WARNING, tap_str_bytes(text));

	if (at)
		tap_put_str(at, text);
}
