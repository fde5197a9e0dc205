/* SPDX-License-Identifier: GPL-2.0-or-later */
/* procfs: files whose readers and writers run handlers, in their own process, on the session's lane. */
#ifndef TAP_KERNEL_PROBE_PROCFS_H
#define TAP_KERNEL_PROBE_PROCFS_H

#include "runtime/core/ctx.h"

struct tap_site_procfs {
	struct tap_site base;
	uint32_t entry;
	const char *path; /* below the module's directory; several sites may name one */
	int64_t is_read;
	int64_t mode;	 /* the bits that this site asks for */
	int64_t maxsize; /* is_read: of the buffer; 0: limits.procfs_bytes */
};

#define TAP_ENTRY_PROCFS(number) enum { tap_entry_procfs_##number = number };

#endif
