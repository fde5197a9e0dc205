/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules that are loaded, from what the kernel shows to modules. */
#ifndef TAP_KERNEL_LOADED_H
#define TAP_KERNEL_LOADED_H

#include <linux/module.h>

/*
 * The module whose name is the first `length` bytes of `name`; NULL: it is not there, or goes. With
 * preemption off: entries are freed after a grace period.
 *
 * Modules are a ring of lists with a head in the kernel's own data; the modules' parts are in the area for
 * modules.
 */
static inline const struct module *tap_loaded_module(const char *name, size_t length)
{
	const struct list_head *at;

	for (at = READ_ONCE(THIS_MODULE->list.next); at != &THIS_MODULE->list; at = READ_ONCE(at->next)) {
		const struct module *module = list_entry(at, struct module, list);

		if ((unsigned long)at < MODULES_VADDR || (unsigned long)at >= MODULES_END)
			continue;
		if (!strncmp(module->name, name, length) && !module->name[length] &&
		    (module->state == MODULE_STATE_LIVE || module->state == MODULE_STATE_COMING))
			return module;
	}
	return NULL;
}

/* module_build.c. */

/*
 * Whether the module of this name, if it is there, is of this build, in hex. So is any if `build_id` is NULL,
 * and one that tells of no build. Warns once in a session of a module that is not, by tap_session_warn_late.
 * May sleep, but waits for no reader.
 */
bool tap_module_is_build(const char *name, size_t length, const char *build_id);
/* What has been said is known as long as anybody is between the two. */
void tap_builds_use(void);
void tap_builds_leave(void);

#endif
