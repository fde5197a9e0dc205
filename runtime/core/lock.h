/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One lock per global, many readers or one writer, taken only by bounded trylock; the platform says how
 * often. */
#ifndef TAP_CORE_LOCK_H
#define TAP_CORE_LOCK_H

#include "types.h"

struct tap_lock {
	int32_t holders; /* -1: a writer */
};

struct tap_lock_use {
	struct tap_lock *lock;
	bool write;
	const char *name; /* of the global, for the report of skipped probes */
};

/* In the order of the globals, which is the order of taking them in every handler. */
struct tap_lock_set {
	const struct tap_lock_use *uses;
	uint32_t count;
};

TAP_INLINE bool tap_lock_try(struct tap_lock *lock, bool write)
{
	int32_t holders = write ? 0 : __atomic_load_n(&lock->holders, __ATOMIC_RELAXED);

	if (holders < 0)
		return false;
	return __atomic_compare_exchange_n(&lock->holders, &holders, write ? -1 : holders + 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

TAP_INLINE void tap_lock_drop(struct tap_lock *lock, bool write)
{
	if (write)
		__atomic_store_n(&lock->holders, 0, __ATOMIC_RELEASE);
	else
		__atomic_fetch_sub(&lock->holders, 1, __ATOMIC_RELEASE);
}

#endif
