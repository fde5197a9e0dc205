/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that is being made in a buffer of fixed size; its full length is counted even where it does not fit. C
 * and C++. */
#ifndef TAP_CORE_OUT_H
#define TAP_CORE_OUT_H

#include "ctx.h"

struct tap_out {
	char *p;
	uint64_t n;    /* length of the whole text */
	uint32_t size; /* of the buffer; what is beyond is dropped */
};

TAP_INLINE uint32_t tap_out_room(const struct tap_out *out, uint64_t n)
{
	uint64_t room = out->n < out->size ? out->size - out->n : 0;

	return (uint32_t)(n < room ? n : room);
}

TAP_INLINE void tap_out_bytes(struct tap_out *out, const char *p, uint64_t n)
{
	uint32_t fits = tap_out_room(out, n);

	if (fits)
		__builtin_memcpy(out->p + out->n, p, fits);
	out->n += n;
}

TAP_INLINE void tap_out_fill(struct tap_out *out, char c, uint64_t n)
{
	uint32_t fits = tap_out_room(out, n);

	if (fits)
		__builtin_memset(out->p + out->n, c, fits);
	out->n += n;
}

/* Digits of `value` in base 8, 10 or 16, no prefix; at most 22. Gives their number. */
TAP_INLINE uint32_t tap_digits_of(char *text, uint64_t value, uint32_t base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char reversed[24];
	uint32_t n = 0, i;

	for (i = 0; i < 22; i++) {
		reversed[n++] = digits[value % base];
		value /= base;
		if (!value)
			break;
	}
	for (i = 0; i < 22; i++)
		if (i < n)
			text[i] = reversed[n - 1 - i];
	return n;
}

/* With a minus where needed; at most 20. */
TAP_INLINE uint32_t tap_decimal(char *text, int64_t value)
{
	if (value >= 0)
		return tap_digits_of(text, (uint64_t)value, 10, false);
	text[0] = '-';
	return 1 + tap_digits_of(text + 1, 0 - (uint64_t)value, 10, false);
}

#endif
