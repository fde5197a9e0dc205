/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What core and tapset C may ask of the platform. Those declared here are functions of the platform's
 * objects. These are the platform's too, as inline functions of its pch.h:
 *
 * - int64_t tap_reg(const struct tap_ctx *c, int number): a register of the event, by DWARF number; 0 where
 *   it has none
 * - int64_t tap_load_kernel(c, uint64_t address, int bytes, const char *where): 1, 2, 4, 8; negative:
 *   sign-extended; tap_load_user(c, address, bytes, where). A bad address fails and gives 0
 * - int64_t tap_pid(void) tap_tid tap_ppid tap_uid tap_euid tap_gid tap_egid tap_pgrp tap_sid tap_cpu
 * - int64_t tap_namespace_id(enum tap_namespace_id which): the same as the reader of the output sees them; -1
 *   if it does not; int64_t tap_reader_pid(void); bool tap_is_readers_user(void): the task is of its user
 * - int64_t tap_target(const struct tap_ctx *c): the process of -x/-c, or 0
 * - uint32_t tap_execname(char *dst, uint32_t size), tap_parent_execname: NUL-terminated; give the length
 * - int64_t tap_clock_realtime_ns(void), tap_clock_monotonic_ns(void), tap_clock_cpu_ns(int64_t cpu): 0 for a
 *   CPU that there is not; int64_t tap_jiffies(void), tap_jiffies_per_second(void)
 * - int64_t tap_seconds_west(void): of UTC, in the reader's time zone; uint32_t tap_timezone(char *dst,
 * uint32_t size): its name
 * - int64_t tap_stack_size(void): of a kernel stack; 0 where there is none
 */
#ifndef TAP_CORE_PLATFORM_H
#define TAP_CORE_PLATFORM_H

#include "ctx.h"
#include "lock.h"
#include "wire.h"

/* Ids of the current task for tap_namespace_id. */
enum tap_namespace_id {
	TAP_NAMESPACE_PID,
	TAP_NAMESPACE_TID,
	TAP_NAMESPACE_PPID,
	TAP_NAMESPACE_PGRP,
	TAP_NAMESPACE_SID,
	TAP_NAMESPACE_UID,
	TAP_NAMESPACE_EUID,
	TAP_NAMESPACE_GID,
	TAP_NAMESPACE_EGID,
};

/* Zeroed memory, or NULL. Both may sleep: only in tap_globals_init/exit and in the session's own code. */
void *tap_alloc(uint64_t bytes);
void tap_free(void *memory);
/* Bounds tap_cpu(): every value of it is below. */
uint32_t tap_cpu_count(void);

/* Never fault; false: nothing sensible is in dst. */
bool tap_read_kernel(void *dst, uint64_t address, uint32_t bytes);
bool tap_read_user(void *dst, uint64_t address, uint32_t bytes);
/* Copies up to the first NUL, at most size - 1 bytes; NUL-terminated. The length, or -1 for a bad address. */
int tap_read_kernel_string(char *dst, uint32_t size, uint64_t address);
int tap_read_user_string(char *dst, uint32_t size, uint64_t address);

/* Write 1, 2, 4 or 8 bytes; never fault. False: the memory cannot be written. */
bool tap_write_kernel(uint64_t address, const void *from, uint32_t bytes);
bool tap_write_user(uint64_t address, const void *from, uint32_t bytes);

/* The session ends after this handler. */
void tap_request_exit(struct tap_ctx *c);
/* A handler may have changed what an arming condition reads: the conditions are looked at soon. */
void tap_arming_request(struct tap_ctx *c);
TAP_INLINE void tap_abort(struct tap_ctx *c)
{
	tap_request_exit(c);
	tap_fail(c, NULL, "abort");
	c->aborted = true;
}
/* A line for the session's warnings. */
void tap_warn(struct tap_ctx *c, struct tap_str text);
/*
 * Room for a record of `bytes` of payload (a multiple of 8) in this run's unit; the header is written. NULL:
 * the unit is lost (Event) or the session is being torn down; the caller drops the record and goes on.
 */
uint8_t *tap_record(struct tap_ctx *c, uint32_t format, uint32_t bytes);
/*
 * Takes all locks of the set. False: one could not be had in time, none is held, and the run is counted as
 * skipped. Sets of few locks are taken inline, by tap_lock_try and, where that fails, tap_lock_wait.
 */
bool tap_lock_set_take(struct tap_ctx *c, const struct tap_lock_set *set);
/* Tries a bounded time for lock `taken` of the set, those before are held; false as above. */
TAP_COLD bool tap_lock_wait(struct tap_ctx *c, const struct tap_lock_set *set, uint32_t taken);
void tap_lock_set_release(struct tap_ctx *c);
/*
 * The same for a handler of kind TAP_PROCESS: it has waited for room for its output, keeps at it for about a
 * second, and then has interrupts off until tap_process_unlock, and no more than limits.region_actions of its
 * budget. False also when its process is being killed.
 */
bool tap_process_lock(struct tap_ctx *c, const struct tap_lock_set *set);
void tap_process_unlock(struct tap_ctx *c);
/* The run's output takes its place in the order of all output now, with its locks held. */
void tap_number_unit(struct tap_ctx *c);

/* C's own formatting, for messages of embedded C. NUL-terminated; gives the length written. */
__attribute__((format(printf, 3, 4))) uint32_t tap_c_format(char *dst, uint32_t size, const char *format,
							    ...);

/* Arguments of a record: each gives the place of the next one. */
TAP_INLINE uint8_t *tap_put_i64(uint8_t *at, int64_t value)
{
	*(int64_t *)at = value;
	return at + 8;
}

/* Bytes that tap_put_str takes. */
TAP_INLINE uint32_t tap_str_bytes(struct tap_str s)
{
	return (4 + s.n + 7) & ~7u;
}

TAP_INLINE uint8_t *tap_put_str(uint8_t *at, struct tap_str s)
{
	uint32_t bytes = tap_str_bytes(s);

	*(uint64_t *)(at + bytes - 8) = 0; /* padding; overlaps the length when s is short */
	*(uint32_t *)at = s.n;
	tap_bytes_move((char *)at + 4, s.p, s.n);
	return at + bytes;
}

/* What %m and %M copy: at least a byte, at most a page. */
TAP_INLINE uint32_t tap_memory_size(int64_t wanted)
{
	return wanted < 1 ? 1 : wanted > 4096 ? 4096 : (uint32_t)wanted;
}

/* As tap_put_str, of n bytes of memory. A bad address fails, and the string is one of n zeroes. */
TAP_INLINE uint8_t *tap_put_memory(struct tap_ctx *c, uint8_t *at, int64_t address, uint32_t n, bool user,
				   const char *where)
{
	uint32_t bytes = TAP_STR_BYTES(n);

	*(uint64_t *)(at + bytes - 8) = 0;
	*(uint32_t *)at = n;
	if (!(user ? tap_read_user(at + 4, (uint64_t)address, n)
		   : tap_read_kernel(at + 4, (uint64_t)address, n))) {
		__builtin_memset(at + 4, 0, n);
		tap_fail_fault(c, where, (uint64_t)address);
	}
	return at + bytes;
}

TAP_INLINE void tap_put_record(struct tap_ctx *c, uint32_t format, struct tap_str text)
{
	uint8_t *at = tap_record(c, format, tap_str_bytes(text));

	if (at)
		tap_put_str(at, text);
}

/* Text that is formatted already. */
TAP_INLINE void tap_print_text(struct tap_ctx *c, struct tap_str text)
{
	tap_put_record(c, TAP_RECORD_TEXT, text);
}

/* The reader of the output runs a command. */
TAP_INLINE void tap_run_command(struct tap_ctx *c, struct tap_str command)
{
	tap_put_record(c, TAP_RECORD_COMMAND, command);
}

#endif
