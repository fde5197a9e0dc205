/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of short strings, by words that may overlap: of n bytes, the first and the last word cover all when n
 * is at least a word and at most two.
 */
#include "str.h"

TAP_INLINE uint32_t half_at(const char *p)
{
	uint32_t half;

	__builtin_memcpy(&half, p, sizeof(half));
	return half;
}

TAP_INLINE void put_word(char *p, uint64_t word)
{
	__builtin_memcpy(p, &word, sizeof(word));
}

/* All is read before anything is written. */
void tap_bytes_move(char *to, const char *from, uint32_t n)
{
	if (tap_likely(n - 8 <= 8)) {
		uint64_t first = tap_word_at(from), last = tap_word_at(from + n - 8);

		put_word(to, first);
		put_word(to + n - 8, last);
	} else if (n > 16) {
		__builtin_memmove(to, from, n);
	} else if (n >= 4) {
		uint32_t first = half_at(from), last = half_at(from + n - 4);

		__builtin_memcpy(to, &first, 4);
		__builtin_memcpy(to + n - 4, &last, 4);
	} else if (n) {
		char first = from[0], middle = from[n / 2], last = from[n - 1];

		to[0] = first;
		to[n / 2] = middle;
		to[n - 1] = last;
	}
}

bool tap_bytes_equal(const char *a, const char *b, uint32_t n)
{
	if (tap_likely(n - 8 <= 8))
		return !((tap_word_at(a) ^ tap_word_at(b)) |
			 (tap_word_at(a + n - 8) ^ tap_word_at(b + n - 8)));
	if (n > 16)
		return __builtin_memcmp(a, b, n) == 0;
	if (n >= 4)
		return !((half_at(a) ^ half_at(b)) | (half_at(a + n - 4) ^ half_at(b + n - 4)));
	return !n || !((a[0] ^ b[0]) | (a[n / 2] ^ b[n / 2]) | (a[n - 1] ^ b[n - 1]));
}
