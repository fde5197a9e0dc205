/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts of the current task. Out of line: a unit that reads a member of task_struct makes Clang load that
 * struct, and all that it holds, from the precompiled header, which costs each compilation 5 ms.
 */
#include <linux/pid_namespace.h>

#include "runtime/kernel/session.h"

int64_t __kprobes tap_pid(void)
{
	return current->tgid;
}

int64_t __kprobes tap_tid(void)
{
	return current->pid;
}

/* An Event handler runs with interrupts off, which holds off the grace period that frees the parent. */
int64_t __kprobes tap_ppid(void)
{
	int64_t pid;

	if (!tap_rcu_begin())
		return 0;
	pid = rcu_dereference(current->real_parent)->tgid;
	rcu_read_unlock();
	return pid;
}

int64_t __kprobes tap_uid(void)
{
	return __kuid_val(current_uid());
}

int64_t __kprobes tap_euid(void)
{
	return __kuid_val(current_euid());
}

int64_t __kprobes tap_gid(void)
{
	return __kgid_val(current_gid());
}

int64_t __kprobes tap_egid(void)
{
	return __kgid_val(current_egid());
}

/* Bytes before the first NUL of a word, 8 if it has none: the lowest NUL byte alone is found exactly. */
static __always_inline uint32_t bytes_before_nul(uint64_t word)
{
	uint64_t nul = (word - 0x0101010101010101) & ~word & 0x8080808080808080;

	return nul ? __builtin_ctzll(nul) / 8 : 8;
}

/* Another CPU may change the name meanwhile: each word is read once, and the last byte is none of the name.
 */
uint32_t __kprobes tap_execname(char *dst, uint32_t size)
{
	uint64_t first = READ_ONCE(*(uint64_t *)current->comm);
	uint64_t second = READ_ONCE(*(uint64_t *)(current->comm + 8)) & 0x00ffffffffffffff;
	uint32_t n;

	static_assert(TASK_COMM_LEN == 16, "two words");
	if (likely(size >= TASK_COMM_LEN)) {
		__builtin_memcpy(dst, &first, 8);
		__builtin_memcpy(dst + 8, &second, 8);
		n = bytes_before_nul(first);
		return n < 8 ? n : n + bytes_before_nul(second);
	}
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

int64_t __kprobes tap_pgrp(void)
{
	return __task_pid_nr_ns(current, PIDTYPE_PGID, &init_pid_ns);
}

int64_t __kprobes tap_sid(void)
{
	return __task_pid_nr_ns(current, PIDTYPE_SID, &init_pid_ns);
}

uint32_t __kprobes tap_parent_execname(char *dst, uint32_t size)
{
	uint32_t n = 0;

	if (!size)
		return 0;
	dst[0] = 0;
	if (!tap_rcu_begin())
		return 0;
	for (n = 0; n < TASK_COMM_LEN - 1; n++) {
		char byte = READ_ONCE(rcu_dereference(current->real_parent)->comm[n]);

		if (n >= size - 1 || !byte)
			break;
		dst[n] = byte;
	}
	rcu_read_unlock();
	dst[n] = 0;
	return n;
}

/* What context.h reads registers by. */
#define TAP_IS_REGISTER(number, member)                                                                      \
	static_assert(offsetof(struct pt_regs, member) == 8 * (number), "struct pt_regs")
TAP_IS_REGISTER(0, r15);
TAP_IS_REGISTER(1, r14);
TAP_IS_REGISTER(2, r13);
TAP_IS_REGISTER(3, r12);
TAP_IS_REGISTER(4, bp);
TAP_IS_REGISTER(5, bx);
TAP_IS_REGISTER(6, r11);
TAP_IS_REGISTER(7, r10);
TAP_IS_REGISTER(8, r9);
TAP_IS_REGISTER(9, r8);
TAP_IS_REGISTER(10, ax);
TAP_IS_REGISTER(11, cx);
TAP_IS_REGISTER(12, dx);
TAP_IS_REGISTER(13, si);
TAP_IS_REGISTER(14, di);
TAP_IS_REGISTER(16, ip);
TAP_IS_REGISTER(19, sp);
