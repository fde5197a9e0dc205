/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel has no "make the directory if it is not there": making one twice, or removing one that has
 * entries, is a WARNING. So a module looks first, with the others kept away: whoever has registered a file
 * system with this name is alone (a second one gets EBUSY; there is no other lock that modules which share
 * nothing have in common).
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/magic.h>
#include <linux/namei.h>
#include <linux/proc_fs.h>

#include "runtime/kernel/proc_directory.h"
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

static int no_mount(struct fs_context *context)
{
	return -ENODEV;
}

static struct file_system_type alone = {
    .owner = THIS_MODULE,
    .name = "tapjit_proc_lock",
    .init_fs_context = no_mount,
};

/* 0 or -EBUSY. */
static int lock(void)
{
	uint32_t tries;

	for (tries = 0; tries < 1000; tries++) {
		if (!register_filesystem(&alone))
			return 0;
		msleep(5);
	}
	return -EBUSY;
}

static void unlock(void)
{
	unregister_filesystem(&alone);
}

/* Entries that are directories of /proc/systemtap, if it is there; or -errno. */
static int count_directories(void)
{
	struct path path;
	struct kstat stat;
	int rc = kern_path("/proc/systemtap", 0, &path);

	if (rc) {
		/* It is not there for sure where another file of /proc can be seen. */
		if (rc == -ENOENT && !kern_path("/proc/filesystems", 0, &path)) {
			rc = path.dentry->d_sb->s_magic == PROC_SUPER_MAGIC ? -ENOENT : -ENODEV;
			path_put(&path);
			return rc;
		}
		return -ENODEV;
	}
	rc = path.dentry->d_sb->s_magic == PROC_SUPER_MAGIC
		 ? vfs_getattr(&path, &stat, STATX_NLINK, AT_STATX_SYNC_AS_STAT)
		 : -ENODEV;
	path_put(&path);
	return rc ? rc : max_t(int, stat.nlink, 2) - 2;
}

static int make(struct proc_dir_entry **directory)
{
	char name[16 + MODULE_NAME_LEN];
	int count = count_directories();

	if (count < 0 && count != -ENOENT)
		return count;
	if (count == -ENOENT && !proc_mkdir("systemtap", NULL))
		return -ENOMEM;
	scnprintf(name, sizeof(name), "systemtap/%s", THIS_MODULE->name);
	*directory = proc_mkdir(name, NULL);
	return *directory ? 0 : -ENOMEM;
}

int tap_proc_directory_make(struct proc_dir_entry **directory)
{
	int rc = lock();

	if (rc)
		return rc;
	rc = make(directory);
	unlock();
	return rc;
}

void tap_proc_directory_leave(void)
{
	if (lock())
		return;
	if (count_directories() == 0)
		remove_proc_entry("systemtap", NULL);
	unlock();
}

TAP_SMALL_END
