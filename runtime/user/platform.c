/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/platform.h over the host: memory, reading, messages, locks. */
#include "runtime/user/context.h"

const struct tap_host *tap_host;

void *tap_alloc(uint64_t bytes)
{
	return tap_host->alloc(tap_host->self, bytes ? bytes : 1);
}

void tap_free(void *memory)
{
	if (memory)
		tap_host->free(tap_host->self, memory);
}

uint32_t tap_cpu_count(void)
{
	return 1;
}

bool tap_read_kernel(void *dst, uint64_t address, uint32_t bytes)
{
	return tap_host->read_memory(tap_host->self, dst, address, bytes);
}

bool tap_read_user(void *dst, uint64_t address, uint32_t bytes)
{
	return tap_read_kernel(dst, address, bytes);
}

bool tap_write_kernel(uint64_t address, const void *from, uint32_t bytes)
{
	return tap_host->write_memory(tap_host->self, address, from, bytes);
}

bool tap_write_user(uint64_t address, const void *from, uint32_t bytes)
{
	return tap_write_kernel(address, from, bytes);
}

/* To the end of a page at a time, which is readable as a whole or not at all; 64 pages at most. */
int tap_read_kernel_string(char *dst, uint32_t size, uint64_t address)
{
	uint32_t n = 0, pages;

	for (pages = 0; pages < 64 && n < size - 1; pages++) {
		uint32_t part = 4096 - (uint32_t)((address + n) & 4095);
		const char *end;

		if (part > size - 1 - n)
			part = size - 1 - n;
		if (!tap_read_kernel(dst + n, address + n, part))
			return -1;
		end = (const char *)__builtin_memchr(dst + n, 0, part);
		if (end)
			return (int)(end - dst);
		n += part;
	}
	dst[n] = 0;
	return (int)n;
}

int tap_read_user_string(char *dst, uint32_t size, uint64_t address)
{
	return tap_read_kernel_string(dst, size, address);
}

uint32_t tap_c_format(char *dst, uint32_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = tap_host->format(tap_host->self, dst, size, format, args);
	va_end(args);
	return n < 0 ? 0 : (uint32_t)n < size ? (uint32_t)n : size - 1;
}

/* snprintf of embedded C, c_library.h. */
int tap_c_snprintf(char *dst, size_t size, const char *format, ...);
int tap_c_snprintf(char *dst, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = tap_host->format(tap_host->self, dst, size, format, args);
	va_end(args);
	return n;
}

/*
 * One thread runs all handlers: every lock is free, if the handlers before gave theirs back. Those of a
 * handler that takes them in line are held in earnest, so all are.
 */
bool tap_lock_set_take(struct tap_ctx *c, const struct tap_lock_set *set)
{
	uint32_t i;

	for (i = 0; i < set->count && tap_work_take(&c->work); i++)
		tap_lock_try(set->uses[i].lock, set->uses[i].write);
	c->held = set;
	return true;
}

bool tap_lock_wait(struct tap_ctx *c, const struct tap_lock_set *set, uint32_t taken)
{
	(void)c;
	(void)set;
	(void)taken;
	return false;
}

void tap_number_unit(struct tap_ctx *c)
{
	(void)c;
}

void tap_lock_set_release(struct tap_ctx *c)
{
	const struct tap_lock_set *set = c->held;
	uint32_t i;

	c->held = NULL;
	c->work.left = TAP_WORK_TURNS; /* a handler that has used up its budget gives its locks back too */
	for (i = 0; i < set->count && tap_work_take(&c->work); i++)
		tap_lock_drop(set->uses[i].lock, set->uses[i].write);
}
