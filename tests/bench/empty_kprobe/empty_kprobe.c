// SPDX-License-Identifier: GPL-2.0-or-later
/* What handlers are measured against: a kprobe whose handler does nothing. */
#include <linux/kprobes.h>
#include <linux/module.h>

static int nothing(struct kprobe *probe, struct pt_regs *regs)
{
	return 0;
}

static struct kprobe probe = {.symbol_name = "__x64_sys_getppid", .pre_handler = nothing};

static int __init empty_init(void)
{
	return register_kprobe(&probe);
}

static void __exit empty_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(empty_init);
module_exit(empty_exit);
MODULE_LICENSE("GPL");
