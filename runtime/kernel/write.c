/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel memory written by handlers that may be preempted. Apart, for most scripts write none. */
#include <linux/module.h>

#include "runtime/kernel/session.h"

enum { TAP_MODULES_MOST = 4096 };

/* With interrupts off. As tap_loaded_module; the script's own module is one of them. */
static bool __kprobes is_in_module(unsigned long address)
{
	const struct list_head *at = &THIS_MODULE->list;
	uint32_t i;

	for (i = 0; i < TAP_MODULES_MOST; i++) {
		const struct module *module = list_entry(at, struct module, list);

		if ((unsigned long)at >= MODULES_VADDR && (unsigned long)at < MODULES_END &&
		    (module->state == MODULE_STATE_LIVE || module->state == MODULE_STATE_COMING) &&
		    within_module(address, module))
			return true;
		at = READ_ONCE(at->next);
		if (at == &THIS_MODULE->list)
			break;
	}
	return false;
}

bool __kprobes tap_write_preemptible(uint64_t address, const void *from, uint32_t bytes)
{
	unsigned long flags;
	bool is_done;

	raw_local_irq_save(flags);
	is_done = (address < MODULES_VADDR || address >= MODULES_END || is_in_module(address)) &&
		  tap_write_kernel(address, from, bytes);
	raw_local_irq_restore(flags);
	return is_done;
}
