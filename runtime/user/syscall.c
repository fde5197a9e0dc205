/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No event of the user runtime is a system call. */
#include "runtime/core/syscall_text.h"

void tap_syscall_current(struct tap_syscall *call)
{
	__builtin_memset(call, 0, sizeof(*call));
	call->number = -1;
}
