/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the families of kprobes and of return probes have in common: how their probes are placed, removed and
 * armed. They are placed one by one: one that the kernel refuses (a function that is gone, not probeable or
 * in a freed section) is a warning and the others are placed, as in SystemTap. They are removed at once: a
 * grace period in all instead of one for each.
 */
#ifndef TAP_KERNEL_PLACING_H
#define TAP_KERNEL_PLACING_H

#include "runtime/kernel/probe_kprobe.h"

struct tap_kprobe {
	struct tap_kprobe_head head;
	union {
		struct kprobe kp;
		struct kretprobe rp; /* begins with its kprobe */
	};
};

/* Of one family. The first three are the family's, the rest is for placing.c to change. */
struct tap_placing {
	bool returns; /* rp, else kp */
	tap_module_change *change;
	/* Sets what the kernel calls; all else in kp or rp is 0. */
	void (*prepare)(struct tap_kprobe *probe);

	struct tap_kprobe *probes; /* NULL: none are placed */
	uint32_t count;
	void **list;	 /* as long as `probes`: what is given to the kernel at once */
	bool in_modules; /* some of them are */
	/* Of probes that are removed: return probes' calls for which no instance was free, hits within
	 * another probe's handler that the kernel left out. */
	uint64_t missed, missed_reentrant;
};

/* All but place may be called for families with no probes. May sleep. */

/* 0, or -ENOMEM; none is placed yet. `place_at`: where a site of the family has its struct tap_kprobe_place.
 */
int tap_placing_init(struct tap_placing *placing, const struct tap_family_use *use, size_t place_at);
/* Of modules, those that are there, and from now on those that come. With `later` all are left disarmed. */
int tap_placing_place(struct tap_placing *placing, bool later, uint32_t *placed);
/* Places what is in the module that comes, or removes what is in the one that goes; of `change`. */
void tap_placing_module(struct tap_placing *placing, const char *module, bool comes);
void tap_placing_arm(struct tap_placing *placing, uint32_t site, bool wanted);
/* When it returns no handler runs, and nothing is left to free. */
void tap_placing_exit(struct tap_placing *placing);

#endif
