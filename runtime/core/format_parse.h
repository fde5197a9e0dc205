/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments and directives of the printf family's formats: the reading half of format.h. C and C++. */
#ifndef TAP_CORE_FORMAT_PARSE_H
#define TAP_CORE_FORMAT_PARSE_H

#include "out.h"

/* An argument: an integer, or (p not NULL) a string of i bytes. For %m and %M: the bytes that were read. */
struct tap_value {
	int64_t i;
	const char *p;
};

TAP_INLINE struct tap_value tap_value_i(int64_t i)
{
	struct tap_value value = {i, NULL};
	return value;
}

TAP_INLINE struct tap_value tap_value_s(struct tap_str s)
{
	struct tap_value value = {s.n, s.p};
	return value;
}

/* For tap_sprint: n bytes at an address. */
TAP_INLINE struct tap_value tap_value_memory(int64_t address, uint32_t n)
{
	struct tap_value value = {n, (const char *)(uintptr_t)address};
	return value;
}

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
	bool reads; /* the values of %m and %M are addresses, see tap_format_read */
	bool has_fault;
	const char *fault; /* the address that could not be read */
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
		d.has_precision = true;
		if (negative)
			d.precision = 0;
	}
	if (s->at < s->end && *s->at == 'l')
		s->at++;
	if (s->at < s->end)
		d.conversion = *s->at++;
	return d;
}

#endif
