/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the data of modules are: found by a symbol in the module's own table when the session starts or the
 * module comes, and forgotten before its memory is freed. Event handlers run with interrupts off, and the
 * kernel waits for such between telling that a module goes and freeing it (free_module: synchronize_rcu), so
 * what one finds there stays until it ends. Under others, which are preemptible, it may go: what they read
 * then is a fault or what is there now, and what they write is looked at again (write.c). Apart, for modules
 * that ask for no such data.
 */
#include <linux/module.h>
#include <linux/notifier.h>

#include "runtime/kernel/loaded.h"
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

static DEFINE_MUTEX(anchors);
static bool is_watching;

static bool is_of(const struct tap_module_anchor *anchor, const char *module)
{
	size_t length = strlen(module);

	return !strncmp(anchor->symbol, module, length) && anchor->symbol[length] == ':';
}

#ifdef CONFIG_KALLSYMS
/* With preemption off. */
static bool find_in(const struct module *module, const char *name, unsigned long *address)
{
	const struct mod_kallsyms *table = rcu_dereference_sched(module->kallsyms);
	unsigned int i;

	for (i = 1; table && i < table->num_symtab; i++) {
		const Elf_Sym *symbol = &table->symtab[i];

		if (symbol->st_shndx != SHN_UNDEF && !strcmp(table->strtab + symbol->st_name, name)) {
			*address = symbol->st_value;
			return true;
		}
	}
	return false;
}
#else
static bool find_in(const struct module *module, const char *name, unsigned long *address)
{
	return false;
}
#endif

/* What only the init function needs is freed when the module is live. With preemption off. */
static bool is_freed(const struct module *module, unsigned long address)
{
	return module->state == MODULE_STATE_LIVE && within_module_init(address, module);
}

/* Nothing changes if the module is not there. */
static void find_anchor(struct tap_module_anchor *anchor)
{
	const char *name = strchr(anchor->symbol, ':') + 1;
	size_t length = name - 1 - anchor->symbol;
	const struct module *module;
	unsigned long address;

	if (!tap_module_is_build(anchor->symbol, length, anchor->build_id)) {
		anchor->problem = anchor->other;
		return;
	}
	preempt_disable();
	module = tap_loaded_module(anchor->symbol, length);
	if (module && find_in(module, name, &address) && !is_freed(module, address)) {
		anchor->slide = address - anchor->linked;
		smp_store_release(&anchor->found, true);
	} else if (module) {
		anchor->problem = anchor->missing;
	}
	preempt_enable();
}

static void lose_anchor(struct tap_module_anchor *anchor)
{
	WRITE_ONCE(anchor->found, false);
	anchor->problem = anchor->away;
}

static int anchor_changes(struct notifier_block *block, unsigned long state, void *data)
{
	const struct tap_program *program = tap_self()->program;
	const struct module *module = data;
	uint32_t i;

	if (state != MODULE_STATE_COMING && state != MODULE_STATE_LIVE && state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	mutex_lock(&anchors);
	for (i = 0; i < program->module_anchor_count; i++) {
		struct tap_module_anchor *anchor = &program->module_anchors[i];

		if (!is_of(anchor, module->name))
			continue;
		if (state == MODULE_STATE_LIVE &&
		    !(anchor->found && is_freed(module, anchor->linked + anchor->slide)))
			continue;
		lose_anchor(anchor);
		if (state != MODULE_STATE_GOING)
			find_anchor(anchor);
	}
	mutex_unlock(&anchors);
	return NOTIFY_DONE;
}

static struct notifier_block watch = {.notifier_call = anchor_changes, .priority = -1};

void tap_module_data_find(const struct tap_program *program)
{
	int rc = register_module_notifier(&watch);
	uint32_t i;

	if (rc) {
		tap_session_warn_format("modules cannot be watched (rc %d)", rc);
		return;
	}
	is_watching = true;
	tap_builds_use();
	for (i = 0; i < program->module_anchor_count; i++) {
		mutex_lock(&anchors);
		if (!program->module_anchors[i].found)
			find_anchor(&program->module_anchors[i]);
		mutex_unlock(&anchors);
		tap_session_say_late(true);
	}
}

void tap_module_data_forget(void)
{
	if (!is_watching)
		return;
	unregister_module_notifier(&watch);
	tap_builds_leave();
	is_watching = false;
}

TAP_SMALL_END
