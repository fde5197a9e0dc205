/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers: one hrtimer for each site, in hard interrupts. */
#include <linux/jiffies.h>
#include <linux/random.h>

#include "runtime/kernel/session.h"

struct tap_timer {
	struct hrtimer timer;
	const struct tap_site_timer *site;
	uint64_t random; /* state of the jitter's generator */
};

static struct tap_timer *tap_timers;

/* What the front end allows (inventory, probes.md 2); a shorter one would leave the CPU to nothing else. */
#define TAP_TIMER_LEAST_NS 100000

/* xorshift64: the kernel's own generators take locks that sleep on RT kernels. */
static int64_t __kprobes jitter(struct tap_timer *t, int64_t bound)
{
	uint64_t x = t->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	t->random = x;
	return (int64_t)(x % (2 * (uint64_t)bound + 1)) - bound;
}

static int64_t __kprobes next_interval(struct tap_timer *t)
{
	const struct tap_site_timer *site = t->site;
	int64_t interval = site->interval;

	if (site->randomize > 0)
		interval += jitter(t, site->randomize);
	if (site->jiffies)
		interval *= NSEC_PER_SEC / HZ;
	return interval < TAP_TIMER_LEAST_NS ? TAP_TIMER_LEAST_NS : interval;
}

const struct tap_site *__kprobes tap_timer_site(struct hrtimer *timer)
{
	return &container_of(timer, struct tap_timer, timer)->site->base;
}

enum hrtimer_restart __kprobes tap_timer_again(struct hrtimer *timer)
{
	int64_t interval = next_interval(container_of(timer, struct tap_timer, timer));
	int64_t next = ktime_to_ns(hrtimer_get_expires(timer)) + interval;
	int64_t now = tap_clock_monotonic_ns();

	/* From the planned time, so that intervals do not drift; turns that are over already are left out. */
	hrtimer_set_expires(timer, ns_to_ktime(next > now ? next : now + interval));
	return HRTIMER_RESTART;
}

static void timer_start(struct tap_timer *t)
{
	hrtimer_start(&t->timer, ns_to_ktime(next_interval(t)), HRTIMER_MODE_REL_HARD);
}

static int timer_place(const struct tap_family_use *use, uint32_t *placed)
{
	const struct tap_site_timer *sites = use->sites;
	uint32_t i;

	tap_timers = kvcalloc(use->count, sizeof(*tap_timers), GFP_KERNEL);
	if (!tap_timers)
		return -ENOMEM;
	for (i = 0; i < use->count; i++) {
		struct tap_timer *t = &tap_timers[i];

		t->site = &sites[i];
		t->random = get_random_u64() | 1;
		hrtimer_init(&t->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
		t->timer.function = sites[i].entry;
		if (!sites[i].base.probe->unwanted)
			timer_start(t);
		(*placed)++;
	}
	return 0;
}

static void timer_arm(const struct tap_family_use *use, uint32_t site, bool wanted)
{
	if (wanted)
		timer_start(&tap_timers[site]);
	else
		hrtimer_cancel(&tap_timers[site].timer);
}

static void timer_remove(const struct tap_family_use *use)
{
	uint32_t i;

	for (i = 0; i < use->count; i++)
		hrtimer_cancel(&tap_timers[i].timer);
	kvfree(tap_timers);
	tap_timers = NULL;
}

const struct tap_family tap_family_timer = {
    .name = "timer",
    .place = timer_place,
    .remove = timer_remove,
    .arm = timer_arm,
};
