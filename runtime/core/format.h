/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The printf family's formats: %[flag][width][.precision][l]conversion, flag one of 0 + - space #, width and
 * precision a number or * (taken from the arguments); conversions b c d i u o x X p s m M and %%. One
 * implementation for sprintf in handlers and for those who print records. C and C++.
 */
#ifndef TAP_CORE_FORMAT_H
#define TAP_CORE_FORMAT_H

#include "out.h"

/* An argument: an integer, or (p not NULL) a string of i bytes. For %m and %M: the bytes that were read. */
struct tap_value {
	int64_t i;
	const char *p;
};

struct tap_directive {
	char conversion;
	bool zero, plus, left, space, alternate;
	bool has_width, has_precision;
	uint32_t width, precision;
};

/* Widths and precisions beyond are taken as this. */
enum { TAP_FORMAT_MAX_WIDTH = 1 << 20 };

struct tap_format_state {
	struct tap_out *out;
	const char *at, *end;
	const struct tap_value *args, *args_end;
	struct tap_work *work;
};

TAP_INLINE struct tap_value tap_format_next(struct tap_format_state *s)
{
	struct tap_value none = {0, NULL};

	return s->args < s->args_end ? *s->args++ : none;
}

TAP_INLINE uint32_t tap_format_number(struct tap_format_state *s, bool *negative)
{
	uint64_t value = 0;

	*negative = false;
	if (s->at < s->end && *s->at == '*') {
		int64_t given = tap_format_next(s).i;

		s->at++;
		*negative = given < 0;
		value = given < 0 ? 0 - (uint64_t)given : (uint64_t)given;
		return value < TAP_FORMAT_MAX_WIDTH ? (uint32_t)value : TAP_FORMAT_MAX_WIDTH;
	}
	while (s->at < s->end && *s->at >= '0' && *s->at <= '9' && tap_work_take(s->work)) {
		if (value < TAP_FORMAT_MAX_WIDTH)
			value = value * 10 + (uint64_t)(*s->at - '0');
		s->at++;
	}
	return value < TAP_FORMAT_MAX_WIDTH ? (uint32_t)value : TAP_FORMAT_MAX_WIDTH;
}

/* Behind the '%'. */
TAP_INLINE struct tap_directive tap_format_directive(struct tap_format_state *s)
{
	struct tap_directive d;
	bool negative;

	__builtin_memset(&d, 0, sizeof(d));
	for (; s->at < s->end && tap_work_take(s->work); s->at++) {
		if (*s->at == '0')
			d.zero = true;
		else if (*s->at == '+')
			d.plus = true;
		else if (*s->at == '-')
			d.left = true;
		else if (*s->at == ' ')
			d.space = true;
		else if (*s->at == '#')
			d.alternate = true;
		else
			break;
	}
	if (s->at < s->end && (*s->at == '*' || (*s->at >= '1' && *s->at <= '9'))) {
		d.has_width = true;
		d.width = tap_format_number(s, &negative);
		d.left |= negative;
	}
	if (s->at < s->end && *s->at == '.') {
		s->at++;
		d.precision = tap_format_number(s, &negative);
		d.has_precision = !negative;
	}
	if (s->at < s->end && *s->at == 'l')
		s->at++;
	if (s->at < s->end)
		d.conversion = *s->at++;
	return d;
}

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
	if (d->zero && !d->left && !d->has_precision && d->width > total) {
		zeroes = d->width - total;
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

/* %c; with '#' what does not print is escaped as in a string literal. */
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
	} else if (d->alternate && (c == '"' || c == '\\')) {
		text[0] = '\\';
		text[1] = (char)c;
		n = 2;
	}
	tap_format_padded(out, d, text, n);
}

TAP_INLINE void tap_format_hex_bytes(struct tap_format_state *s, struct tap_value value)
{
	int64_t i;
	char pair[2];

	for (i = 0; value.p && i < value.i && tap_work_take(s->work); i++) {
		pair[0] = "0123456789abcdef"[(unsigned char)value.p[i] >> 4];
		pair[1] = "0123456789abcdef"[value.p[i] & 15];
		tap_out_bytes(s->out, pair, 2);
	}
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
	case 'b': /* the low bytes as they lie in memory */
		tap_out_bytes(s->out, (const char *)&value.i,
			      d.width == 1 || d.width == 2 || d.width == 4 ? d.width : 8);
		return;
	case 'c':
		tap_format_character(s->out, &d, value.i);
		return;
	case 's':
		n = value.p ? (uint64_t)value.i : 0;
		tap_format_padded(s->out, &d, value.p, d.has_precision && d.precision < n ? d.precision : n);
		return;
	case 'm':
		tap_out_bytes(s->out, value.p, value.p ? (uint64_t)value.i : 0);
		return;
	case 'M':
		tap_format_hex_bytes(s, value);
		return;
	default:
		tap_format_integer(s->out, &d, value.i);
		return;
	}
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
	struct tap_format_state s = {&out, text.p, text.p + text.n, args, args + count, work};

	tap_format_run(&s);
	return out.n;
}

#endif
