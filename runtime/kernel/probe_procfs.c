/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files in /proc/systemtap/<MODULE>. A handler runs in the process that reads or writes, one at a time, with
 * the session's lane as its own (self_lock).
 *
 * Nobody's open file keeps the module: proc_remove() waits for the operations that run, then releases what is
 * open, and from then on the kernel itself answers with EIO. So nothing here may wait for `control`, which
 * the one who removes holds; nor for a reader who will not come, for that wait cannot be interrupted
 * (wait_for_handlers).
 */
#include <linux/proc_fs.h>
#include <linux/uaccess.h>

#include "runtime/kernel/proc_directory.h"
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

static const struct tap_family_use *procfs_use;
static struct proc_dir_entry *module_directory;
static bool closing;

/* What one opener gets of a file: made by its first read, and the same until it closes. */
struct tap_procfs_open {
	const char *path;
	const struct tap_site_procfs *reader;
	struct mutex lock;
	struct tap_text reply;
	bool is_made;
};

static const struct tap_site_procfs *site_at(uint32_t i)
{
	return (const struct tap_site_procfs *)tap_site_at(procfs_use, i);
}

/* Runs a handler. The files are there some time before the session runs: who is early waits. */
static int run(const struct tap_site_procfs *site, struct tap_text *text)
{
	struct tap_session *s = tap_self();
	struct tap_ctx *c = &s->self->gate.ctx;
	int rc = -EIO;

	if (wait_event_killable(s->begun,
				READ_ONCE(tap_session_state) != TAP_STATE_STARTING || READ_ONCE(closing)))
		return -EINTR;
	if (mutex_lock_killable(&s->self_lock))
		return -EINTR;
	if (READ_ONCE(tap_session_state) == TAP_STATE_RUNNING) {
		c->text = text;
		rc = tap_session_run(&site->base) ? 0 : -EIO;
		c->text = NULL;
	}
	mutex_unlock(&s->self_lock);
	tap_session_say_late(false);
	return rc;
}

static int file_open(struct inode *inode, struct file *file)
{
	struct tap_procfs_open *open = kzalloc(sizeof(*open), GFP_KERNEL_ACCOUNT);
	const struct tap_site_procfs *site = pde_data(inode);
	uint32_t i;

	if (!open)
		return -ENOMEM;
	open->path = site->path;
	mutex_init(&open->lock);
	for (i = 0; i < procfs_use->count; i++)
		if (site_at(i)->is_read && !strcmp(site_at(i)->path, open->path))
			open->reader = site_at(i);
	file->private_data = open;
	return 0;
}

static int file_release(struct inode *inode, struct file *file)
{
	struct tap_procfs_open *open = file->private_data;

	kvfree(open->reply.data);
	kfree(open);
	return 0;
}

static int make_reply(struct tap_procfs_open *open)
{
	uint64_t size = open->reader->maxsize;

	if (!open->reply.data) {
		open->reply.size = size ? size : tap_session.program->limits.procfs_bytes;
		open->reply.data = kvmalloc(open->reply.size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!open->reply.data)
			return -ENOMEM;
	}
	open->reply.length = 0;
	return run(open->reader, &open->reply);
}

static ssize_t file_read(struct file *file, char __user *to, size_t count, loff_t *offset)
{
	struct tap_procfs_open *open = file->private_data;
	ssize_t n = 0;

	if (!open->reader)
		return -EIO;
	if (mutex_lock_killable(&open->lock))
		return -EINTR;
	if (!open->is_made) {
		n = make_reply(open);
		open->is_made = !n;
	}
	if (!n)
		n = simple_read_from_buffer(to, count, offset, open->reply.data, open->reply.length);
	mutex_unlock(&open->lock);
	return n;
}

/* As many bytes as a string takes; the rest is for the writer's next try. All the file's handlers see it,
 * also when one of them fails. */
static ssize_t file_write(struct file *file, const char __user *from, size_t count, loff_t *offset)
{
	struct tap_procfs_open *open = file->private_data;
	struct tap_text message = {.size = tap_session.program->limits.string_bytes};
	bool is_known = false;
	uint32_t i;
	int rc = 0, failure = 0;

	count = min_t(size_t, count, message.size - 1);
	message.data = kvmalloc(message.size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!message.data)
		return -ENOMEM;
	if (copy_from_user(message.data, from, count))
		rc = -EFAULT;
	message.data[rc ? 0 : count] = 0;
	message.length = strlen(message.data);
	for (i = 0; i < procfs_use->count && !rc; i++) {
		if (site_at(i)->is_read || strcmp(site_at(i)->path, open->path))
			continue;
		is_known = true;
		failure = run(site_at(i), &message) ?: failure;
	}
	kvfree(message.data);
	rc = rc ?: failure;
	if (rc || !is_known)
		return rc ?: -EIO;
	*offset += count;
	return count;
}

static const struct proc_ops file_operations = {
    .proc_open = file_open,
    .proc_read = file_read,
    .proc_write = file_write,
    .proc_lseek = default_llseek,
    .proc_release = file_release,
};

/* Whether one of the first `count` paths goes on with `end` behind these bytes. */
static bool has_path(uint32_t count, const char *begin, size_t length, char end)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (!strncmp(site_at(i)->path, begin, length) && site_at(i)->path[length] == end)
			return true;
	return false;
}

static void give_to_user(struct proc_dir_entry *entry)
{
	proc_set_user(entry, current_uid(), current_gid());
}

/* The directories on the way to a file, each once. */
static int make_directories(uint32_t site)
{
	const char *path = site_at(site)->path, *slash;
	char *name = kstrdup(path, GFP_KERNEL);
	int rc = name ? 0 : -ENOMEM;

	for (slash = strchr(path, '/'); slash && !rc; slash = strchr(slash + 1, '/')) {
		size_t length = slash - path;
		struct proc_dir_entry *entry;

		if (has_path(site, path, length, '/'))
			continue;
		if (has_path(procfs_use->count, path, length, 0)) {
			rc = -ENOTDIR;
			break;
		}
		name[length] = 0;
		entry = proc_mkdir(name, module_directory);
		name[length] = '/';
		if (!entry)
			rc = -ENOMEM;
		else
			give_to_user(entry);
	}
	kfree(name);
	return rc;
}

static int make_file(uint32_t site)
{
	const char *path = site_at(site)->path;
	struct proc_dir_entry *entry;
	umode_t mode = 0;
	uint32_t i;
	int rc;

	if (has_path(site, path, strlen(path), 0))
		return 0;
	if (has_path(procfs_use->count, path, strlen(path), '/'))
		return -EISDIR;
	rc = make_directories(site);
	if (rc)
		return rc;
	for (i = site; i < procfs_use->count; i++)
		if (!strcmp(site_at(i)->path, path))
			mode |= site_at(i)->mode;
	entry =
	    proc_create_data(path, S_IFREG | mode, module_directory, &file_operations, (void *)site_at(site));
	if (!entry)
		return -ENOMEM;
	give_to_user(entry);
	return 0;
}

/*
 * For the handler that runs; none begins any more, for the session does not run. It may wait for the reader,
 * who asked for the removal and may be killed meanwhile: then nobody will read.
 */
static void wait_for_handlers(void)
{
	struct tap_session *s = tap_self();

	if (!mutex_lock_killable(&s->self_lock)) {
		mutex_unlock(&s->self_lock);
		return;
	}
	WRITE_ONCE(s->abandoned, true);
	wake_up_all(&s->room);
}

static void procfs_remove(const struct tap_family_use *use)
{
	/* They wait for the session to run, which it will not if it could not be placed. */
	WRITE_ONCE(closing, true);
	wake_up_all(&tap_session.begun);
	wait_for_handlers();
	proc_remove(module_directory);
	module_directory = NULL;
}

static int procfs_place(const struct tap_family_use *use, uint32_t *placed)
{
	uint32_t i;
	int rc;

	procfs_use = use;
	rc = tap_proc_directory_make(&module_directory);
	if (rc) {
		tap_session_error_format("cannot make the directory /proc/systemtap/%s (rc %d)",
					 THIS_MODULE->name, rc);
		return rc;
	}
	give_to_user(module_directory);
	for (i = 0; i < use->count; i++) {
		rc = make_file(i);
		if (rc) {
			tap_session_error_format("probe %s registration error (rc %d)",
						 tap_site_at(use, i)->pp, rc);
			procfs_remove(use);
			return rc;
		}
	}
	*placed += use->count;
	return 0;
}

static void procfs_unload(const struct tap_family_use *use)
{
	tap_proc_directory_leave();
}

const struct tap_family tap_family_procfs = {
    .name = "procfs",
    .place = procfs_place,
    .remove = procfs_remove,
    .unload = procfs_unload,
};

TAP_SMALL_END
