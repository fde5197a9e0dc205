/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an emitted unit sees before its first line: precompiled once per kernel. Nothing here may name a limit
 * that -D sets (design decision 3); limits reach the runtime in struct tap_program.
 */
#ifndef TAP_KERNEL_PCH_H
#define TAP_KERNEL_PCH_H

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/atomic.h>
#include <linux/blk_types.h>
#include <linux/cpu.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kprobes.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/perf_event.h>
#include <linux/poll.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "runtime/core/types.h"
/* The kernel defines `noinline` as a macro, which would be expanded within the attribute. */
#undef TAP_COLD
#define TAP_COLD __cold noinline
#include "runtime/compat/stapconf.h"
#include "runtime/core/core.h"
#include "runtime/kernel/context.h"
#include "runtime/kernel/entry.h"
#include "runtime/kernel/family.h"
#include "runtime/kernel/module.h"
#include "runtime/kernel/probe_kprobe.h"
#include "runtime/kernel/probe_kretprobe.h"
#include "runtime/kernel/probe_procfs.h"
#include "runtime/kernel/probe_profile.h"
#include "runtime/kernel/probe_session.h"
#include "runtime/kernel/probe_timer.h"
#include "runtime/kernel/probe_tracepoint.h"

#endif
