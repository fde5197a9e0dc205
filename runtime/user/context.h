/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The platform's inline functions of core/platform.h, over the host. */
#ifndef TAP_USER_CONTEXT_H
#define TAP_USER_CONTEXT_H

#include "runtime/core/arith.h"
#include "runtime/core/platform.h"
#include "runtime/user/host.h"

/* Of the session that runs; one per process. */
extern const struct tap_host *tap_host;

#define TAP_USER_FACT(name, fact_)                                                                           \
	TAP_INLINE int64_t name(void)                                                                        \
	{                                                                                                    \
		return tap_host->fact(tap_host->self, fact_);                                                \
	}
TAP_USER_FACT(tap_pid, TAP_FACT_PID)
TAP_USER_FACT(tap_tid, TAP_FACT_TID)
TAP_USER_FACT(tap_ppid, TAP_FACT_PPID)
TAP_USER_FACT(tap_uid, TAP_FACT_UID)
TAP_USER_FACT(tap_euid, TAP_FACT_EUID)
TAP_USER_FACT(tap_gid, TAP_FACT_GID)
TAP_USER_FACT(tap_egid, TAP_FACT_EGID)

TAP_USER_FACT(tap_pgrp, TAP_FACT_PGRP)
TAP_USER_FACT(tap_sid, TAP_FACT_SID)
TAP_USER_FACT(tap_reader_pid, TAP_FACT_PID)

/* The process is its own reader: its numbers are those it sees. */
TAP_INLINE int64_t tap_namespace_id(enum tap_namespace_id which)
{
	switch (which) {
	case TAP_NAMESPACE_PID:
		return tap_pid();
	case TAP_NAMESPACE_TID:
		return tap_tid();
	case TAP_NAMESPACE_PPID:
		return tap_ppid();
	case TAP_NAMESPACE_PGRP:
		return tap_pgrp();
	case TAP_NAMESPACE_SID:
		return tap_sid();
	case TAP_NAMESPACE_UID:
		return tap_uid();
	case TAP_NAMESPACE_EUID:
		return tap_euid();
	case TAP_NAMESPACE_GID:
		return tap_gid();
	case TAP_NAMESPACE_EGID:
		return tap_egid();
	}
	return -1;
}

TAP_INLINE bool tap_is_readers_user(void)
{
	return true;
}

/* There is no kernel stack to speak of. */
TAP_INLINE int64_t tap_stack_size(void)
{
	return 0;
}

TAP_INLINE int64_t tap_seconds_west(void)
{
	return tap_host->seconds_west(tap_host->self);
}

TAP_INLINE uint32_t tap_timezone(char *dst, uint32_t size)
{
	return tap_host->timezone(tap_host->self, dst, size);
}

TAP_INLINE uint32_t tap_parent_execname(char *dst, uint32_t size)
{
	return tap_host->parent_execname(tap_host->self, dst, size);
}

/* USER_HZ, which is what a process knows of the kernel's clock tick. */
TAP_INLINE int64_t tap_jiffies_per_second(void)
{
	return 100;
}

/* Handlers run in one thread, which counts as one CPU. */
TAP_INLINE int64_t tap_cpu(void)
{
	return 0;
}

TAP_INLINE int64_t tap_target(const struct tap_ctx *c)
{
	(void)c;
	return tap_host->fact(tap_host->self, TAP_FACT_TARGET);
}

TAP_INLINE uint32_t tap_execname(char *dst, uint32_t size)
{
	return tap_host->execname(tap_host->self, dst, size);
}

TAP_INLINE int64_t tap_clock_realtime_ns(void)
{
	return tap_host->realtime_ns(tap_host->self);
}

TAP_INLINE int64_t tap_clock_monotonic_ns(void)
{
	return tap_host->monotonic_ns(tap_host->self);
}

TAP_INLINE int64_t tap_clock_cpu_ns(int64_t cpu)
{
	return cpu == 0 ? tap_clock_monotonic_ns() : 0;
}

TAP_INLINE int64_t tap_jiffies(void)
{
	return tap_clock_monotonic_ns() / (1000000000 / 100);
}

/* No family of this platform has registers. */
TAP_INLINE int64_t tap_reg(const struct tap_ctx *c, int number)
{
	(void)c;
	(void)number;
	return 0;
}

/* Kernel and user addresses are the same here: this process's. */
TAP_INLINE int64_t tap_load_kernel(struct tap_ctx *c, uint64_t address, int bytes, const char *where)
{
	uint64_t value = 0;
	uint32_t size = (uint32_t)(bytes < 0 ? -bytes : bytes);

	if (!tap_read_kernel(&value, address, size)) {
		tap_fail_fault(c, where, address);
		return 0;
	}
	return tap_trunc((int64_t)value, bytes);
}

TAP_INLINE void tap_store_kernel(struct tap_ctx *c, uint64_t address, int64_t value, int bytes,
				 const char *where)
{
	if (!tap_write_kernel(address, &value, (uint32_t)bytes))
		tap_fail_store_fault(c, where, address);
}

TAP_INLINE void tap_reg_set(const struct tap_ctx *c, int number, int64_t value)
{
	(void)c;
	(void)number;
	(void)value;
}

TAP_INLINE int64_t tap_caller(struct tap_ctx *c)
{
	(void)c;
	return 0;
}

/* No kernel is traced here: addresses are as linked. */
TAP_INLINE int64_t tap_kernel_address(int64_t linked)
{
	return linked;
}

TAP_INLINE int64_t tap_module_slide(struct tap_ctx *c, const struct tap_module_anchor *anchor,
				    const char *where)
{
	tap_fail(c, where, anchor->problem);
	return 0;
}
#define tap_module_data_find   0
#define tap_module_data_forget 0

TAP_INLINE int64_t tap_cpu_address(int64_t linked)
{
	return linked;
}

TAP_INLINE int64_t tap_load_user(struct tap_ctx *c, uint64_t address, int bytes, const char *where)
{
	return tap_load_kernel(c, address, bytes, where);
}

#endif
