/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a module's constant data are, its notes among them. Since ac3b43283923 ("module: replace
 * module_layout with module_memory", 6.4) each kind of memory is an allocation of its own; before, one held
 * text, constants and data.
 */
#ifndef TAP_COMPAT_MODULE_RODATA_H
#define TAP_COMPAT_MODULE_RODATA_H

#include <linux/module.h>

static inline const char *tap_module_rodata(const struct module *module, size_t *size)
{
#ifdef for_each_mod_mem_type
	*size = module->mem[MOD_RODATA].size;
	return module->mem[MOD_RODATA].base;
#else
	*size = module->core_layout.ro_size - module->core_layout.text_size;
	return (const char *)module->core_layout.base + module->core_layout.text_size;
#endif
}

#endif
