/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user runtime asks of the process that it runs in. The emitted unit and runtime/user are
 * freestanding: these functions are their only way out. C, and C++ (host.cpp implements them). `self` is the
 * host's own.
 */
#ifndef TAP_USER_HOST_H
#define TAP_USER_HOST_H

#include <stdarg.h>

#include "runtime/core/program.h"
#include "runtime/core/wire.h"

enum tap_fact {
	TAP_FACT_PID,
	TAP_FACT_TID,
	TAP_FACT_PPID,
	TAP_FACT_UID,
	TAP_FACT_EUID,
	TAP_FACT_GID,
	TAP_FACT_EGID,
	TAP_FACT_PGRP,
	TAP_FACT_SID,
	TAP_FACT_TARGET, /* the process of -x or -c, else 0 */
};

struct tap_host {
	void *self;
	/* Zeroed memory, or NULL. */
	void *(*alloc)(void *self, uint64_t bytes);
	void (*free)(void *self, void *memory);
	int64_t (*realtime_ns)(void *self);
	int64_t (*monotonic_ns)(void *self);
	/*
	 * Sleeps until the monotonic clock shows `ns` (TAP_INT64_MAX: without end). False: the session is to
	 * end (a signal, or the end of the -c command); so is every later call.
	 */
	bool (*wait_until)(void *self, int64_t ns);
	/* Copies this process's memory; false where it is not readable. Never faults. */
	bool (*read_memory)(void *self, void *dst, uint64_t address, uint32_t bytes);
	/* The same for writing. */
	bool (*write_memory)(void *self, uint64_t address, const void *from, uint32_t bytes);
	int64_t (*fact)(void *self, enum tap_fact fact);
	uint32_t (*execname)(void *self, char *dst, uint32_t size);
	/* Seconds west of UTC, and the name of the time zone. */
	int64_t (*seconds_west)(void *self);
	uint32_t (*timezone)(void *self, char *dst, uint32_t size);
	uint32_t (*parent_execname)(void *self, char *dst, uint32_t size);
	/* Prints one whole unit (wire.h); `formats` is the program's table. */
	void (*print_unit)(void *self, const struct tap_program *program, const uint8_t *unit,
			   uint32_t bytes);
	/* C's vsnprintf. */
	int (*format)(void *self, char *dst, uint64_t size, const char *format, va_list args);
};

/* What a session gives: it ended well; it ended with an error, which was printed; nothing ran. */
enum {
	TAP_USER_ENDED = 0,
	TAP_USER_FAILED = 1,
	TAP_USER_NO_MEMORY = 2,
};

/* The emitted unit's entry. */
#define TAP_USER_ENTRY "tap_user_main"
typedef int (*tap_user_main_fn)(const struct tap_host *host);

#endif
