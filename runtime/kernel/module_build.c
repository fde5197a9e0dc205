/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a module of the build that the script was compiled with? Apart, for scripts with nothing in modules. */
#include <linux/module.h>

#include "runtime/compat/module_rodata.h"
#include "runtime/kernel/loaded.h"
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

enum { TAP_ID_MOST = 32 };

/* Modules that have been said to be of another build. */
struct said {
	struct said *next;
	char name[MODULE_NAME_LEN];
};

/* What is below is under it. Locks of the kernel and of probes are held when it is taken, so what is found is
 * said late. */
static DEFINE_MUTEX(builds);
static uint32_t users;
static struct said *all_said;

void tap_builds_use(void)
{
	mutex_lock(&builds);
	users++;
	mutex_unlock(&builds);
}

void tap_builds_leave(void)
{
	mutex_lock(&builds);
	users--;
	while (!users && all_said) {
		struct said *first = all_said;

		all_said = first->next;
		kfree(first);
	}
	mutex_unlock(&builds);
}

/*
 * In hex. False: the module has none. /sys has its notes only when its init function may have run, and what
 * the kernel knows of them is its own. The linker makes this one before all other sections, so it is the
 * first of the constants; further than a page on it is not looked for.
 */
static bool read_id(const struct module *module, char id[2 * TAP_ID_MOST + 1])
{
	static const uint32_t gnu_name = 0x00554e47; /* "GNU" */
	size_t size, at;
	const char *bytes = tap_module_rodata(module, &size);
	uint32_t head[4]; /* sizes of the name and of the id, type, name */

	size = min_t(size_t, size, PAGE_SIZE);
	for (at = 0; at + sizeof(head) <= size; at += sizeof(head[0])) {
		memcpy(head, bytes + at, sizeof(head));
		if (head[0] != sizeof(gnu_name) || head[2] != 3 /* NT_GNU_BUILD_ID */ || head[3] != gnu_name)
			continue;
		if (!head[1] || head[1] > TAP_ID_MOST || head[1] > size - at - sizeof(head))
			continue;
		scnprintf(id, 2 * TAP_ID_MOST + 1, "%*phN", (int)head[1], bytes + at + sizeof(head));
		return true;
	}
	return false;
}

static bool is_said(const char *name)
{
	const struct said *one = all_said;

	while (one && strcmp(one->name, name))
		one = one->next;
	return one;
}

static void say(const char *name, const char *id, const char *wanted)
{
	struct said *one;
	char text[320];

	scnprintf(text, sizeof(text),
		  "module %s is neither probed nor read: its build-id is %s, that of its file when the "
		  "script was compiled %s; compile the script for the module that is loaded",
		  name, id, wanted);
	if (!tap_session_warn_late(text))
		return;
	one = kzalloc(sizeof(*one), GFP_KERNEL);
	if (!one)
		return; /* said again, then */
	strscpy(one->name, name, sizeof(one->name));
	one->next = all_said;
	all_said = one;
}

bool tap_module_is_build(const char *name, size_t length, const char *build_id)
{
	const struct module *module;
	char id[2 * TAP_ID_MOST + 1], whole_name[MODULE_NAME_LEN];
	bool is_other;

	if (!build_id)
		return true;
	preempt_disable();
	module = tap_loaded_module(name, length);
	is_other = module && read_id(module, id) && strcmp(build_id, id);
	preempt_enable();
	if (!is_other)
		return true;
	strscpy(whole_name, name, min_t(size_t, length + 1, sizeof(whole_name)));
	mutex_lock(&builds);
	if (!is_said(whole_name))
		say(whole_name, id, build_id);
	mutex_unlock(&builds);
	return false;
}

TAP_SMALL_END
