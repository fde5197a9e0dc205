/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel stacks and symbols, by what the kernel exports: the unwinder's own interface (asm/unwind.h: ORC,
 * frame pointers or guesses, as the kernel was built) and sprint_symbol. Neither takes a lock; the unwinder
 * checks each stack bound and reads stacks without faults. sprint_symbol looks at all symbols of a module, up
 * to 0.1 ms for the largest ones, and through lists for what has no symbol: both are charged for.
 */
#include <asm/unwind.h>
#include <linux/kallsyms.h>
#ifdef CONFIG_RETHOOK
#include <linux/rethook.h>
#endif

#include "runtime/kernel/session.h"

/* Frames that are looked at, whatever is asked for. */
enum { TAP_FRAMES_MOST = 100 };

uint32_t __kprobes tap_stack_addresses(struct tap_ctx *c, uint64_t *addresses, uint32_t most)
{
	struct pt_regs *regs = c->regs && !user_mode(c->regs) ? c->regs : NULL;
	struct unwind_state state;
	uint32_t n = 0, i;

	/* An entry into the handler for a user's registers has no kernel stack that belongs to the event. */
	if (c->regs && !regs)
		return 0;
	/* From registers on, the unwinder begins with the frame above theirs. */
	if (regs && most)
		addresses[n++] = regs->ip;
	unwind_start(&state, current, regs, NULL);
	for (i = 0; i < TAP_FRAMES_MOST; i++) {
		unsigned long address;

		if (n >= most || unwind_done(&state))
			break;
		address = unwind_get_return_address(&state);
		if (!address)
			break;
		addresses[n++] = address;
		unwind_next_frame(&state);
	}
	return n;
}

/*
 * Each return probe puts the address of the kernel's trampoline in the place of the return address that it
 * finds, and keeps that one with where it stood, the last first.
 */
int64_t __kprobes tap_caller(struct tap_ctx *c)
{
	struct pt_regs *regs = c->regs;
	uint64_t address = 0;
#ifdef CONFIG_RETHOOK
	uint64_t at = (uint64_t)READ_ONCE(current->rethooks.first);
	struct rethook_node node;
	int i;
#endif

	if (!regs || user_mode(regs) || !tap_read_kernel(&address, regs->sp, sizeof(address)))
		return 0;
#ifdef CONFIG_RETHOOK
	for (i = 0; at && i < TAP_FRAMES_MOST; i++) {
		if (!tap_read_kernel(&node, at - offsetof(struct rethook_node, llist), sizeof(node)) ||
		    node.frame != regs->sp)
			break;
		address = node.ret_addr;
		at = (uint64_t)node.llist.next;
	}
#endif
	return (int64_t)address;
}

static uint32_t __kprobes copy_part(char *dst, uint32_t size, const char *text, uint32_t n)
{
	if (!size)
		return 0;
	if (n > size - 1)
		n = size - 1;
	__builtin_memcpy(dst, text, n);
	dst[n] = 0;
	return n;
}

/* Where `byte` first stands in the text of n bytes, or n. */
static uint32_t __kprobes find_byte(const char *text, uint32_t n, char byte)
{
	const char *at = __builtin_memchr(text, byte, n);

	return at ? at - text : n;
}

/* Whether the kernel has the address's name in a table of its own: else it looks through lists of what has
 * code, and those are kept under RCU. */
static bool __kprobes is_of_image(uint64_t address)
{
	uint8_t byte;

	return address >= __START_KERNEL_map && address < MODULES_VADDR &&
	       tap_read_kernel(&byte, address, sizeof(byte));
}

uint32_t __kprobes tap_symbol(struct tap_ctx *c, char *dst, uint32_t size, uint64_t address,
			      enum tap_symbol_part part, const char *where)
{
	bool of_module = address >= MODULES_VADDR && address < MODULES_END;
	char text[KSYM_SYMBOL_LEN];
	uint32_t n, plus, bracket, done;
	int length;

	if (of_module && !tap_charge(c, TAP_MODULE_SYMBOL_ACTIONS, where))
		return copy_part(dst, size, "", 0);
	if (!rcu_is_watching() && !is_of_image(address))
		length = scnprintf(text, sizeof(text), "0x%llx", address);
	else
		length = sprint_symbol(text, address);
	n = length < 0 ? 0 : length;
	plus = find_byte(text, n, '+');
	bracket = find_byte(text, n, '[');
	/* No symbol: the address itself. What is in no table was looked for in lists, too (of what ftrace
	 * knows of modules): the heap, user space, and the kernel's data without CONFIG_KALLSYMS_ALL. */
	if (plus == n && !of_module && !tap_charge(c, TAP_MODULE_SYMBOL_ACTIONS, where))
		return copy_part(dst, size, "", 0);
	if (plus == n)
		return copy_part(dst, size, text, part == TAP_SYMBOL_MODULE ? 0 : n);
	if (part == TAP_SYMBOL_NAME)
		return copy_part(dst, size, text, plus);
	if (part == TAP_SYMBOL_MODULE)
		return bracket == n ? copy_part(dst, size, "kernel", 6)
				    : copy_part(dst, size, text + bracket + 1, n - bracket - 2);
	done = copy_part(dst, size, text, n);
	if (bracket == n && done < size)
		done += copy_part(dst + done, size - done, " [kernel]", 9);
	return done;
}
