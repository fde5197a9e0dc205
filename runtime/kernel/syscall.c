/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system call that the current task is in, by the registers that it entered the kernel with. */
#include "runtime/kernel/pch.h"

#include "runtime/core/syscall_text.h"

/* At the entry and at the return of `__x64_sys_*` and `__ia32_*`, and at sys_enter and sys_exit alike. */
void __kprobes tap_syscall_current(struct tap_syscall *call)
{
	const struct pt_regs *regs = task_pt_regs(current);

	call->compat = in_ia32_syscall();
	call->number = (int32_t)regs->orig_ax;
	if (call->compat) {
		call->args[0] = (uint32_t)regs->bx;
		call->args[1] = (uint32_t)regs->cx;
		call->args[2] = (uint32_t)regs->dx;
		call->args[3] = (uint32_t)regs->si;
		call->args[4] = (uint32_t)regs->di;
		call->args[5] = (uint32_t)regs->bp;
		return;
	}
	call->args[0] = regs->di;
	call->args[1] = regs->si;
	call->args[2] = regs->dx;
	call->args[3] = regs->r10;
	call->args[4] = regs->r8;
	call->args[5] = regs->r9;
}
