/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tracepoints of the kernel, found by name: few of them are exported. */
#include "runtime/kernel/session.h"

struct search {
	const char *name;
	struct tracepoint *found;
};

static void look(struct tracepoint *tracepoint, void *data)
{
	struct search *search = data;

	if (!search->found && !strcmp(tracepoint->name, search->name))
		search->found = tracepoint;
}

static void remove_first(const struct tap_family_use *use, uint32_t count)
{
	struct tap_site_tracepoint *sites = use->sites;
	uint32_t i;

	for (i = 0; i < count; i++)
		if (sites[i].registered)
			tracepoint_probe_unregister(sites[i].tracepoint, (void *)sites[i].glue,
						    &sites[i].base);
	tracepoint_synchronize_unregister();
}

static int site_register(struct tap_site_tracepoint *site)
{
	int rc = tracepoint_probe_register(site->tracepoint, (void *)site->glue, &site->base);

	site->registered = !rc;
	return rc;
}

static int tracepoint_place(const struct tap_family_use *use, uint32_t *placed)
{
	struct tap_site_tracepoint *sites = use->sites;
	uint32_t i;

	for (i = 0; i < use->count; i++) {
		struct search search = {.name = sites[i].name};
		int rc = -ENOENT;

		for_each_kernel_tracepoint(look, &search);
		sites[i].tracepoint = search.found;
		if (search.found)
			rc = sites[i].base.probe->unwanted ? 0 : site_register(&sites[i]);
		if (rc) {
			tap_session_error_format("probe %s registration error (rc %d)", sites[i].base.pp, rc);
			remove_first(use, i);
			return rc;
		}
	}
	*placed += use->count;
	return 0;
}

/* Before remove waits, nothing that a call which still runs may need is gone. */
static void tracepoint_arm(const struct tap_family_use *use, uint32_t i, bool wanted)
{
	struct tap_site_tracepoint *site = &((struct tap_site_tracepoint *)use->sites)[i];

	if (wanted && !site->registered) {
		site_register(site);
	} else if (!wanted && site->registered) {
		tracepoint_probe_unregister(site->tracepoint, (void *)site->glue, &site->base);
		site->registered = false;
	}
}

static void tracepoint_remove(const struct tap_family_use *use)
{
	remove_first(use, use->count);
}

const struct tap_family tap_family_tracepoint = {
    .name = "tracepoint",
    .place = tracepoint_place,
    .remove = tracepoint_remove,
    .arm = tracepoint_arm,
};
