/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way into and out of an Event handler. The code that a family's event calls is made by
 *TAP_ENTRY_<FAMILY> (probe_<family>.h) and has the form
 *
 *	c = tap_enter(site, &flags);
 *	if (c) {
 *		c->regs = regs;
 *		tap_handler_N(c);
 *		tap_leave(c, flags);
 *	}
 */
#ifndef TAP_KERNEL_ENTRY_H
#define TAP_KERNEL_ENTRY_H

#include <linux/types.h>

#include "runtime/core/ctx.h"

/*
 * Turns interrupts off and claims this CPU's context for `site`. NULL, with interrupts as they were: the hit
 * is not for a handler (the session does not run), or is skipped and counted: the context is busy (an NMI, or
 * an event within a handler), the stack has less room than MINSTACKSPACE, or the session ended by overload.
 * In the context regs, arguments and entry are NULL; tap_handler_N sets what concerns the handler itself.
 */
struct tap_ctx *tap_enter(const struct tap_site *site, unsigned long *flags);

/*
 * Releases locks, reports a failure, commits the output or drops and counts it, gives the context back, and
 * turns interrupts on again.
 */
void tap_leave(struct tap_ctx *c, unsigned long flags);

#endif
