/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The platform's inline functions of core/platform.h: facts about the event and the current task. */
#ifndef TAP_KERNEL_CONTEXT_H
#define TAP_KERNEL_CONTEXT_H

#include <linux/cred.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/uidgid.h>

#include "runtime/core/platform.h"

/* Ids are those of the initial namespaces. */
TAP_INLINE int64_t tap_pid(void)
{
	return current->tgid;
}

TAP_INLINE int64_t tap_tid(void)
{
	return current->pid;
}

/* An Event handler runs with interrupts off, which holds off the grace period that frees the parent. */
TAP_INLINE int64_t tap_ppid(void)
{
	int64_t pid;

	rcu_read_lock();
	pid = rcu_dereference(current->real_parent)->tgid;
	rcu_read_unlock();
	return pid;
}

TAP_INLINE int64_t tap_uid(void)
{
	return __kuid_val(current_uid());
}

TAP_INLINE int64_t tap_euid(void)
{
	return __kuid_val(current_euid());
}

TAP_INLINE int64_t tap_gid(void)
{
	return __kgid_val(current_gid());
}

TAP_INLINE int64_t tap_egid(void)
{
	return __kgid_val(current_egid());
}

TAP_INLINE int64_t tap_cpu(void)
{
	return raw_smp_processor_id();
}

/* Readable in any context, NMI included; may be a few ns off across a clock update. */
TAP_INLINE int64_t tap_clock_realtime_ns(void)
{
	return (int64_t)ktime_get_real_fast_ns();
}

TAP_INLINE int64_t tap_clock_monotonic_ns(void)
{
	return (int64_t)ktime_get_mono_fast_ns();
}

/* Another CPU may change the name meanwhile: the copy is bounded and always ends. */
TAP_INLINE uint32_t tap_execname(char *dst, uint32_t size)
{
	uint32_t n;

	if (!size)
		return 0;
	for (n = 0; n < TASK_COMM_LEN - 1; n++) {
		char byte = READ_ONCE(current->comm[n]);

		if (n >= size - 1 || !byte)
			break;
		dst[n] = byte;
	}
	dst[n] = 0;
	return n;
}

int64_t tap_target(const struct tap_ctx *c);

/* The event's register by its DWARF number (System V ABI for x86-64, figure 3.36); 0 where there are none. */
TAP_INLINE int64_t tap_reg(const struct tap_ctx *c, int number)
{
	const struct pt_regs *regs = c->regs;

	if (!regs)
		return 0;
	switch (number) {
	case 0:
		return (int64_t)regs->ax;
	case 1:
		return (int64_t)regs->dx;
	case 2:
		return (int64_t)regs->cx;
	case 3:
		return (int64_t)regs->bx;
	case 4:
		return (int64_t)regs->si;
	case 5:
		return (int64_t)regs->di;
	case 6:
		return (int64_t)regs->bp;
	case 7:
		return (int64_t)regs->sp;
	case 8:
		return (int64_t)regs->r8;
	case 9:
		return (int64_t)regs->r9;
	case 10:
		return (int64_t)regs->r10;
	case 11:
		return (int64_t)regs->r11;
	case 12:
		return (int64_t)regs->r12;
	case 13:
		return (int64_t)regs->r13;
	case 14:
		return (int64_t)regs->r14;
	case 15:
		return (int64_t)regs->r15;
	case 16:
		return (int64_t)regs->ip;
	default:
		return 0;
	}
}

/* The low |bytes| of value, sign-extended when bytes is negative. */
TAP_INLINE int64_t tap_extend(uint64_t value, int bytes)
{
	switch (bytes) {
	case 1:
		return (uint8_t)value;
	case 2:
		return (uint16_t)value;
	case 4:
		return (uint32_t)value;
	case -1:
		return (int8_t)value;
	case -2:
		return (int16_t)value;
	case -4:
		return (int32_t)value;
	default:
		return (int64_t)value;
	}
}

TAP_INLINE int64_t tap_load_kernel(struct tap_ctx *c, uint64_t address, int bytes, const char *where)
{
	uint64_t value = 0;

	if (tap_likely(tap_read_kernel(&value, address, bytes < 0 ? -bytes : bytes)))
		return tap_extend(value, bytes);
	tap_fail_fault(c, where, address);
	return 0;
}

TAP_INLINE int64_t tap_load_user(struct tap_ctx *c, uint64_t address, int bytes, const char *where)
{
	uint64_t value = 0;

	if (tap_likely(tap_read_user(&value, address, bytes < 0 ? -bytes : bytes)))
		return tap_extend(value, bytes);
	tap_fail_fault(c, where, address);
	return 0;
}

#endif
