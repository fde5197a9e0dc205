/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes on the return of functions of the kernel. */
#ifndef TAP_KERNEL_PROBE_KRETPROBE_H
#define TAP_KERNEL_PROBE_KRETPROBE_H

#include "runtime/kernel/probe_kprobe.h"

struct tap_site_kretprobe {
	struct tap_site base;
	kretprobe_handler_t entry;
	union {
		struct {
			TAP_KPROBE_PLACE; /* the function's first instruction */
		};
		struct tap_kprobe_place place;
	};
	int64_t maxactive; /* calls that may be open at once; 0: program->limits.kretprobe_instances */
};

/* As tap_enter; sets regs, and entry: the values that entry_handler saved are in the instance's own data. */
struct tap_ctx *tap_enter_kretprobe(struct kretprobe_instance *instance, struct pt_regs *regs,
				    unsigned long *flags);

#define TAP_ENTRY_KRETPROBE(number)                                                                          \
	static int __kprobes tap_entry_kretprobe_##number(struct kretprobe_instance *instance,               \
							  struct pt_regs *regs)                              \
	{                                                                                                    \
		unsigned long flags;                                                                         \
		struct tap_ctx *c = tap_enter_kretprobe(instance, regs, &flags);                             \
                                                                                                             \
		if (c) {                                                                                     \
			tap_handler_##number(c);                                                             \
			tap_leave(c, flags);                                                                 \
		}                                                                                            \
		return 0;                                                                                    \
	}

#endif
