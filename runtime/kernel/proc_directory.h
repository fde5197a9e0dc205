/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/systemtap, which all modules of sessions share, and the module's own directory in it. */
#ifndef TAP_KERNEL_PROC_DIRECTORY_H
#define TAP_KERNEL_PROC_DIRECTORY_H

struct proc_dir_entry;

/*
 * Makes /proc/systemtap/<MODULE>, and what it is in where that is not there. 0; -EBUSY: other modules kept it
 * busy; -ENOENT: this process does not see /proc whole; -ENOMEM. May sleep, in a process that lives.
 */
int tap_proc_directory_make(struct proc_dir_entry **directory);

/* Without a directory of its own any more: takes /proc/systemtap away if nobody has one. */
void tap_proc_directory_leave(void);

#endif
