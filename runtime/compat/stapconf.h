/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What embedded C of scripts asks about the kernel: the names by which SystemTap's autoconf tells what it
 * found there. Those that published scripts use, for kernels from 6.1 on; without them the branches for
 * kernels of twenty years ago would be taken.
 */
#ifndef TAP_COMPAT_STAPCONF_H
#define TAP_COMPAT_STAPCONF_H

#define STAPCONF_BLK_TYPES		1 /* linux/blk_types.h, 2.6.36 */
#define STAPCONF_CPU_CLOCK		1 /* cpu_clock(), 2.6.23 */
#define STAPCONF_DPATH_PATH		1 /* struct file has an f_path, d_path() takes it: 2.6.26 */
#define STAPCONF_FILES_LOOKUP_FD_RAW	1 /* files_lookup_fd_raw() for fcheck_files(), 5.11 */
#define STAPCONF_HRTIMER_GETSET_EXPIRES 1 /* hrtimer_get_expires(), 2.6.28 */
#define STAPCONF_LINUX_SCHED_HEADERS	1 /* linux/sched/...h, 4.11 */
#define STAPCONF_LINUX_UIDGID_H		1 /* linux/uidgid.h, 3.5 */
#define STAPCONF_LOCAL_CLOCK		1 /* local_clock(), 2.6.37 */
#define STAPCONF_TASK_UID		1 /* task_uid(), 2.6.28 */
#define STAPCONF_TIMERFD_H		1 /* linux/timerfd.h */
#define STAPCONF_UAPI_LINUX_MOUNT_H	1 /* uapi/linux/mount.h, 4.20 */
#define STAPCONF_X86_UNIREGS		1 /* pt_regs has ax for eax and rax: 2.6.25 */

/* a69ce85ec9af ("filelock: split common fields into struct file_lock_core", 6.9) came with this macro. */
#if __has_include(<linux/filelock.h>)
#include <linux/filelock.h>
#ifdef for_each_file_lock
#define STAPCONF_FILE_LOCK_CORE 1
#endif
#endif

#endif
