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

#include "runtime/compat/module_rodata.h"
#include "runtime/kernel/loaded.h"
#include "runtime/kernel/probe_kprobe.h"
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

static DEFINE_MUTEX(places);
static tap_module_change *watchers[2]; /* kprobe, kretprobe; under `places` */

/* All under `places`: the module that was looked at last, its build-id in hex, empty if it has none; what was
 * said of it. */
enum { TAP_ID_MOST = 32 };
static char id_of[MODULE_NAME_LEN]; /* empty: of none */
static char build_id[2 * TAP_ID_MOST + 1];
static bool is_other_said;
static uint32_t changes;

/* /sys has a module's notes only when its init function may have run. */
static void read_id(const struct module *module)
{
	static const uint32_t gnu_name = 0x00554e47; /* "GNU" */
	size_t size, at;
	const char *bytes = tap_module_rodata(module, &size);
	uint32_t head[4]; /* sizes of the name and of the id, type, name */

	is_other_said = false;
	strscpy(id_of, module->name, sizeof(id_of));
	build_id[0] = '\0';
	for (at = 0; at + sizeof(head) <= size; at += sizeof(head[0])) {
		memcpy(head, bytes + at, sizeof(head));
		if (head[0] != sizeof(gnu_name) || head[2] != 3 /* NT_GNU_BUILD_ID */ || head[3] != gnu_name)
			continue;
		if (head[1] > TAP_ID_MOST || head[1] > size - at - sizeof(head))
			continue;
		scnprintf(build_id, sizeof(build_id), "%*phN", (int)head[1], bytes + at + sizeof(head));
		return;
	}
}

/* False: no such module is loaded. One that is found stays: when it goes, the notifier waits for `places`. */
static bool know_id(const char *name, size_t length)
{
	const struct module *module;

	if (!strncmp(id_of, name, length) && !id_of[length])
		return true;
	preempt_disable();
	module = tap_loaded_module(name, length);
	preempt_enable();
	if (module)
		read_id(module);
	return module;
}

static int module_changes(struct notifier_block *block, unsigned long state, void *data)
{
	const struct module *module = data;
	uint32_t i;

	mutex_lock(&places);
	changes++;
	if (state == MODULE_STATE_COMING || state == MODULE_STATE_GOING) {
		bool comes = state == MODULE_STATE_COMING;

		id_of[0] = '\0';
		if (comes)
			read_id(module);
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

bool tap_place_is_of_build(const struct tap_kprobe_place *place, bool late)
{
	const char *symbol = place->symbol ? place->symbol : place->anchor_symbol;
	char text[300];

	if (!place->build_id || !tap_place_is_in_module(place) || !know_id(symbol, module_length(place)) ||
	    !build_id[0] || !strcmp(place->build_id, build_id))
		return true;
	if (is_other_said)
		return false;
	scnprintf(
	    text, sizeof(text),
	    "module %s is not probed: its build-id is %s, that of its file when the script was compiled "
	    "%s; compile the script for the module that is loaded",
	    id_of, build_id, place->build_id);
	if (!late)
		tap_session_warn_format("%s", text);
	is_other_said = !late || tap_session_warn_late(text);
	return false;
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
