/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checked reads of kernel and user memory: what tap_load_kernel, tap_load_user and the tapset's accessors
 * stand on.
 *
 * copy_from_kernel_nofault refuses what is not a canonical kernel address before it touches it
 * (arch/x86/mm/maccess.c) and recovers from a missing page by its exception table: no line in dmesg in any
 * case. copy_from_user_nofault runs with page faults disabled, so that an absent page is a failure and not a
 * sleep. The string versions of both are not exported; copying in pieces that end at page boundaries does the
 * same, reading past the string's end but never past its page.
 */
#include "runtime/kernel/pch.h"

#define TAP_PIECE 64u

bool __kprobes tap_read_kernel(void *dst, uint64_t address, uint32_t size)
{
	return copy_from_kernel_nofault(dst, (const void *)(unsigned long)address, size) == 0;
}

bool __kprobes tap_read_user(void *dst, uint64_t address, uint32_t size)
{
	return copy_from_user_nofault(dst, (const void __user *)(unsigned long)address, size) == 0;
}

/*
 * copy_to_kernel_nofault is not exported. Its stores are inline functions of uaccess.h, with an exception
 * table of their own; on an address that is not canonical they are a WARN, so one that cannot be read is not
 * written.
 */
#define TAP_STORE_INLINE(type)                                                                               \
	do {                                                                                                 \
		type value_;                                                                                 \
		__builtin_memcpy(&value_, from, sizeof(value_));                                             \
		__put_kernel_nofault((type *)(unsigned long)address, &value_, type, fault);                  \
	} while (0)

bool __kprobes tap_write_kernel(uint64_t address, const void *from, uint32_t bytes)
{
	u64 before;

	if (bytes > sizeof(before) || !tap_read_kernel(&before, address, bytes))
		return false;
	pagefault_disable();
	if (bytes == 8)
		TAP_STORE_INLINE(u64);
	else if (bytes == 4)
		TAP_STORE_INLINE(u32);
	else if (bytes == 2)
		TAP_STORE_INLINE(u16);
	else if (bytes == 1)
		TAP_STORE_INLINE(u8);
	else
		goto fault;
	pagefault_enable();
	return true;
fault:
	pagefault_enable();
	return false;
}

bool __kprobes tap_write_user(uint64_t address, const void *from, uint32_t bytes)
{
	return copy_to_user_nofault((void __user *)(unsigned long)address, from, bytes) == 0;
}

/* How many of the `room` bytes that are left may be read at once: up to the end of the piece, so of the page.
 */
static __always_inline uint32_t tap_piece(uint64_t address, uint32_t room)
{
	uint32_t n = TAP_PIECE - (uint32_t)(address & (TAP_PIECE - 1));

	return n < room ? n : room;
}

/* The string's length in what was just copied; n when it goes on. */
static __always_inline uint32_t tap_piece_length(const char *piece, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < TAP_PIECE; i++) {
		if (i >= n || !piece[i])
			break;
	}
	return i < n ? i : n;
}

#define TAP_READ_STRING(name, read)                                                                          \
	int __kprobes name(char *dst, uint32_t size, uint64_t address)                                       \
	{                                                                                                    \
		uint32_t done = 0, pieces;                                                                   \
                                                                                                             \
		if (!size)                                                                                   \
			return 0;                                                                            \
		for (pieces = 0; pieces < TAP_STRING_PIECES && done < size - 1; pieces++) {                  \
			uint32_t n = tap_piece(address + done, size - 1 - done), length;                     \
                                                                                                             \
			if (!read(dst + done, address + done, n)) {                                          \
				dst[0] = 0;                                                                  \
				return -1;                                                                   \
			}                                                                                    \
			length = tap_piece_length(dst + done, n);                                            \
			done += length;                                                                      \
			if (length < n)                                                                      \
				break;                                                                       \
		}                                                                                            \
		dst[done] = 0;                                                                               \
		return done;                                                                                 \
	}

/* Strings up to 32 KB, from any address. */
#define TAP_STRING_PIECES 513

TAP_READ_STRING(tap_read_kernel_string, tap_read_kernel)
TAP_READ_STRING(tap_read_user_string, tap_read_user)
