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
		tracepoint_probe_unregister(sites[i].tracepoint, (void *)sites[i].glue, &sites[i].base);
	tracepoint_synchronize_unregister();
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
			rc = tracepoint_probe_register(search.found, (void *)sites[i].glue, &sites[i].base);
		if (rc) {
			tap_session_error_format("probe %s registration error (rc %d)", sites[i].base.pp, rc);
			remove_first(use, i);
			return rc;
		}
	}
	*placed += use->count;
	return 0;
}

static void tracepoint_remove(const struct tap_family_use *use)
{
	remove_first(use, use->count);
}

const struct tap_family tap_family_tracepoint = {
    .name = "tracepoint",
    .place = tracepoint_place,
    .remove = tracepoint_remove,
};
