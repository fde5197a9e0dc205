/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes on modules wait for their module: they are placed before its init function runs, and taken back
 * before its memory is freed. The kernel forgets probes of a module that goes, but keeps their structures
 * registered: these are unregistered here, so that they can be placed when the module comes again.
 *
 * The notifier may run at any time between tap_modules_watch and tap_modules_unwatch; `places` is held
 * wherever probes are placed or changed meanwhile.
 */
#include <linux/module.h>
#include <linux/notifier.h>

#include "runtime/kernel/loaded.h"
#include "runtime/kernel/probe_kprobe.h"
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

static DEFINE_MUTEX(places);
static tap_module_change *watchers[2]; /* kprobe, kretprobe; under `places` */

static uint32_t changes; /* under `places` */

static int module_changes(struct notifier_block *block, unsigned long state, void *data)
{
	const struct module *module = data;
	uint32_t i;

	mutex_lock(&places);
	changes++;
	if (state == MODULE_STATE_COMING || state == MODULE_STATE_GOING) {
		bool comes = state == MODULE_STATE_COMING;

		for (i = 0; i < ARRAY_SIZE(watchers); i++)
			if (watchers[i])
				watchers[i](module->name, comes);
	}
	mutex_unlock(&places);
	return NOTIFY_DONE;
}

/* After the kernel's own: a module that comes has its jump labels and trampolines then. */
static struct notifier_block watch = {.notifier_call = module_changes, .priority = -1};

/* The notifier is registered as long as there is a watcher; both change under `control`. */
static bool is_watched(void)
{
	return watchers[0] || watchers[1];
}

int tap_modules_watch(tap_module_change *change)
{
	int rc = is_watched() ? 0 : register_module_notifier(&watch);

	if (rc)
		return rc;
	tap_builds_use();
	mutex_lock(&places);
	watchers[watchers[0] ? 1 : 0] = change;
	mutex_unlock(&places);
	return 0;
}

void tap_modules_unwatch(tap_module_change *change)
{
	mutex_lock(&places);
	watchers[watchers[0] == change ? 0 : 1] = NULL;
	mutex_unlock(&places);
	if (!is_watched())
		unregister_module_notifier(&watch);
	tap_builds_leave();
}

void tap_places_lock(void)
{
	mutex_lock(&places);
}

void tap_places_unlock(void)
{
	mutex_unlock(&places);
}

/* The module of "module:symbol"; its length, 0 for a symbol of the kernel. */
static size_t module_length(const struct tap_kprobe_place *place)
{
	const char *symbol = place->symbol ? place->symbol : place->anchor_symbol;
	const char *colon = symbol ? strchr(symbol, ':') : NULL;

	return colon ? colon - symbol : 0;
}

bool tap_place_is_in_module(const struct tap_kprobe_place *place)
{
	return module_length(place) != 0;
}

bool tap_place_is_in(const struct tap_kprobe_place *place, const char *module)
{
	const char *symbol = place->symbol ? place->symbol : place->anchor_symbol;
	size_t length = module_length(place);

	return length && !strncmp(symbol, module, length) && !module[length];
}

uint32_t tap_places_changes(void)
{
	return changes;
}

bool tap_place_is_of_build(const struct tap_kprobe_place *place)
{
	const char *symbol = place->symbol ? place->symbol : place->anchor_symbol;

	return !tap_place_is_in_module(place) ||
	       tap_module_is_build(symbol, module_length(place), place->build_id);
}

/* Nothing is wrong with a probe whose module is not there. */
bool tap_place_waits(const struct tap_kprobe_place *place, int rc)
{
	return rc == -ENOENT && tap_place_is_in_module(place);
}

void tap_place_refused(const struct tap_site *site, int rc)
{
	tap_session_warn_format("probe %s registration error [man warning::pass5] (rc %d)", site->pp, rc);
}

void tap_place_refused_late(const struct tap_site *site, int rc)
{
	char text[200];

	scnprintf(text, sizeof(text), "probe %s registration error [man warning::pass5] (rc %d)", site->pp,
		  rc);
	tap_session_warn_late(text);
}

TAP_SMALL_END
