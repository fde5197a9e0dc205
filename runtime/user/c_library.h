/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of C and of the kernel that scripts' embedded C calls by habit; the platform is freestanding.
 * The declarations agree with those of a C library's headers, which embedded C may include.
 */
#ifndef TAP_USER_C_LIBRARY_H
#define TAP_USER_C_LIBRARY_H

#include "runtime/core/platform.h"

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *text);
/* platform.c */
int snprintf(char *to, size_t size, const char *format, ...) __asm__("tap_c_snprintf");

TAP_INLINE size_t strnlen(const char *text, size_t most)
{
	const char *end = (const char *)__builtin_memchr(text, 0, most);

	return end ? (size_t)(end - text) : most;
}

TAP_INLINE int strncmp(const char *a, const char *b, size_t most)
{
	size_t left = strnlen(a, most), right = strnlen(b, most);
	int order = __builtin_memcmp(a, b, left < right ? left : right);

	return order ? order : left < right ? -1 : left > right;
}

TAP_INLINE int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, strlen(a) + 1);
}

/* At most size - 1 bytes, and NUL; gives their number. */
TAP_INLINE size_t strscpy(char *to, const char *from, size_t size)
{
	size_t n = size ? strnlen(from, size - 1) : 0;

	if (!size)
		return 0;
	__builtin_memcpy(to, from, n);
	to[n] = 0;
	return n;
}

TAP_INLINE size_t strlcpy(char *to, const char *from, size_t size)
{
	strscpy(to, from, size);
	return strlen(from);
}

#endif
