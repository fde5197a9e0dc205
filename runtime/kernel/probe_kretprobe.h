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

struct tap_kretprobe {
	struct kretprobe rp;
	const struct tap_site_kretprobe *site;
	bool placed;
};

TAP_INLINE const struct tap_site *tap_kretprobe_site(struct kretprobe_instance *instance)
{
	return &container_of(get_kretprobe(instance), struct tap_kretprobe, rp)->site->base;
}

/* The values that entry_handler saved are in the instance's own data (probe_kretprobe.c sizes it). */
#define TAP_ENTRY_KRETPROBE(number)                                                                          \
	static int __kprobes tap_entry_kretprobe_##number(struct kretprobe_instance *instance,               \
							  struct pt_regs *regs)                              \
	{                                                                                                    \
		unsigned long flags;                                                                         \
		struct tap_ctx *c;                                                                           \
                                                                                                             \
		c = tap_enter(tap_kretprobe_site(instance), &flags);                                         \
		if (c) {                                                                                     \
			c->regs = regs;                                                                      \
			c->entry = (int64_t *)instance->data;                                                \
			tap_handler_##number(c);                                                             \
			tap_leave(c, flags);                                                                 \
		}                                                                                            \
		return 0;                                                                                    \
	}

#endif
