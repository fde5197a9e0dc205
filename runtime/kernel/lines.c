/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source lines of kernel addresses, by tables that `stap` links into modules that name tap_source_line. A
 * look-up reads the module's own constants alone: tens of steps to the block, tens to the row. It is charged
 * for, and so is the walk over the ranges: those of the kernel are the first, but behind them are those of
 * perhaps hundreds of modules.
 */
#include "runtime/core/line_table.h"
#include "runtime/kernel/session.h"

extern const struct tap_lines tap_lines;

static bool __kprobes link_address(const struct tap_line_range *range, uint64_t *address)
{
	const struct tap_program *program = tap_self()->program;
	uint64_t slide = tap_kernel_slide;

	if (range->anchor != TAP_LINE_KERNEL) {
		const struct tap_module_anchor *anchor = &program->module_anchors[range->anchor];

		if (!smp_load_acquire(&anchor->found))
			return false;
		slide = anchor->slide;
	}
	*address -= slide;
	return *address >= range->begin && *address < range->end;
}

/* Ranges that one action pays for. */
enum { TAP_RANGES_AN_ACTION = 16 };

static struct tap_line __kprobes find_line(uint64_t address, uint32_t *walked)
{
	struct tap_line none = {NULL, 0};
	uint32_t i;

	for (i = 0; i < TAP_LINE_RANGES && i < tap_lines.range_count; i++) {
		const struct tap_line_range *range = &tap_lines.ranges[i];
		uint64_t link = address;

		*walked = i;
		if (link_address(range, &link))
			return tap_line_find((const void *)((const char *)&tap_lines + range->table), link);
	}
	return none;
}

uint32_t __kprobes tap_source_line(struct tap_ctx *c, char *dst, uint32_t size, uint64_t address,
				   enum tap_line_part part, const char *where)
{
	struct tap_line found;
	uint32_t walked = 0;
	int n;

	if (!size)
		return 0;
	dst[0] = 0;
	if (!tap_charge(c, TAP_LINE_ACTIONS, where))
		return 0;
	found = find_line(address, &walked);
	if (walked >= TAP_RANGES_AN_ACTION && !tap_charge(c, walked / TAP_RANGES_AN_ACTION, where))
		return 0;
	if (!found.file)
		n = scnprintf(dst, size, "0x%llx", address);
	else if (part == TAP_LINE_NUMBER)
		n = scnprintf(dst, size, "%u", found.line);
	else if (part == TAP_LINE_NAME)
		n = scnprintf(dst, size, "%s", found.file);
	else
		n = scnprintf(dst, size, "%s:%u", found.file, found.line);
	return n < 0 ? 0 : n;
}
