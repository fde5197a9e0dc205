/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to memory by address for embedded C. None of it faults: a bad address is an error of the script, and
 * leaves the function by `tap_out`.
 */
#ifndef TAP_CORE_EMBEDDED_MEMORY_H
#define TAP_CORE_EMBEDDED_MEMORY_H

#include "platform.h"

#define DEREF_FAULT(address)                                                                                 \
	({                                                                                                   \
		tap_fail_fault(c, tap_where, (uint64_t)(uintptr_t)(address));                                \
		goto tap_out;                                                                                \
	})
#define STORE_DEREF_FAULT(address)                                                                           \
	({                                                                                                   \
		tap_fail_store_fault(c, tap_where, (uint64_t)(uintptr_t)(address));                          \
		goto tap_out;                                                                                \
	})
/* Old functions end with it; faults need no label here. */
#define CATCH_DEREF_FAULT() ((void)0)

/* An unsigned number of `size` bytes (1, 2, 4, 8) at an address. */
#define TAP_DEREF(read, size, address)                                                                       \
	({                                                                                                   \
		uint64_t tap_value_ = 0;                                                                     \
		uint64_t tap_address_ = (uint64_t)(uintptr_t)(address);                                      \
		if (!read(&tap_value_, tap_address_, (size)))                                                \
			DEREF_FAULT(tap_address_);                                                           \
		tap_value_;                                                                                  \
	})
#define kderef(size, address) TAP_DEREF(tap_read_kernel, size, address)
#define uderef(size, address) TAP_DEREF(tap_read_user, size, address)

#define TAP_STORE_DEREF(write, size, address, value)                                                         \
	({                                                                                                   \
		uint64_t tap_value_ = (uint64_t)(value);                                                     \
		uint64_t tap_address_ = (uint64_t)(uintptr_t)(address);                                      \
		if (!write(tap_address_, &tap_value_, (size)))                                               \
			STORE_DEREF_FAULT(tap_address_);                                                     \
		(void)0;                                                                                     \
	})
#define store_kderef(size, address, value) TAP_STORE_DEREF(tap_write_kernel, size, address, value)
#define store_uderef(size, address, value) TAP_STORE_DEREF(tap_write_user, size, address, value)

/* What a pointer of any type points to: kread(&task->pid). */
#define TAP_READ_TYPED(read, pointer)                                                                        \
	({                                                                                                   \
		union {                                                                                      \
			__typeof__(*(pointer)) value;                                                        \
			char bytes[sizeof(*(pointer))];                                                      \
		} tap_read_;                                                                                 \
		if (!read(tap_read_.bytes, (uint64_t)(uintptr_t)(pointer), sizeof(*(pointer))))              \
			DEREF_FAULT(pointer);                                                                \
		tap_read_.value;                                                                             \
	})
#define kread(pointer) TAP_READ_TYPED(tap_read_kernel, pointer)
#define uread(pointer) TAP_READ_TYPED(tap_read_user, pointer)

#define TAP_WRITE_TYPED(write, pointer, value_)                                                              \
	({                                                                                                   \
		__typeof__(*(pointer)) tap_written_ = (__typeof__(*(pointer)))(value_);                      \
		if (!write((uint64_t)(uintptr_t)(pointer), &tap_written_, sizeof(*(pointer))))               \
			STORE_DEREF_FAULT(pointer);                                                          \
		(void)0;                                                                                     \
	})
#define kwrite(pointer, value) TAP_WRITE_TYPED(tap_write_kernel, pointer, value)
#define uwrite(pointer, value) TAP_WRITE_TYPED(tap_write_user, pointer, value)

/* A string of at most `size` - 1 bytes into `to`. */
#define TAP_DEREF_STRING(read, to, address, size)                                                            \
	({                                                                                                   \
		uint64_t tap_address_ = (uint64_t)(uintptr_t)(address);                                      \
		if (read((to), (size), tap_address_) < 0)                                                    \
			DEREF_FAULT(tap_address_);                                                           \
		(void)0;                                                                                     \
	})
#define kderef_string(to, address, size) TAP_DEREF_STRING(tap_read_kernel_string, to, address, size)
#define uderef_string(to, address, size) TAP_DEREF_STRING(tap_read_user_string, to, address, size)

#define TAP_DEREF_BUFFER(read, to, address, size)                                                            \
	({                                                                                                   \
		uint64_t tap_address_ = (uint64_t)(uintptr_t)(address);                                      \
		if (!read((to), tap_address_, (size)))                                                       \
			DEREF_FAULT(tap_address_);                                                           \
		(void)0;                                                                                     \
	})
#define kderef_buffer(to, address, size) TAP_DEREF_BUFFER(tap_read_kernel, to, address, size)
#define uderef_buffer(to, address, size) TAP_DEREF_BUFFER(tap_read_user, to, address, size)

#endif
