/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last line of an emitted unit. */
#ifndef TAP_KERNEL_MODULE_H
#define TAP_KERNEL_MODULE_H

#include <linux/module.h>

#include "runtime/core/program.h"

/* Allocates all that the session needs and makes its control file: 0, or -errno with everything undone. */
int tap_session_load(struct tap_program *program);
void tap_session_unload(void);

/* With kbuild, modpost reads the licence from here; otherwise codegen/finish writes the module's information.
 */
#ifdef TAP_KBUILD
#define TAP_MODULE_LICENSE                                                                                   \
	MODULE_LICENSE("GPL");                                                                               \
	MODULE_DESCRIPTION("tapjit");
#else
#define TAP_MODULE_LICENSE
#endif

#define TAP_MODULE(program_)                                                                                 \
	int init_module(void)                                                                                \
	{                                                                                                    \
		return tap_session_load(&(program_));                                                        \
	}                                                                                                    \
	void cleanup_module(void)                                                                            \
	{                                                                                                    \
		tap_session_unload();                                                                        \
	}                                                                                                    \
	TAP_MODULE_LICENSE

#endif
