/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the kernel is: what KASLR has added to its link addresses. Apart, for modules that ask for no
 * address. */
#include "runtime/kernel/session.h"

#include "runtime/kernel/probe_kprobe.h"

TAP_SMALL_BEGIN

/* By the address of a probe that is registered on it, disabled. */
int tap_kprobe_symbol_address(const char *symbol, unsigned long *address)
{
	struct kprobe kp = {.symbol_name = symbol, .flags = KPROBE_FLAG_DISABLED};
	int rc = register_kprobe(&kp);
#ifdef CONFIG_X86_KERNEL_IBT
	u32 before;
#endif

	if (rc)
		return rc;
	*address = (unsigned long)kp.addr;
	unregister_kprobe(&kp);
#ifdef CONFIG_X86_KERNEL_IBT
	/* A probe on a function's first byte is placed behind its endbr64. */
	if (!copy_from_kernel_nofault(&before, (const void *)(*address - sizeof(before)), sizeof(before)) &&
	    is_endbr(before))
		*address -= sizeof(before);
#endif
	return 0;
}

int tap_find_slide(const struct tap_program *program)
{
	unsigned long now;
	int rc = tap_kprobe_symbol_address(program->anchor_symbol, &now);

	if (!rc)
		tap_kernel_slide = now - (uint64_t)program->anchor;
	return rc;
}

TAP_SMALL_END
