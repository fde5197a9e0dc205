/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A signal for the task that a handler runs in. The kernel takes locks to send one, which the handler may
 * have interrupted: it is sent in a hard interrupt, as soon as this CPU takes any, or on another task's time
 * when the probe is in the scheduler. A CPU has room for one; unloading waits for it.
 */
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "runtime/kernel/session.h"

void tap_raise_now(struct irq_work *work)
{
	struct tap_lane *lane = container_of(work, struct tap_lane, raise);
	struct task_struct *task = lane->raised;

	send_sig(lane->signal, task, 1);
	put_task_struct(task);
}

bool __kprobes tap_raise(struct tap_ctx *c, int signal)
{
	struct tap_lane *lane = tap_lane_of(c);

	if (irq_work_is_busy(&lane->raise))
		return false;
	lane->raised = get_task_struct(current);
	lane->signal = signal;
	irq_work_queue(&lane->raise);
	return true;
}
