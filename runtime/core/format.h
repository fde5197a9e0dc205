/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The printf family's formats: %[flag][width][.precision][l]conversion, flag one of 0 + - space #, width and
 * precision a number or * (taken from the arguments); conversions b c d i u o x X p s m M and %%. One
 * implementation for sprintf in handlers and for those who print records. C and C++.
 */
#ifndef TAP_CORE_FORMAT_H
#define TAP_CORE_FORMAT_H

#include "format_parse.h"
#include "platform.h"

TAP_INLINE void tap_format_padded(struct tap_out *out, const struct tap_directive *d, const char *p,
				  uint64_t n)
{
	uint64_t pad = d->width > n ? d->width - n : 0;

	if (!d->left)
		tap_out_fill(out, ' ', pad);
	tap_out_bytes(out, p, n);
	if (d->left)
		tap_out_fill(out, ' ', pad);
}

TAP_INLINE void tap_format_integer(struct tap_out *out, const struct tap_directive *d, int64_t value)
{
	bool is_signed = d->conversion == 'd' || d->conversion == 'i', negative = is_signed && value < 0;
	bool hex = d->conversion == 'x' || d->conversion == 'X' || d->conversion == 'p';
	uint64_t magnitude = negative ? 0 - (uint64_t)value : (uint64_t)value, zeroes, total;
	const char *prefix = "";
	char digits[24];
	uint32_t n, prefix_length;

	if (negative)
		prefix = "-";
	else if (is_signed && d->plus)
		prefix = "+";
	else if (is_signed && d->space)
		prefix = " ";
	else if (hex && (d->alternate || d->conversion == 'p'))
		prefix = d->conversion == 'X' ? "0X" : "0x";
	else if (d->conversion == 'o' && d->alternate)
		prefix = "0";
	prefix_length = (uint32_t)__builtin_strlen(prefix);
	n = tap_digits_of(digits, magnitude, hex ? 16 : d->conversion == 'o' ? 8 : 10, d->conversion == 'X');
	zeroes = d->has_precision && d->precision > n ? d->precision - n : 0;
	total = prefix_length + zeroes + n;
	if (d->zero && !d->left && d->width > total) { /* also with a precision */
		zeroes += d->width - total;
		total = d->width;
	}
	if (!d->left)
		tap_out_fill(out, ' ', d->width > total ? d->width - total : 0);
	tap_out_bytes(out, prefix, prefix_length);
	tap_out_fill(out, '0', zeroes);
	tap_out_bytes(out, digits, n);
	if (d->left)
		tap_out_fill(out, ' ', d->width > total ? d->width - total : 0);
}

/* %c; with '#' what does not print is escaped as in a literal of C. */
TAP_INLINE void tap_format_character(struct tap_out *out, const struct tap_directive *d, int64_t value)
{
	static const char letters[] = "abtnvfr"; /* codes 7 to 13 */
	unsigned char c = (unsigned char)value;
	char text[4] = {(char)c, 0, 0, 0};
	uint32_t n = 1;

	if (d->alternate && (c < 32 || c > 126)) {
		text[0] = '\\';
		if (c >= 7 && c <= 13) {
			text[1] = letters[c - 7];
			n = 2;
		} else {
			text[1] = (char)('0' + (c >> 6));
			text[2] = (char)('0' + (c >> 3 & 7));
			text[3] = (char)('0' + (c & 7));
			n = 4;
		}
	} else if (d->alternate && (c == '\'' || c == '\\')) {
		text[0] = '\\';
		text[1] = (char)c;
		n = 2;
	}
	tap_format_padded(out, d, text, n);
}

TAP_INLINE bool tap_is_size(uint32_t bytes)
{
	return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

/* The low bytes as they lie in memory: as many as the precision says, or the width; NULs fill the width. */
TAP_INLINE void tap_format_binary(struct tap_out *out, const struct tap_directive *d, int64_t value)
{
	uint32_t bytes = tap_is_size(d->precision) ? d->precision : tap_is_size(d->width) ? d->width : 8;
	uint32_t pad = d->width > bytes ? d->width - bytes : 0;

	if (!d->left)
		tap_out_fill(out, 0, pad);
	tap_out_bytes(out, (const char *)&value, bytes);
	if (d->left)
		tap_out_fill(out, 0, pad);
}

TAP_INLINE void tap_format_hex_bytes(struct tap_format_state *s, const char *p, uint64_t n)
{
	uint64_t i;
	char pair[2];

	for (i = 0; i < n && tap_work_take(s->work); i++) {
		pair[0] = "0123456789abcdef"[(unsigned char)p[i] >> 4];
		pair[1] = "0123456789abcdef"[p[i] & 15];
		tap_out_bytes(s->out, pair, 2);
	}
}

/* %m and %M. */
TAP_INLINE void tap_format_bytes(struct tap_format_state *s, const struct tap_directive *d, const char *p,
				 uint64_t n)
{
	if (d->conversion == 'M')
		tap_format_hex_bytes(s, p, n);
	else
		tap_out_bytes(s->out, p, n);
}

#ifndef __cplusplus
/* In a handler's sprintf: the value has the address of the bytes, which are read a few at a time. */
TAP_INLINE void tap_format_read(struct tap_format_state *s, const struct tap_directive *d,
				struct tap_value value)
{
	uint64_t address = (uint64_t)(uintptr_t)value.p, left = (uint64_t)value.i;
	char chunk[32];

	while (left && s->out->n < s->out->size && tap_work_take(s->work)) {
		uint32_t n = left < sizeof(chunk) ? (uint32_t)left : (uint32_t)sizeof(chunk);

		if (!(d->alternate ? tap_read_user(chunk, address, n) : tap_read_kernel(chunk, address, n))) {
			s->fault = value.p;
			s->has_fault = true;
			return;
		}
		tap_format_bytes(s, d, chunk, n);
		address += n;
		left -= n;
	}
}
#endif

TAP_INLINE void tap_format_memory(struct tap_format_state *s, const struct tap_directive *d,
				  struct tap_value value)
{
	uint64_t n = value.p || s->reads ? (uint64_t)value.i : 0, length = d->conversion == 'M' ? n * 2 : n;
	uint64_t pad = d->width > length ? d->width - length : 0;

	if (!d->left)
		tap_out_fill(s->out, ' ', pad);
#ifndef __cplusplus
	if (s->reads)
		tap_format_read(s, d, value);
	else
#endif
		tap_format_bytes(s, d, value.p, n);
	if (d->left)
		tap_out_fill(s->out, ' ', pad);
}

TAP_INLINE void tap_format_one(struct tap_format_state *s)
{
	struct tap_directive d = tap_format_directive(s);
	struct tap_value value;
	uint64_t n;

	if (d.conversion == '%' || !d.conversion) {
		tap_out_bytes(s->out, "%", 1);
		return;
	}
	value = tap_format_next(s);
	switch (d.conversion) {
	case 'b':
		tap_format_binary(s->out, &d, value.i);
		return;
	case 'c':
		tap_format_character(s->out, &d, value.i);
		return;
	case 's':
		n = value.p ? (uint64_t)value.i : 0;
		tap_format_padded(s->out, &d, value.p, d.has_precision && d.precision < n ? d.precision : n);
		break;
	case 'm':
	case 'M':
		tap_format_memory(s, &d, value);
		break;
	default:
		tap_format_integer(s->out, &d, value.i);
		return;
	}
	if (d.zero) /* of text: SystemTap ends it with a NUL */
		tap_out_fill(s->out, 0, 1);
}

TAP_INLINE void tap_format_run(struct tap_format_state *s)
{
	while (s->at < s->end && tap_work_take(s->work)) {
		const char *percent = (const char *)__builtin_memchr(s->at, '%', (uint64_t)(s->end - s->at));
		const char *stop = percent ? percent : s->end;

		tap_out_bytes(s->out, s->at, (uint64_t)(stop - s->at));
		s->at = stop;
		if (percent) {
			s->at++;
			tap_format_one(s);
		}
	}
}

/* Formats into `size` bytes at `dst`, without NUL; gives the length of the whole text, which may be larger.
 */
TAP_INLINE uint64_t tap_format_text(char *dst, uint32_t size, struct tap_str text,
				    const struct tap_value *args, uint32_t count, struct tap_work *work)
{
	struct tap_out out = {dst, 0, size};
	struct tap_format_state s = {&out, text.p, text.p + text.n, args, args + count,
				     work, false,  false,	    NULL};

	tap_format_run(&s);
	return out.n;
}

#endif
