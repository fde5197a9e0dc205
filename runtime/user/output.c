/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/user/output.h"
#include "runtime/user/context.h"

/* Above any single record: an argument has less than MAXSTRINGLEN bytes. Larger ones get a buffer of their
 * own. */
#define BUFFER_BYTES (256u << 10)

int tap_output_init(struct tap_ctx *c)
{
	c->unit.ring = tap_alloc(BUFFER_BYTES);
	if (!c->unit.ring)
		return -12;
	c->unit.start = (uint8_t *)c->unit.ring;
	c->unit.at = c->unit.start + sizeof(struct tap_unit_header);
	c->unit.end = c->unit.start + BUFFER_BYTES;
	return 0;
}

void tap_output_exit(struct tap_ctx *c)
{
	tap_free(c->unit.ring);
}

static void flush(struct tap_ctx *c, uint32_t flags)
{
	struct tap_unit *unit = &c->unit;
	struct tap_unit_header *header = (struct tap_unit_header *)unit->start;
	uint32_t bytes = (uint32_t)(unit->at - unit->start);

	if (bytes > sizeof(*header)) {
		header->size = bytes;
		header->flags = flags;
		header->seq = unit->seq++;
		tap_host->print_unit(tap_host->self, c->program, unit->start, bytes);
	}
	unit->at = unit->start + sizeof(*header);
}

void tap_output_commit(struct tap_ctx *c)
{
	flush(c, 0);
}

/* Nobody waits behind this buffer: a full one is printed at once. */
uint8_t *tap_record(struct tap_ctx *c, uint32_t format, uint32_t bytes)
{
	struct tap_unit *unit = &c->unit;
	struct tap_record_header *header;
	uint64_t size = sizeof(*header) + (uint64_t)bytes;

	if ((uint64_t)(unit->end - unit->at) < size)
		flush(c, TAP_UNIT_MORE);
	if ((uint64_t)(unit->end - unit->at) < size) {
		unit->lost = true;
		return NULL;
	}
	header = (struct tap_record_header *)unit->at;
	header->size = (uint32_t)size;
	header->format = format;
	unit->at += size;
	return (uint8_t *)(header + 1);
}

void tap_warn(struct tap_ctx *c, struct tap_str text)
{
	uint8_t *at = tap_record(c, TAP_RECORD_WARNING, tap_str_bytes(text));

	if (at)
		tap_put_str(at, text);
}
