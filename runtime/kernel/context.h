/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The platform's inline functions of core/platform.h: facts about the event and the current task. */
#ifndef TAP_KERNEL_CONTEXT_H
#define TAP_KERNEL_CONTEXT_H

#include <linux/sched/clock.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>

#include "runtime/core/platform.h"

/* task.c. Ids are those of the initial namespaces. */
int64_t tap_pid(void);
int64_t tap_tid(void);
int64_t tap_ppid(void); /* 0 where RCU does not watch */
int64_t tap_uid(void);
int64_t tap_euid(void);
int64_t tap_gid(void);
int64_t tap_egid(void);
uint32_t tap_execname(char *dst, uint32_t size);
int64_t tap_pgrp(void);
int64_t tap_sid(void);
int64_t tap_reader_pid(void);
bool tap_is_readers_user(void);
int64_t tap_seconds_west(void);
uint32_t tap_timezone(char *dst, uint32_t size);
uint32_t tap_parent_execname(char *dst, uint32_t size); /* "" there */
int64_t tap_namespace_id(enum tap_namespace_id which);

/* task_ids.c. The task with this id in the first namespace, by address; 0: none, or RCU does not watch. */
uint64_t tap_task_find(int64_t pid);
/* The same id of any task, which may be no task at all: -1 then, and where RCU does not watch. */
int64_t tap_namespace_id_of(uint64_t task, enum tap_namespace_id which);

/* backtrace.c. Return addresses from the event's registers on (the place of the event first), or of the
 * handler's caller where it has none: their number. */
uint32_t tap_stack_addresses(struct tap_ctx *c, uint64_t *addresses, uint32_t most);
/* What the symbol table says of a kernel address, as "name+0x1/0x2 [module]"; TAP_SYMBOL_NAME: the name
 * alone, TAP_SYMBOL_MODULE: the module alone, "kernel" for the kernel itself. The address in hexadecimal
 * where no symbol has it ("" for a module). NUL-terminated; gives the length. Fails when the handler has not
 * the actions that a module's symbol, or an address without any, takes. */
enum tap_symbol_part { TAP_SYMBOL_DATA, TAP_SYMBOL_NAME, TAP_SYMBOL_MODULE };
enum { TAP_MODULE_SYMBOL_ACTIONS = 10 };
uint32_t tap_symbol(struct tap_ctx *c, char *dst, uint32_t size, uint64_t address, enum tap_symbol_part part,
		    const char *where);

/* lines.c. The source file of a kernel address, its line, or "file:line"; the address in hexadecimal where
 * the module's tables do not know. NUL-terminated; gives the length. Fails as tap_symbol does. */
enum tap_line_part { TAP_LINE_BOTH, TAP_LINE_NAME, TAP_LINE_NUMBER };
enum { TAP_LINE_ACTIONS = 10 };
uint32_t tap_source_line(struct tap_ctx *c, char *dst, uint32_t size, uint64_t address,
			 enum tap_line_part part, const char *where);

/* raise.c. Sends the running task a signal, 1 to 64, when the handler has ended. NULL, or why not. */
const char *tap_raise(struct tap_ctx *c, int signal);
/* What each lane's irq_work does in modules that call it. */
void tap_raise_now(struct irq_work *work);
#define TAP_RAISE_NOW .raise_now = tap_raise_now,

TAP_INLINE int64_t tap_stack_size(void)
{
	return THREAD_SIZE;
}

TAP_INLINE int64_t tap_jiffies(void)
{
	return (int64_t)READ_ONCE(*(const unsigned long *)&jiffies);
}

TAP_INLINE int64_t tap_jiffies_per_second(void)
{
	return HZ;
}

TAP_INLINE int64_t tap_cpu(void)
{
	return raw_smp_processor_id();
}

/* Readable in any context, NMI included; may be a few ns off across a clock update. */
TAP_INLINE int64_t tap_clock_realtime_ns(void)
{
	return (int64_t)ktime_get_real_fast_ns();
}

TAP_INLINE int64_t tap_clock_monotonic_ns(void)
{
	return (int64_t)ktime_get_mono_fast_ns();
}

/* Of a CPU by number; 0 if there is none. */
TAP_INLINE int64_t tap_clock_cpu_ns(int64_t cpu)
{
	return cpu >= 0 && cpu < nr_cpu_ids && cpu_online(cpu) ? (int64_t)sched_clock_cpu(cpu) : 0;
}

int64_t tap_target(const struct tap_ctx *c);

/*
 * The event's register by its DWARF number (System V ABI for x86-64, figure 3.36); 0 where there are none.
 * The number is a constant, and the table folds to an offset: a switch would cost each compilation a
 * millisecond of LLVM's passes, and the members of struct pt_regs half of one.
 */
static const uint8_t tap_register_words[] TAP_MAYBE_UNUSED = {
    10 /* ax */, 12 /* dx */, 11 /* cx */, 5 /* bx */,	13 /* si */, 14 /* di */,
    4 /* bp */,	 19 /* sp */, 9 /* r8 */,  8,		7,	     6,
    3,		 2,	      1,	   0 /* r15 */, 16 /* ip */};

TAP_INLINE int64_t tap_reg(const struct tap_ctx *c, int number)
{
	if (!c->regs || number < 0 || number >= (int)sizeof(tap_register_words))
		return 0;
	return ((const int64_t *)c->regs)[tap_register_words[number]];
}

TAP_INLINE void tap_reg_set(const struct tap_ctx *c, int number, int64_t value)
{
	if (c->regs && number >= 0 && number < (int)sizeof(tap_register_words))
		((int64_t *)c->regs)[tap_register_words[number]] = value;
}

/* backtrace.c. At a function's entry: the address that it returns to; 0 when it is not known. */
int64_t tap_caller(struct tap_ctx *c);

/* What KASLR added to the kernel's link addresses; set before the first handler runs. */
extern uint64_t tap_kernel_slide;
struct tap_program;
/* Sets it, from the program's anchor. May sleep. 0 or -errno. */
int tap_find_slide(const struct tap_program *program);

TAP_INLINE int64_t tap_kernel_address(int64_t linked)
{
	return (int64_t)((uint64_t)linked + tap_kernel_slide);
}

/*
 * module_data.c. Watches the modules of the program's anchors until they are forgotten; warns where they
 * cannot be watched. Both may sleep; the first under `control`.
 */
void tap_module_data_find(const struct tap_program *program);
void tap_module_data_forget(void);

/* What to add to addresses as linked in the anchor's section. */
TAP_INLINE int64_t tap_module_slide(struct tap_ctx *c, const struct tap_module_anchor *anchor,
				    const char *where)
{
	if (tap_likely(smp_load_acquire(&anchor->found)))
		return (int64_t)anchor->slide;
	tap_fail(c, where, READ_ONCE(anchor->problem));
	return 0;
}

/*
 * This CPU's copy of the per-CPU variable at `linked`, as &variable gives it. A handler that is preemptible
 * may be on another CPU when it reads it.
 */
TAP_INLINE int64_t tap_cpu_address(int64_t linked)
{
#ifdef CONFIG_SMP
	return (int64_t)((uint64_t)linked + raw_cpu_read_8(this_cpu_off));
#else
	return linked;
#endif
}

/* The low |bytes| of value, sign-extended when bytes is negative. */
TAP_INLINE int64_t tap_extend(uint64_t value, int bytes)
{
	int shift = 64 - 8 * (bytes < 0 ? -bytes : bytes);

	return bytes < 0 ? (int64_t)(value << shift) >> shift : (int64_t)(value << shift >> shift);
}

TAP_INLINE int64_t tap_load_kernel(struct tap_ctx *c, uint64_t address, int bytes, const char *where)
{
	uint64_t value = 0;

	if (tap_likely(tap_read_kernel(&value, address, bytes < 0 ? -bytes : bytes)))
		return tap_extend(value, bytes);
	tap_fail_fault(c, where, address);
	return 0;
}

/*
 * write.c. For handlers that run with interrupts on, as tap_write_kernel, but for memory where modules are
 * that is no module's any more: what an address was found in may have gone since.
 */
bool tap_write_preemptible(uint64_t address, const void *from, uint32_t bytes);

TAP_INLINE void tap_store_kernel(struct tap_ctx *c, uint64_t address, int64_t value, int bytes,
				 const char *where)
{
	bool done = c->kind == TAP_EVENT ? tap_write_kernel(address, &value, bytes)
					 : tap_write_preemptible(address, &value, bytes);

	if (tap_unlikely(!done))
		tap_fail_store_fault(c, where, address);
}

TAP_INLINE int64_t tap_load_user(struct tap_ctx *c, uint64_t address, int bytes, const char *where)
{
	uint64_t value = 0;

	if (tap_likely(tap_read_user(&value, address, bytes < 0 ? -bytes : bytes)))
		return tap_extend(value, bytes);
	tap_fail_fault(c, where, address);
	return 0;
}

#endif
