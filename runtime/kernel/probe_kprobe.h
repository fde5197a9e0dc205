/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes on instructions of the kernel. */
#ifndef TAP_KERNEL_PROBE_KPROBE_H
#define TAP_KERNEL_PROBE_KPROBE_H

#include <linux/kprobes.h>

#include "runtime/core/program.h"
#include "runtime/kernel/entry.h"

/*
 * Where an instruction is. Either `symbol` (with `module` before it, "module:symbol", for a module's) and
 * `offset`; or `address`, the address that the instruction was linked at, for names that several functions
 * share: then `anchor_symbol` is a name that only one symbol of the kernel has and `anchor` its link address.
 * With both, the address is where `symbol` is expected, which saves the search by name.
 * In a module it is a symbol of the same section, and both addresses are counted alike. Without
 * `anchor_symbol`, `address` is one of the running kernel. `build_id` is that of the module's file, in
 * lower-case hex: no other build of the module will do. NULL: it is not known, or the place is the kernel's.
 */
#define TAP_KPROBE_PLACE                                                                                     \
	const char *symbol;                                                                                  \
	uint64_t offset;                                                                                     \
	uint64_t address;                                                                                    \
	const char *anchor_symbol;                                                                           \
	uint64_t anchor;                                                                                     \
	const char *build_id

struct tap_kprobe_place {
	TAP_KPROBE_PLACE;
};

struct tap_site_kprobe {
	struct tap_site base;
	kprobe_pre_handler_t entry;
	union {
		struct {
			TAP_KPROBE_PLACE;
		};
		struct tap_kprobe_place place;
	};
};

/*
 * Of what the runtime allocates for each site (placing.h). It is right before the probe, so that an emitted
 * unit needs not the layout of struct kprobe, which costs Clang a millisecond.
 */
struct tap_kprobe_head {
	const struct tap_site *site;
	const struct tap_kprobe_place *place;
	bool placed;
};

TAP_INLINE const struct tap_site *tap_kprobe_site(struct kprobe *kp)
{
	return ((struct tap_kprobe_head *)kp - 1)->site;
}

/*
 * The registers that the kernel gives say that the breakpoint has been taken: the address behind its one
 * byte. A handler sees the address of the probe.
 */
enum { TAP_KPROBE_BREAKPOINT = 1, TAP_REGS_IP = 16 /* word of struct pt_regs, see task.c */ };
TAP_INLINE void tap_kprobe_regs(struct pt_regs *regs, int64_t by)
{
	((int64_t *)regs)[TAP_REGS_IP] += by;
}

/* slide.c. Where a function of the kernel is now. May sleep. 0 or -errno. */
int tap_kprobe_symbol_address(const char *symbol, unsigned long *address);

/* ---- modules (module_sites.c) */

/* Places a family's probes on a module that comes, takes back those of one that goes. */
typedef void tap_module_change(const char *module, bool comes);
/* Between these, `change` is called, with the lock, for each module. One for each family; not with the lock.
 */
int tap_modules_watch(tap_module_change *change);
void tap_modules_unwatch(tap_module_change *change);
void tap_places_lock(void);
void tap_places_unlock(void);
bool tap_place_is_in_module(const struct tap_kprobe_place *place);
bool tap_place_is_in(const struct tap_kprobe_place *place, const char *module);
/* Whether a place that could not be had is in a module that may still come. */
bool tap_place_waits(const struct tap_kprobe_place *place, int rc);
/* Whether the place's module, if it is there, is the build that the place was found in; warns
 * once of a module that it is not. With the lock. */
bool tap_place_is_of_build(const struct tap_kprobe_place *place);
/* So many times a module has come, has become live or has gone. With the lock. */
uint32_t tap_places_changes(void);
/* Under `control` alone: may wait for the reader. */
void tap_place_refused(const struct tap_site *site, int rc);
/* The same with the lock, when a module comes: a late warning. */
void tap_place_refused_late(const struct tap_site *site, int rc);

#define TAP_ENTRY_KPROBE(number)                                                                             \
	static int __kprobes tap_entry_kprobe_##number(struct kprobe *kp, struct pt_regs *regs)              \
	{                                                                                                    \
		const struct tap_plan *plan = &tap_plan_##number;                                            \
		unsigned long flags;                                                                         \
		struct tap_ctx *c = tap_gate_open(plan->stack_bytes, plan->clock, &flags);                   \
                                                                                                             \
		if (!c)                                                                                      \
			return 0;                                                                            \
		if (plan->site)                                                                              \
			c->site = tap_kprobe_site(kp);                                                       \
		if (plan->regs) {                                                                            \
			c->regs = regs;                                                                      \
			tap_kprobe_regs(regs, -TAP_KPROBE_BREAKPOINT);                                       \
		}                                                                                            \
		if (plan->recursive)                                                                         \
			c->stack_least = tap_stack_least();                                                  \
		tap_handler_##number(c);                                                                     \
		if (plan->regs)                                                                              \
			tap_kprobe_regs(regs, TAP_KPROBE_BREAKPOINT);                                        \
		return tap_gate_close(c, plan->budgets || plan->recursive, plan->prints, plan->clock,        \
				      flags);                                                                \
	}

#endif
