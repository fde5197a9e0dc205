/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sprint.h"

struct tap_str tap_sprint(struct tap_ctx *c, char *slot, uint32_t size, const struct tap_format *format,
			  const struct tap_value *args, uint32_t count)
{
	uint64_t n =
	    tap_format_text(slot, size, tap_str_make(format->text, format->length), args, count, &c->work);
	uint32_t kept = n < size ? (uint32_t)n : size - 1;

	slot[kept] = 0;
	return tap_str_in(slot, kept);
}
