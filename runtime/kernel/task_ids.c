/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks by number, and numbers as the session's reader sees them, in its namespaces. Tasks that a script
 * names are read by checked copies: the address may be anything. Apart, so that a session that asks for none
 * of it does without.
 */
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>

#include "runtime/kernel/session.h"

int64_t __kprobes tap_reader_pid(void)
{
	return tap_session.reader_pid;
}

int64_t __kprobes tap_seconds_west(void)
{
	return tap_session.seconds_west;
}

uint32_t __kprobes tap_timezone(char *dst, uint32_t size)
{
	struct tap_str name = tap_str_in(tap_session.timezone, sizeof(tap_session.timezone));

	return size ? tap_copy(dst, size, name).n : 0;
}

/* The table of numbers is read under RCU, which a handler with interrupts off holds anyway. */
uint64_t __kprobes tap_task_find(int64_t pid)
{
	struct task_struct *task;

	if (pid <= 0 || pid > INT_MAX || !tap_rcu_begin())
		return 0;
	task = pid_task(find_pid_ns(pid, &init_pid_ns), PIDTYPE_PID);
	rcu_read_unlock();
	return (uint64_t)(unsigned long)task;
}

/* The reader's task, under RCU. It has the control file open as long as handlers run. */
static struct task_struct *__kprobes reader(void)
{
	return pid_task(find_pid_ns(tap_session.reader_pid, &init_pid_ns), PIDTYPE_PID);
}

bool __kprobes tap_is_readers_user(void)
{
	struct task_struct *task;
	bool same = false;

	if (!tap_rcu_begin())
		return false;
	task = reader();
	if (task)
		same = uid_eq(current_uid(), rcu_dereference(task->cred)->uid);
	rcu_read_unlock();
	return same;
}

#define READ_INTO(to, from) tap_read_kernel(&(to), (uint64_t)(unsigned long)(from), sizeof(to))

/* As pid_nr_ns of a struct pid that may not be one. */
static int64_t __kprobes number_in(uint64_t pid, const struct pid_namespace *ns)
{
	struct pid *from = (struct pid *)(unsigned long)pid;
	struct upid number;
	unsigned int level;

	if (!pid || !ns || !READ_INTO(level, &from->level) || ns->level > level)
		return -1;
	if (!READ_INTO(number, &from->numbers[ns->level]) || number.ns != ns)
		return -1;
	return number.nr;
}

static int64_t __kprobes user_in(const struct task_struct *task, struct user_namespace *ns,
				 enum tap_namespace_id which)
{
	const struct cred *cred;
	kuid_t uid;
	kgid_t gid;

	if (!READ_INTO(cred, &task->cred))
		return -1;
	switch (which) {
	case TAP_NAMESPACE_UID:
		return READ_INTO(uid, &cred->uid) ? from_kuid_munged(ns, uid) : -1;
	case TAP_NAMESPACE_EUID:
		return READ_INTO(uid, &cred->euid) ? from_kuid_munged(ns, uid) : -1;
	case TAP_NAMESPACE_GID:
		return READ_INTO(gid, &cred->gid) ? from_kgid_munged(ns, gid) : -1;
	default:
		return READ_INTO(gid, &cred->egid) ? from_kgid_munged(ns, gid) : -1;
	}
}

static int64_t __kprobes process_in(const struct task_struct *task, const struct pid_namespace *ns,
				    enum tap_namespace_id which)
{
	struct signal_struct *signals;
	uint64_t pid = 0;

	if (which == TAP_NAMESPACE_PPID && !READ_INTO(task, &task->real_parent))
		return -1;
	if (which == TAP_NAMESPACE_TID)
		return READ_INTO(pid, &task->thread_pid) ? number_in(pid, ns) : -1;
	if (!READ_INTO(signals, &task->signal))
		return -1;
	switch (which) {
	case TAP_NAMESPACE_PGRP:
		return READ_INTO(pid, &signals->pids[PIDTYPE_PGID]) ? number_in(pid, ns) : -1;
	case TAP_NAMESPACE_SID:
		return READ_INTO(pid, &signals->pids[PIDTYPE_SID]) ? number_in(pid, ns) : -1;
	default:
		return READ_INTO(pid, &signals->pids[PIDTYPE_TGID]) ? number_in(pid, ns) : -1;
	}
}

int64_t __kprobes tap_namespace_id_of(uint64_t address, enum tap_namespace_id which)
{
	const struct task_struct *task = (const struct task_struct *)(unsigned long)address;
	struct task_struct *by;
	int64_t id = -1;

	if (!tap_rcu_begin())
		return -1;
	by = reader();
	if (by && which >= TAP_NAMESPACE_UID)
		id = user_in(task, rcu_dereference(by->cred)->user_ns, which);
	else if (by)
		id = process_in(task, ns_of_pid(READ_ONCE(by->thread_pid)), which);
	rcu_read_unlock();
	return id;
}

int64_t __kprobes tap_namespace_id(enum tap_namespace_id which)
{
	return tap_namespace_id_of((uint64_t)(unsigned long)current, which);
}
