/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integer types and compiler words, for the kernel, the user runtime (freestanding) and C++ programs alike.
 */
#ifndef TAP_CORE_TYPES_H
#define TAP_CORE_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/stddef.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#define TAP_INT64_MAX ((int64_t)0x7fffffffffffffffLL)
#define TAP_INT64_MIN (-TAP_INT64_MAX - 1)

#define tap_likely(x)	__builtin_expect(!!(x), 1)
#define tap_unlikely(x) __builtin_expect(!!(x), 0)
/* Named in emitted code whether used or not. */
#define TAP_MAYBE_UNUSED __attribute__((unused))
#define TAP_COLD	 __attribute__((__cold__, __noinline__))
#define TAP_INLINE	 static inline __attribute__((always_inline, unused))
/* Around functions that run once, or a few times a second: small code. */
#ifdef __clang__
#define TAP_SMALL_BEGIN _Pragma("clang attribute push(__attribute__((minsize)), apply_to = function)")
#define TAP_SMALL_END	_Pragma("clang attribute pop")
#else
#define TAP_SMALL_BEGIN
#define TAP_SMALL_END
#endif
/*
 * A function in a call cycle keeps its calls as calls: each opens a level of nesting, and the verifier wants
 * to see the test before it.
 */
#ifdef __clang__
#define TAP_RECURSIVE __attribute__((__noinline__, disable_tail_calls))
#else
#define TAP_RECURSIVE __attribute__((__noinline__, __noclone__, __optimize__("no-optimize-sibling-calls")))
#endif
/* Of 8 bytes, that hold so many bytes. */
#define TAP_WORDS(bytes) (((bytes) + 7) / 8)
#define TAP_COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

/* Wrapping arithmetic: signed overflow is defined in a script. */
TAP_INLINE int64_t tap_add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

TAP_INLINE int64_t tap_sub(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

TAP_INLINE int64_t tap_mul(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a * (uint64_t)b);
}

#endif
