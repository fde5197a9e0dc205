/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integer operations that C leaves undefined or that may fail. */
#ifndef TAP_CORE_ARITH_H
#define TAP_CORE_ARITH_H

#include "ctx.h"

TAP_INLINE int64_t tap_div(struct tap_ctx *c, int64_t a, int64_t b, const char *where)
{
	if (tap_unlikely(b == 0)) {
		tap_fail(c, where, "division by 0");
		return 0;
	}
	if (b == -1)
		return tap_sub(0, a);
	return a / b;
}

TAP_INLINE int64_t tap_mod(struct tap_ctx *c, int64_t a, int64_t b, const char *where)
{
	if (tap_unlikely(b == 0)) {
		tap_fail(c, where, "division by 0");
		return 0;
	}
	if (b == -1)
		return 0;
	return a % b;
}

TAP_INLINE int64_t tap_shl(int64_t a, int64_t count)
{
	return (int64_t)((uint64_t)a << (count & 63));
}

/* Arithmetic: gcc and clang shift the sign in. */
TAP_INLINE int64_t tap_shr(int64_t a, int64_t count)
{
	return a >> (count & 63);
}

/* The low `bytes` bytes (1, 2, 4), zero-extended; negative: sign-extended. */
TAP_INLINE int64_t tap_trunc(int64_t value, int bytes)
{
	switch (bytes) {
	case 1:
		return (uint8_t)value;
	case 2:
		return (uint16_t)value;
	case 4:
		return (uint32_t)value;
	case -1:
		return (int8_t)value;
	case -2:
		return (int16_t)value;
	case -4:
		return (int32_t)value;
	default:
		return value;
	}
}

#endif
