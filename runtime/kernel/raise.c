/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals that handlers send to the running task. A handler may hold a runqueue's lock, or have interrupted
 * who holds the very lock that sending takes (siglock), and may run in an NMI: it only leaves the signal in
 * its lane, with a reference to the task, and an irq_work sends it when interrupts are on again. On RT that
 * is a thread, as siglock sleeps there. Unloading waits for it.
 */
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "runtime/kernel/session.h"

/* What handlers leave meanwhile has asked for the work again. */
void tap_raise_now(struct irq_work *work)
{
	struct tap_raised *raised = &container_of(work, struct tap_lane, raise)->raised;
	int i;

	for (i = 0; i < TAP_RAISED_MOST; i++) {
		uint32_t tail = READ_ONCE(raised->tail);
		struct task_struct *task;
		int signal;

		if (tail == smp_load_acquire(&raised->head))
			return;
		task = raised->slots[tail % TAP_RAISED_MOST].task;
		signal = raised->slots[tail % TAP_RAISED_MOST].signal;
		if (cmpxchg(&raised->tail, tail, tail + 1) != tail)
			continue;
		send_sig(signal, task, 1); /* -ESRCH: it has gone */
		put_task_struct(task);
	}
}

const char *__kprobes tap_raise(struct tap_ctx *c, int signal)
{
	struct tap_lane *lane = tap_lane_of(c);
	struct tap_raised *raised = &lane->raised;
	uint32_t head = raised->head;

	/* The emitter has not seen this call: it stands in embedded C at top level. */
	if (!lane->raise.func)
		return "call it in the body of a function";
	if (current->flags & PF_KTHREAD)
		return "a thread of the kernel takes no signals";
	if (head - smp_load_acquire(&raised->tail) >= TAP_RAISED_MOST)
		return "16 signals wait already";
	raised->slots[head % TAP_RAISED_MOST].task = get_task_struct(current);
	raised->slots[head % TAP_RAISED_MOST].signal = signal;
	smp_store_release(&raised->head, head + 1);
	irq_work_queue(&lane->raise);
	return NULL;
}
