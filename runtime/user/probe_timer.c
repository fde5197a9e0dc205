/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/user/context.h"
#include "runtime/user/family.h"
#include "runtime/user/probe_timer.h"

/* What CONFIG_HZ=250 has; the process has no ticks of its own. */
#define NS_PER_TICK 4000000

static struct tap_site_timer *site_at(const struct tap_family_use *use, uint32_t i)
{
	return (struct tap_site_timer *)tap_site_at(use, i);
}

/* The next interval, jitter in [-randomize, +randomize] included; at least 1 ns. */
static int64_t next_interval(struct tap_site_timer *site)
{
	int64_t unit = site->jiffies ? NS_PER_TICK : 1, interval = site->interval;

	if (site->randomize > 0) {
		/* xorshift64 */
		site->random ^= site->random << 13;
		site->random ^= site->random >> 7;
		site->random ^= site->random << 17;
		interval += (int64_t)(site->random % (2 * (uint64_t)site->randomize + 1)) - site->randomize;
	}
	return interval > 0 ? interval * unit : 1;
}

static int place(const struct tap_family_use *use)
{
	int64_t now = tap_clock_monotonic_ns();
	uint32_t i;

	for (i = 0; i < use->count; i++) {
		struct tap_site_timer *site = site_at(use, i);

		site->random = (uint64_t)now ^ (i + 1) * 0x9e3779b97f4a7c15ull;
		site->base.disarmed = site->base.probe->unwanted;
		site->due = site->base.disarmed ? TAP_INT64_MAX : now + next_interval(site);
	}
	return 0;
}

/* A timer that is wanted again begins anew, as on the kernel runtime. */
static void arm(const struct tap_family_use *use, uint32_t i, bool wanted)
{
	struct tap_site_timer *site = site_at(use, i);

	site->due = wanted ? tap_clock_monotonic_ns() + next_interval(site) : TAP_INT64_MAX;
}

static struct tap_site_timer *first_due(const struct tap_family_use *use)
{
	struct tap_site_timer *first = site_at(use, 0);
	uint32_t i;

	for (i = 1; i < use->count; i++)
		if (site_at(use, i)->due < first->due)
			first = site_at(use, i);
	return first;
}

static int64_t due(const struct tap_family_use *use)
{
	return first_due(use)->due;
}

/* A timer that was missed does not run twice: the next time is after now, in the rhythm of the interval. */
static void run(struct tap_ctx *c, const struct tap_family_use *use, int64_t now)
{
	struct tap_site_timer *site = first_due(use);

	if (site->due > now)
		return;
	tap_user_run(c, &site->base);
	site->due += next_interval(site);
	if (site->due <= now)
		site->due = now + next_interval(site);
}

const struct tap_family tap_family_timer = {
    .name = "timer", .place = place, .arm = arm, .due = due, .run = run};
