/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/kernel/batch.h"

#include <linux/sort.h>

#include "runtime/kernel/session.h"

#if defined(CONFIG_KPROBES_ON_FTRACE) && defined(CONFIG_DYNAMIC_FTRACE_WITH_REGS)

/* The first entry at `ip`, or beyond where there is none. */
static __always_inline uint32_t find_entry(const struct tap_batch *batch, unsigned long ip)
{
	uint32_t low = 0, high = batch->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (batch->entries[middle].ip < ip)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * As the kernel's kprobe_ftrace_handler: what the handlers read as the instruction pointer is that of a
 * breakpoint. A call within a handler finds the gate busy and is counted there, but for those that another
 * user of ftrace keeps from here. Interrupts are off, as handlers want them.
 */
static void notrace __kprobes on_call(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
				      struct ftrace_regs *fregs)
{
	struct tap_batch *batch = container_of(ops, struct tap_batch, ops);
	struct pt_regs *regs = ftrace_get_regs(fregs);
	unsigned long flags, before;
	uint32_t i;

	if (!regs)
		return;
	local_irq_save(flags);
	before = regs->ip;
	for (i = find_entry(batch, ip); i < batch->count && batch->entries[i].ip == ip; i++) {
		struct kprobe *kp = batch->entries[i].kp;

		if (!READ_ONCE(batch->entries[i].on))
			continue;
		regs->ip = ip + sizeof(kprobe_opcode_t);
		kp->pre_handler(kp, regs);
		regs->ip = before;
	}
	local_irq_restore(flags);
}

static int by_ip(const void *left, const void *right)
{
	unsigned long a = ((const struct tap_batch_entry *)left)->ip;
	unsigned long b = ((const struct tap_batch_entry *)right)->ip;

	return a < b ? -1 : a > b;
}

/* Has ftrace call for each that is on. An empty filter would mean all functions, so then nothing is
 * registered. */
static int start(struct tap_batch *batch)
{
	unsigned long *ips = kvcalloc(batch->count, sizeof(*ips), GFP_KERNEL);
	uint32_t i, n = 0;
	int rc;

	if (!ips)
		return -ENOMEM;
	for (i = 0; i < batch->count; i++)
		if (batch->entries[i].on && (!n || ips[n - 1] != batch->entries[i].ip))
			ips[n++] = batch->entries[i].ip;
	rc = ftrace_set_filter_ips(&batch->ops, ips, n, 0, 1);
	if (!rc)
		rc = register_ftrace_function(&batch->ops);
	batch->registered = !rc;
	kvfree(ips);
	return rc;
}

uint32_t tap_batch_take(struct tap_batch *batch, struct kprobe **list, uint32_t count,
			bool (*wanted)(struct kprobe *))
{
	uint32_t i, left = 0;

	if (count < TAP_BATCH_LEAST)
		return count;
	batch->entries = kvcalloc(count, sizeof(*batch->entries), GFP_KERNEL);
	if (!batch->entries)
		return count;
	batch->ops.func = on_call;
	batch->ops.flags = FTRACE_OPS_FL_SAVE_REGS;
	for (i = 0; i < count; i++) {
		struct tap_batch_entry *entry = &batch->entries[batch->count];

		if (!(list[i]->flags & KPROBE_FLAG_FTRACE))
			continue;
		*entry = (struct tap_batch_entry){(unsigned long)list[i]->addr, list[i], wanted(list[i])};
		batch->count++;
		batch->on += entry->on;
	}
	sort(batch->entries, batch->count, sizeof(*batch->entries), by_ip, NULL);
	if (batch->on && start(batch)) {
		ftrace_free_filter(&batch->ops);
		kvfree(batch->entries);
		*batch = (struct tap_batch){};
		return count;
	}
	for (i = 0; i < count; i++)
		if (!(list[i]->flags & KPROBE_FLAG_FTRACE))
			list[left++] = list[i];
	return left;
}

bool tap_batch_arm(struct tap_batch *batch, struct kprobe *kp, bool want)
{
	unsigned long ip = (unsigned long)kp->addr;
	struct tap_batch_entry *entry = NULL;
	bool others = false;
	char text[200];
	int rc = 0;
	uint32_t i;

	for (i = find_entry(batch, ip); i < batch->count && batch->entries[i].ip == ip; i++) {
		if (batch->entries[i].kp == kp)
			entry = &batch->entries[i];
		else
			others |= batch->entries[i].on;
	}
	if (!entry)
		return false;
	if (entry->on == want)
		return true;
	WRITE_ONCE(entry->on, want);
	batch->on += want ? 1 : -1;
	if (want && !batch->registered) {
		rc = start(batch);
	} else if (!batch->on && batch->registered) {
		unregister_ftrace_function(&batch->ops);
		batch->registered = false;
	} else if (!others) {
		rc = ftrace_set_filter_ip(&batch->ops, ip, !want, 0);
	}
	if (rc && want) {
		WRITE_ONCE(entry->on, false);
		batch->on--;
		scnprintf(text, sizeof(text), "the probe at %pS cannot be placed again (rc %d)", (void *)ip,
			  rc);
		tap_session_warn_late(text);
	}
	return true;
}

void tap_batch_release(struct tap_batch *batch)
{
	if (batch->registered)
		unregister_ftrace_function(&batch->ops);
	if (batch->entries)
		ftrace_free_filter(&batch->ops);
	kvfree(batch->entries);
	*batch = (struct tap_batch){};
}

#else

uint32_t tap_batch_take(struct tap_batch *batch, struct kprobe **list, uint32_t count,
			bool (*wanted)(struct kprobe *))
{
	return count;
}

bool tap_batch_arm(struct tap_batch *batch, struct kprobe *kp, bool wanted)
{
	return false;
}

void tap_batch_release(struct tap_batch *batch)
{
}

#endif
