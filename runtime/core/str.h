/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strings: a pointer and a length. No byte is NUL; there is no NUL behind them in general. A string in a slot
 * of `size` bytes has at most size - 1 bytes and does end with NUL, so that embedded C can take it.
 */
#ifndef TAP_CORE_STR_H
#define TAP_CORE_STR_H

#include "types.h"

struct tap_str {
	const char *p;
	uint32_t n;
};

/* Of a string literal. */
#define TAP_LIT(s) ((struct tap_str){(s), (uint32_t)(sizeof(s) - 1)})

/* Storage of a string that is kept: a global, a map's key or value. */
#define TAP_STRING_STORAGE(size)                                                                             \
	struct {                                                                                             \
		uint32_t n;                                                                                  \
		char s[size];                                                                                \
	}
#define TAP_STORED(storage) ((struct tap_str){(storage).s, (storage).n})
#define TAP_STORE(storage, value)                                                                            \
	do {                                                                                                 \
		struct tap_str tap_stored_ = tap_copy((storage).s, sizeof((storage).s), (value));            \
		(storage).n = tap_stored_.n;                                                                 \
	} while (0)

TAP_INLINE struct tap_str tap_str_make(const char *p, uint32_t n)
{
	struct tap_str s = {p, n};
	return s;
}

/* core/str.c: strings of a few words, which most are, in a few instructions; longer ones by the platform's
 * memmove and memcmp. */
/* `to` and `from` may overlap. */
void tap_bytes_move(char *to, const char *from, uint32_t n);
bool tap_bytes_equal(const char *a, const char *b, uint32_t n);

TAP_INLINE uint64_t tap_word_at(const char *p)
{
	uint64_t word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
}

/* The string in a buffer of `size` bytes: up to the first NUL. */
TAP_INLINE struct tap_str tap_str_in(const char *buffer, uint32_t size)
{
	const char *end = (const char *)__builtin_memchr(buffer, 0, size);
	return tap_str_make(buffer, end ? (uint32_t)(end - buffer) : size);
}

/* The part that fits storage of `size` bytes. */
TAP_INLINE struct tap_str tap_cut(struct tap_str s, uint32_t size)
{
	if (s.n >= size)
		s.n = size - 1;
	return s;
}

/* `from` may be the slot itself, or overlap it. */
TAP_INLINE struct tap_str tap_copy(char *slot, uint32_t size, struct tap_str from)
{
	uint32_t n = from.n < size ? from.n : size - 1;

	tap_bytes_move(slot, from.p, n);
	slot[n] = 0;
	return tap_str_make(slot, n);
}

/* Either operand, or both, may be what is in the slot now: the tail moves first, behind what the head keeps.
 */
TAP_INLINE struct tap_str tap_concat(char *slot, uint32_t size, struct tap_str a, struct tap_str b)
{
	uint32_t head = a.n < size ? a.n : size - 1;
	uint32_t tail = b.n < size - head ? b.n : size - 1 - head;

	if (__builtin_constant_p(b.n) && b.n <= 16 && tap_likely(tail == b.n))
		__builtin_memmove(slot + head, b.p, b.n);
	else
		tap_bytes_move(slot + head, b.p, tail);
	if (a.p != slot)
		tap_bytes_move(slot, a.p, head);
	slot[head + tail] = 0;
	return tap_str_make(slot, head + tail);
}

TAP_INLINE bool tap_str_eq(struct tap_str a, struct tap_str b)
{
	if (a.n != b.n)
		return false;
	if (__builtin_constant_p(a.n) || __builtin_constant_p(b.n))
		return __builtin_memcmp(a.p, b.p, a.n) == 0;
	return tap_bytes_equal(a.p, b.p, a.n);
}

/* <0, 0, >0, by unsigned bytes. */
TAP_INLINE int tap_str_cmp(struct tap_str a, struct tap_str b)
{
	int order = __builtin_memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	if (order)
		return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

#endif
