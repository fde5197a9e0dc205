/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timer.profile: a perf event for each site on each CPU; hotplug callbacks make and release them. */
#include <linux/cpuhotplug.h>

#include "runtime/kernel/session.h"

static const struct tap_family_use *profile_use;
static struct perf_event **tap_events; /* [cpu * count + site] */
static enum cpuhp_state hotplug_state;

static struct perf_event *event_create(struct tap_site_profile *site, unsigned int cpu)
{
	struct perf_event_attr attr = {
	    .type = PERF_TYPE_SOFTWARE,
	    .config = PERF_COUNT_SW_CPU_CLOCK,
	    .size = sizeof(attr),
	    .disabled = site->base.probe->unwanted,
	    .sample_period = site->period > 0 ? site->period : NSEC_PER_MSEC,
	};

	if (site->period <= 0 && site->frequency > 0) {
		attr.freq = 1;
		attr.sample_freq = site->frequency;
	}
	return perf_event_create_kernel_counter(&attr, cpu, NULL, site->entry, &site->base);
}

const struct tap_site *__kprobes tap_profile_site(struct perf_event *event)
{
	return event->overflow_handler_context;
}

static int profile_offline(unsigned int cpu)
{
	uint32_t i;

	for (i = 0; i < profile_use->count; i++) {
		struct perf_event **event = &tap_events[(size_t)cpu * profile_use->count + i];

		if (*event)
			perf_event_release_kernel(*event);
		*event = NULL;
	}
	return 0;
}

static int profile_online(unsigned int cpu)
{
	struct tap_site_profile *sites = profile_use->sites;
	uint32_t i;

	for (i = 0; i < profile_use->count; i++) {
		struct perf_event *event = event_create(&sites[i], cpu);

		if (IS_ERR(event)) {
			profile_offline(cpu);
			return PTR_ERR(event);
		}
		tap_events[(size_t)cpu * profile_use->count + i] = event;
	}
	return 0;
}

static int profile_place(const struct tap_family_use *use, uint32_t *placed)
{
	int rc;

	profile_use = use;
	tap_events = kvcalloc((size_t)nr_cpu_ids * use->count, sizeof(*tap_events), GFP_KERNEL);
	if (!tap_events)
		return -ENOMEM;
	/* On an error of one CPU the callback undoes those before it. */
	rc = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "tapjit/profile", profile_online, profile_offline);
	if (rc < 0) {
		tap_session_error_format("probe %s registration error (rc %d)", tap_site_at(use, 0)->pp, rc);
		kvfree(tap_events);
		tap_events = NULL;
		return rc;
	}
	hotplug_state = rc;
	*placed += use->count;
	return 0;
}

/* With the set of CPUs held: one that comes up later makes its event by probe->unwanted. */
static void profile_arm(const struct tap_family_use *use, uint32_t site, bool wanted)
{
	unsigned int cpu;

	cpus_read_lock();
	for_each_possible_cpu(cpu)
	{
		struct perf_event *event = tap_events[(size_t)cpu * use->count + site];

		if (event && wanted)
			perf_event_enable(event);
		else if (event)
			perf_event_disable(event);
	}
	cpus_read_unlock();
}

static void profile_remove(const struct tap_family_use *use)
{
	cpuhp_remove_state(hotplug_state);
	kvfree(tap_events);
	tap_events = NULL;
}

const struct tap_family tap_family_profile = {
    .name = "profile",
    .place = profile_place,
    .remove = profile_remove,
    .arm = profile_arm,
};
