/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A family of probes of the user platform. begin, end, error and never have no hooks: session.c calls their
 * handlers. The others are sources of events in time: the session asks each for its next event and has it run
 * it.
 */
#ifndef TAP_USER_FAMILY_H
#define TAP_USER_FAMILY_H

#include "runtime/core/program.h"

/* Runs one handler, with all that stands around it. */
void tap_user_run(struct tap_ctx *c, const struct tap_site *site);

struct tap_family {
	const char *name;
	/* 0, or -errno: the session does not start. A site whose probe is unwanted has no events. */
	int (*place)(const struct tap_family_use *use);
	void (*remove)(const struct tap_family_use *use);
	/* Gives a placed site its events again, or takes them away. */
	void (*arm)(const struct tap_family_use *use, uint32_t site, bool wanted);
	/* When (monotonic ns) the next event of these sites is due; TAP_INT64_MAX for never. */
	int64_t (*due)(const struct tap_family_use *use);
	/* Runs what is due at `now`, one handler at the most. */
	void (*run)(struct tap_ctx *c, const struct tap_family_use *use, int64_t now);
};

extern const struct tap_family tap_family_begin, tap_family_end, tap_family_error, tap_family_never,
    tap_family_arming;
extern const struct tap_family tap_family_timer;

#endif
