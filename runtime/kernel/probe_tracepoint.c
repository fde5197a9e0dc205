/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tracepoints of the kernel, found by name: few of them are exported. */
#include <linux/module.h>
#include <linux/notifier.h>

#include "runtime/kernel/loaded.h"
#include "runtime/kernel/probe_kprobe.h"
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

static DEFINE_MUTEX(events);		     /* held while sites change and modules may come or go */
static const struct tap_family_use *watched; /* as long as some tracepoint is a module's; under `events` */
static bool is_placed; /* sites of `watched` are registered, but for those that are not wanted now */

/* The first of a group has its event; the others are left as they are. */
static bool has_event(const struct tap_site_tracepoint *site)
{
	return site->glue;
}

static int site_register(struct tap_site_tracepoint *site)
{
	int rc = tracepoint_probe_register(site->tracepoint, (void *)site->glue, &site->base);

	site->registered = !rc;
	return rc;
}

static void site_unregister(struct tap_site_tracepoint *site)
{
	if (site->registered)
		tracepoint_probe_unregister(site->tracepoint, (void *)site->glue, &site->base);
	site->registered = false;
}

static struct tracepoint *tracepoint_of(const struct module *module, unsigned int i)
{
	return tracepoint_ptr_deref(&module->tracepoints_ptrs[i]);
}

/* Whether it is the module's that the script was compiled with. */
static bool site_is_of(const struct tap_site_tracepoint *site, const char *module)
{
	return (!site->module || !strcmp(site->module, module)) &&
	       tap_module_is_build(module, strlen(module), site->build_id);
}

static void site_follow(struct tap_site_tracepoint *site, const struct module *module, bool comes)
{
	unsigned int i;

	for (i = 0; i < module->num_tracepoints; i++) {
		struct tracepoint *tracepoint = tracepoint_of(module, i);

		if (comes && !site->tracepoint && !strcmp(tracepoint->name, site->name) &&
		    site_is_of(site, module->name)) {
			int rc = 0;

			site->tracepoint = tracepoint;
			if (is_placed && !site->base.probe->unwanted)
				rc = site_register(site);
			if (rc)
				tap_place_refused_late(&site->base, rc);
		} else if (!comes && site->tracepoint == tracepoint) {
			site_unregister(site);
			site->tracepoint = NULL;
		}
	}
}

/* Tracepoints of a module are found when it comes, and given back when it goes. */
static int module_changes(struct notifier_block *block, unsigned long state, void *data)
{
	const struct tp_module *loaded = data;
	uint32_t i;

	if (state == MODULE_STATE_COMING || state == MODULE_STATE_GOING) {
		mutex_lock(&events);
		for (i = 0; i < (watched ? watched->count : 0); i++) {
			struct tap_site_tracepoint *site = (void *)tap_site_at(watched, i);

			if (has_event(site))
				site_follow(site, loaded->mod, state == MODULE_STATE_COMING);
		}
		mutex_unlock(&events);
	}
	return NOTIFY_DONE;
}

static struct notifier_block watch = {.notifier_call = module_changes};

/* Calls module_changes for each module that is there already. */
static int watch_modules(const struct tap_family_use *use)
{
	int rc;

	watched = use;
	is_placed = false;
	tap_builds_use();
	rc = register_tracepoint_module_notifier(&watch);
	if (rc) {
		watched = NULL;
		tap_builds_leave();
	}
	return rc;
}

/* Not under `events`, which the notifier takes. */
static void unwatch_modules(void)
{
	if (!watched)
		return;
	unregister_tracepoint_module_notifier(&watch);
	watched = NULL;
	tap_builds_leave();
}

static void remove_first(const struct tap_family_use *use, uint32_t count)
{
	struct tap_site_tracepoint *sites = use->sites;
	uint32_t i;

	unwatch_modules();
	for (i = 0; i < count; i++)
		site_unregister(&sites[i]);
	tracepoint_synchronize_unregister();
}

static int sites_find(const struct tap_family_use *use)
{
	struct tap_site_tracepoint *sites = use->sites;
	bool of_modules = false;
	uint32_t i;

	for (i = 0; i < use->count; i++) {
		struct search search = {.name = sites[i].name};

		if (!has_event(&sites[i]))
			continue;
		for_each_kernel_tracepoint(look, &search);
		sites[i].tracepoint = search.found;
		of_modules |= !search.found;
	}
	return of_modules ? watch_modules(use) : 0;
}

static int tracepoint_place(const struct tap_family_use *use, uint32_t *placed)
{
	struct tap_site_tracepoint *sites = use->sites;
	int rc = sites_find(use);
	uint32_t i;

	if (rc)
		tap_session_error_format("no notice of modules with tracepoints (rc %d)", rc);
	mutex_lock(&events);
	for (i = 0; i < use->count && !rc; i++) {
		if (!has_event(&sites[i]))
			continue;
		if (!sites[i].tracepoint) /* a known module's waits for it */
			rc = sites[i].module ? 0 : -ENOENT;
		else if (!sites[i].base.probe->unwanted)
			rc = site_register(&sites[i]);
		if (rc)
			tap_session_error_format("probe %s registration error (rc %d)", sites[i].base.pp, rc);
	}
	is_placed = !rc;
	mutex_unlock(&events);
	if (rc)
		remove_first(use, use->count);
	else
		*placed += use->count;
	return rc;
}

/* Before remove waits, nothing that a call which still runs may need is gone. */
static void tracepoint_arm(const struct tap_family_use *use, uint32_t i, bool wanted)
{
	struct tap_site_tracepoint *site = &((struct tap_site_tracepoint *)use->sites)[i];

	mutex_lock(&events);
	if (wanted && site->tracepoint && !site->registered)
		site_register(site);
	else if (!wanted)
		site_unregister(site);
	mutex_unlock(&events);
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
