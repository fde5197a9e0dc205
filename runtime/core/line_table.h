/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source lines of code, packed: what `stap` puts into a module whose script asks for lines
 * (frontend/target/line_table.h makes the tables, codegen/finish/line_object.h joins them), and how one is
 * looked up. Numbers are little-endian; all places are offsets, so that the bytes need no relocation.
 *
 * A table's rows are sorted by address; each holds up to the next one. They stand in blocks of at most
 * TAP_LINE_ROWS, found by binary search. A block begins with the file and line of its first row; each row
 * behind it is
 *   below TAP_LINE_SHORT  the same file; the line and the address grow by what the opcode says
 *   TAP_LINE_SAME	   address (ULEB128) and line (zigzag) grow, the file stays
 *   TAP_LINE_BACK	   the same, from the line of the file before this one
 *   TAP_LINE_FILE	   the address grows; file and line, ULEB128
 * File 0 has no source.
 */
#ifndef TAP_CORE_LINE_TABLE_H
#define TAP_CORE_LINE_TABLE_H

#include "types.h"

enum {
	TAP_LINE_ROWS = 64,
	TAP_LINE_LEAST = -4, /* lines of a short row */
	TAP_LINE_LINES = 12,
	TAP_LINE_ADDRESSES = 21, /* bytes of a short row, from 1 */
	TAP_LINE_SHORT = TAP_LINE_LINES * TAP_LINE_ADDRESSES,
	TAP_LINE_SAME = TAP_LINE_SHORT,
	TAP_LINE_BACK,
	TAP_LINE_FILE,
};

struct tap_line_block {
	uint32_t address; /* from the table's base */
	uint32_t at;	  /* of its bytes */
};

struct tap_line_table {
	uint64_t base;	 /* a link address */
	uint32_t size;	 /* of the table */
	uint32_t blocks; /* struct tap_line_block[block_count] */
	uint32_t block_count;
	uint32_t files; /* uint32_t[file_count]: where their names are, each ending in NUL */
	uint32_t file_count;
	uint32_t rows;	   /* how many */
	uint32_t rows_end; /* where the last block's rows end */
	uint32_t ranges;   /* pairs of link addresses, uint64_t[2 * range_count]: the code that it is of */
	uint32_t range_count;
};

/* The link addresses of a table that move together when the code is loaded. */
struct tap_line_range {
	uint64_t begin, end;
	uint32_t anchor; /* of the program's module anchors, by number; TAP_LINE_KERNEL: the kernel's slide */
	uint32_t table;	 /* from the beginning of struct tap_lines */
};

#define TAP_LINE_KERNEL 0xffffffffu

struct tap_lines {
	uint32_t range_count, reserved;
	struct tap_line_range ranges[];
};

/* Ranges that are looked through at the most. */
enum { TAP_LINE_RANGES = 4096 };

struct tap_line {
	const char *file; /* NULL: not known; ends in NUL */
	uint32_t line;	  /* 0: not known */
};

/* Bytes of a table, read on; 0 behind its end. */
struct tap_line_reader {
	const unsigned char *bytes;
	uint32_t at, size;
};

TAP_INLINE uint32_t tap_line_byte(struct tap_line_reader *reader)
{
	return reader->at < reader->size ? reader->bytes[reader->at++] : 0;
}

TAP_INLINE uint32_t tap_line_number(struct tap_line_reader *reader)
{
	uint32_t value = 0, byte, i;

	for (i = 0; i < 5; i++) {
		byte = tap_line_byte(reader);
		value |= (byte & 0x7f) << 7 * i;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

TAP_INLINE uint32_t tap_line_unzigzag(uint32_t value)
{
	return value >> 1 ^ (0 - (value & 1));
}

/* The number of the last block that begins at or below the address; block_count: none does. */
static inline uint32_t tap_line_block_of(const struct tap_line_table *table,
					 const struct tap_line_block *blocks, uint32_t address)
{
	uint32_t from = 0, to = table->block_count, step, middle;

	for (step = 0; step < 32 && from < to; step++) {
		middle = from + (to - from) / 2;
		if (blocks[middle].address <= address)
			from = middle + 1;
		else
			to = middle;
	}
	return from ? from - 1 : table->block_count;
}

/* What the table, which is whole, says of a link address. */
static inline struct tap_line tap_line_find(const struct tap_line_table *table, uint64_t link_address)
{
	const unsigned char *bytes = (const unsigned char *)table;
	const struct tap_line_block *blocks = (const struct tap_line_block *)(bytes + table->blocks);
	const uint32_t *names = (const uint32_t *)(bytes + table->files);
	struct tap_line_reader reader = {bytes, 0, table->size};
	uint32_t address, file, line, file_before = 0, line_before = 0, row, block, last;
	struct tap_line found = {NULL, 0};

	if (link_address < table->base || link_address - table->base > 0xffffffffu)
		return found;
	block = tap_line_block_of(table, blocks, (uint32_t)(link_address - table->base));
	if (block == table->block_count)
		return found;
	address = blocks[block].address;
	reader.at = blocks[block].at;
	last = block + 1 < table->block_count ? blocks[block + 1].at : table->rows_end;
	file = tap_line_number(&reader);
	line = tap_line_number(&reader);
	for (row = 1; row < TAP_LINE_ROWS && reader.at < last; row++) {
		uint32_t opcode = tap_line_byte(&reader);
		uint32_t grown =
		    opcode < TAP_LINE_SHORT ? opcode / TAP_LINE_LINES + 1 : tap_line_number(&reader);
		uint32_t number;

		if (grown > (uint32_t)(link_address - table->base) - address)
			break;
		address += grown;
		if (opcode < TAP_LINE_SHORT) {
			line += opcode % TAP_LINE_LINES + TAP_LINE_LEAST;
			continue;
		}
		number = tap_line_number(&reader);
		if (opcode == TAP_LINE_SAME) {
			line += tap_line_unzigzag(number);
			continue;
		}
		if (opcode == TAP_LINE_BACK) {
			uint32_t here = file, line_here = line;

			file = file_before;
			line = line_before + tap_line_unzigzag(number);
			file_before = here;
			line_before = line_here;
			continue;
		}
		file_before = file;
		line_before = line;
		file = number;
		line = tap_line_number(&reader);
	}
	if (file < table->file_count && names[file] < table->size && file) {
		found.file = (const char *)bytes + names[file];
		found.line = line;
	}
	return found;
}

#endif
