/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many kprobes at functions' entries, armed at once. The kernel arms kprobes that stand on ftrace's call one
 * by one, and looks at each of its tens of thousands of call sites for each; with its own ftrace_ops a family
 * has all of them armed in one such pass. The probes are registered disabled, so the kernel's checks of where
 * a kprobe may stand are as ever; only who calls pre_handler differs. The kernel's list shows them as
 * disabled, and its switch kprobes/enabled does not stop them.
 *
 * Not for return probes. When a probed function returns, the kernel sets and clears current_kprobe without a
 * look: its own caller at the entry leaves out what runs within another kprobe's handler, and a module
 * cannot, for the variable is not exported. A handler of another user of kprobes that calls the function
 * would lose its own. What would do: fprobe, which is such a caller, where the kernel has it (CONFIG_FPROBE;
 * Debian's 6.12, not its 6.1); rethook itself is not exported. So return probes are armed one by one, as
 * SystemTap does: the 340 of syscall.*.return take a minute in a guest without KVM on a busy machine, where
 * syscall.* takes 6 s.
 */
#ifndef TAP_KERNEL_BATCH_H
#define TAP_KERNEL_BATCH_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>

struct tap_batch_entry {
	unsigned long ip;
	struct kprobe *kp;
	bool on;
};

struct tap_batch {
	struct ftrace_ops ops;
	struct tap_batch_entry *entries; /* by ip */
	uint32_t count, on;
	bool registered; /* ops is with ftrace */
};

/* From this number of sites on it is worth the second way. */
enum { TAP_BATCH_LEAST = 16 };

/*
 * May sleep; under `control`. `list` are kprobes that are registered disabled. Those that stand on ftrace's
 * call become the batch's, and of them those with `wanted` are armed; the list is left with the others, its
 * new length is returned. All stay in the list where ftrace cannot take them.
 */
uint32_t tap_batch_take(struct tap_batch *batch, struct kprobe **list, uint32_t count,
			bool (*wanted)(struct kprobe *));
/* Arms or disarms one. False: it is none of the batch's. */
bool tap_batch_arm(struct tap_batch *batch, struct kprobe *kp, bool wanted);
/* When it returns, no handler runs. Before the probes are unregistered. */
void tap_batch_release(struct tap_batch *batch);

#endif
