// SPDX-License-Identifier: GPL-2.0-or-later
// Makes system calls with arguments that are known and do no harm: most fail. tests/tapset/argstr compares
// what stap and strace say of them. Nothing but calls that both name stands between the two closes of MARK.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Never mapped: both print it as a number.
#define BAD	((void *)0x1000)
#define NOWHERE "/nonexistent/a\"b\n\001c"
#define MARK	(-4242)

#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

static struct timespec invalid_time = {3, -1};
static struct timespec two_times[2] = {{5, 6}, {0, UTIME_OMIT}};
static struct timeval two_values[2] = {{7, 8}, {9, 10}};
static struct itimerval interval = {{1, 2}, {3, 2000000}};
static struct itimerspec timer = {{1, 2}, {3, 2000000000}};
static struct rlimit limit = {3, 2};
static struct sockaddr_in internet;
static struct sockaddr_un local = {AF_UNIX, "/nonexistent/socket"};

static void files(void)
{
	CALL(read, -1, BAD, 10);
	CALL(write, -1, "hello\n", 6);
	CALL(write, -1, "a\"b\\c\t\001\377", 8);
	CALL(write, -1, BAD, 3);
	CALL(open, NOWHERE, O_RDONLY | O_CLOEXEC);
	CALL(open, NOWHERE, O_RDWR | O_CREAT | O_EXCL | O_TRUNC, 0640);
	CALL(open, BAD, O_WRONLY | O_APPEND | O_NONBLOCK);
	CALL(open, NULL, O_PATH | O_NOFOLLOW | O_DIRECTORY);
	CALL(openat, AT_FDCWD, NOWHERE, O_WRONLY | O_CREAT | O_SYNC, 0600);
	CALL(openat, 7, "b", O_RDONLY);
	CALL(creat, NOWHERE, 0644);
	CALL(close, -1);
	CALL(stat, NOWHERE, BAD);
	CALL(lstat, NOWHERE, BAD);
	CALL(fstat, -1, BAD);
	CALL(newfstatat, AT_FDCWD, NOWHERE, BAD, AT_SYMLINK_NOFOLLOW);
	CALL(statx, AT_FDCWD, NOWHERE, AT_EMPTY_PATH, 0x7ff, BAD);
	CALL(poll, BAD, 1, 0);
	CALL(lseek, -1, 100, SEEK_SET);
	CALL(lseek, -1, -5L, SEEK_END);
	CALL(pread64, -1, BAD, 10, 77);
	CALL(pwrite64, -1, "xyz", 3, 88);
	CALL(readv, -1, BAD, 2);
	CALL(writev, -1, BAD, 3);
	CALL(access, NOWHERE, R_OK | W_OK);
	CALL(access, NOWHERE, F_OK);
	CALL(faccessat, AT_FDCWD, NOWHERE, X_OK);
	CALL(faccessat2, AT_FDCWD, NOWHERE, R_OK, AT_EACCESS);
	CALL(pipe, BAD);
	CALL(pipe2, BAD, O_CLOEXEC | O_NONBLOCK);
	CALL(dup, -1);
	CALL(dup2, -1, 5);
	CALL(dup3, -1, 5, O_CLOEXEC);
	CALL(fcntl, -1, F_SETFD, 1);
	CALL(flock, -1, LOCK_EX | LOCK_NB);
	CALL(fsync, -1);
	CALL(fdatasync, -1);
	CALL(syncfs, -1);
	CALL(truncate, NOWHERE, 4096);
	CALL(ftruncate, -1, 8192);
	CALL(getdents, -1, BAD, 100);
	CALL(getdents64, -1, BAD, 100);
	CALL(getcwd, BAD, 1);
	CALL(chdir, NOWHERE);
	CALL(fchdir, -1);
	CALL(rename, NOWHERE, "/nonexistent/b");
	CALL(renameat, AT_FDCWD, NOWHERE, 9, "b");
	CALL(renameat2, AT_FDCWD, NOWHERE, AT_FDCWD, "/nonexistent/b", 1);
	CALL(mkdir, NOWHERE, 0755);
	CALL(mkdirat, AT_FDCWD, NOWHERE, 0700);
	CALL(rmdir, NOWHERE);
	CALL(link, NOWHERE, "/nonexistent/b");
	CALL(linkat, AT_FDCWD, NOWHERE, AT_FDCWD, "/nonexistent/b", AT_SYMLINK_FOLLOW);
	CALL(unlink, NOWHERE);
	CALL(unlinkat, AT_FDCWD, NOWHERE, AT_REMOVEDIR);
	CALL(symlink, "target", NOWHERE);
	CALL(symlinkat, "target", AT_FDCWD, NOWHERE);
	CALL(readlink, NOWHERE, BAD, 100);
	CALL(readlinkat, AT_FDCWD, NOWHERE, BAD, 100);
	CALL(chmod, NOWHERE, 0644);
	CALL(fchmod, -1, 0600);
	CALL(fchmodat, AT_FDCWD, NOWHERE, 0600);
	CALL(chown, NOWHERE, 1, 2);
	CALL(fchown, -1, 1, -1);
	CALL(lchown, NOWHERE, -1, 2);
	CALL(fchownat, AT_FDCWD, NOWHERE, 3, 4, AT_SYMLINK_NOFOLLOW);
	CALL(umask, 022);
	CALL(mknod, NOWHERE, S_IFIFO | 0600, 0);
	CALL(mknodat, AT_FDCWD, NOWHERE, S_IFREG | 0600, 0);
	CALL(statfs, NOWHERE, BAD);
	CALL(fstatfs, -1, BAD);
	CALL(utime, NOWHERE, NULL);
	CALL(utimes, NOWHERE, two_values);
	CALL(futimesat, AT_FDCWD, NOWHERE, two_values);
	CALL(utimensat, AT_FDCWD, NOWHERE, two_times, AT_SYMLINK_NOFOLLOW);
	CALL(sendfile, -1, -1, BAD, 100);
	CALL(splice, -1, NULL, -1, NULL, 100, 1);
	CALL(tee, -1, -1, 100, 2);
	CALL(vmsplice, -1, BAD, 1, 8);
	CALL(sync_file_range, -1, 10, 20, 2);
	CALL(fallocate, -1, 1, 100, 200);
	CALL(fadvise64, -1, 0, 100, 3);
	CALL(readahead, -1, 100, 200);
	CALL(copy_file_range, -1, NULL, -1, NULL, 100, 0);
	CALL(preadv, -1, BAD, 1, 100, 0);
	CALL(pwritev, -1, BAD, 1, 100, 0);
	CALL(name_to_handle_at, AT_FDCWD, NOWHERE, BAD, BAD, AT_EMPTY_PATH);
	CALL(open_by_handle_at, -1, BAD, O_RDONLY);
	CALL(memfd_create, BAD, 1);
	CALL(close_range, 9, 3, 4);
	CALL(openat2, AT_FDCWD, NOWHERE, BAD, 24);
}

static void attributes(void)
{
	CALL(setxattr, NOWHERE, "user.x", "value", 5, 1);
	CALL(lsetxattr, NOWHERE, "user.x", "value", 5, 2);
	CALL(fsetxattr, -1, "user.x", "value", 5, 0);
	CALL(getxattr, NOWHERE, "user.x", BAD, 10);
	CALL(lgetxattr, NOWHERE, "user.x", BAD, 10);
	CALL(fgetxattr, -1, "user.x", BAD, 10);
	CALL(listxattr, NOWHERE, BAD, 10);
	CALL(llistxattr, NOWHERE, BAD, 10);
	CALL(flistxattr, -1, BAD, 10);
	CALL(removexattr, NOWHERE, "user.x");
	CALL(lremovexattr, NOWHERE, "user.x");
	CALL(fremovexattr, -1, "user.x");
}

static void memory(void)
{
	CALL(mmap, NULL, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CALL(mmap, NULL, 4096, PROT_NONE, MAP_SHARED | MAP_NORESERVE, -1, 0);
	CALL(mprotect, 1, 4096, PROT_READ | PROT_EXEC);
	CALL(munmap, 1, 4096);
	CALL(mremap, 1, 4096, 8192, MREMAP_MAYMOVE, 0);
	CALL(msync, 1, 4096, MS_SYNC);
	CALL(madvise, 1, 4096, MADV_DONTNEED);
	CALL(mincore, 1, 4096, BAD);
	CALL(mlock, BAD, 1);
	CALL(mlock2, BAD, 1, 1);
	CALL(munlock, BAD, 1);
	CALL(mlockall, 64);
	CALL(munlockall);
	CALL(remap_file_pages, 1, 4096, 0, 0, 0);
	CALL(mbind, 1, 4096, 2, NULL, 0, 0);
	CALL(set_mempolicy, 99, NULL, 0);
	CALL(get_mempolicy, BAD, BAD, 0, 0, 16);
	CALL(move_pages, 99999999, 0, NULL, NULL, NULL, 2);
	CALL(migrate_pages, 99999999, 0, NULL, NULL);
	CALL(pkey_alloc, 1, 2);
	CALL(pkey_free, 99);
	CALL(pkey_mprotect, 1, 4096, PROT_READ, 99);
	CALL(process_vm_readv, 99999999, BAD, 0, BAD, 0, 0);
	CALL(process_vm_writev, 99999999, BAD, 0, BAD, 0, 0);
	CALL(membarrier, 0, 5, 0);
}

static void signals(void)
{
	CALL(rt_sigaction, SIGUSR1, NULL, BAD, 8);
	CALL(rt_sigaction, 99, BAD, NULL, 8);
	CALL(rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8);
	CALL(rt_sigprocmask, SIG_SETMASK, NULL, BAD, 8);
	CALL(rt_sigpending, BAD, 8);
	CALL(rt_sigtimedwait, BAD, NULL, &(struct timespec){1, 500}, 8);
	CALL(rt_sigqueueinfo, 99999999, SIGUSR1, BAD);
	CALL(rt_tgsigqueueinfo, 99999999, 99999999, SIGUSR2, BAD);
	CALL(rt_sigsuspend, BAD, 8);
	CALL(sigaltstack, NULL, BAD);
	CALL(kill, 99999999, SIGTERM);
	CALL(kill, 99999999, 0);
	CALL(tkill, 99999999, SIGCHLD);
	CALL(tgkill, 99999999, 99999999, SIGSTOP);
	CALL(signalfd, 99, BAD, 8);
	CALL(signalfd4, 99, BAD, 8, O_CLOEXEC);
	CALL(pidfd_open, 99999999, 0);
	CALL(pidfd_send_signal, -1, SIGKILL, NULL, 0);
	CALL(pidfd_getfd, -1, 3, 0);
}

static void times(void)
{
	CALL(nanosleep, &invalid_time, BAD);
	CALL(nanosleep, BAD, NULL);
	CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){1, 500}, NULL);
	CALL(clock_gettime, CLOCK_REALTIME, BAD);
	CALL(clock_settime, 99, &(struct timespec){1, 500});
	CALL(clock_getres, CLOCK_BOOTTIME, BAD);
	CALL(clock_adjtime, 99, BAD);
	CALL(adjtimex, BAD);
	CALL(gettimeofday, BAD, NULL);
	CALL(settimeofday, &(struct timeval){1, 2000000}, NULL);
	CALL(time, BAD);
	CALL(times, BAD);
	CALL(alarm, 0);
	CALL(getitimer, ITIMER_REAL, BAD);
	CALL(setitimer, ITIMER_VIRTUAL, &interval, NULL);
	CALL(timer_create, CLOCK_MONOTONIC, BAD, BAD);
	CALL(timer_settime, 999, 1, &timer, NULL);
	CALL(timer_gettime, 999, BAD);
	CALL(timer_getoverrun, 999);
	CALL(timer_delete, 999);
	CALL(timerfd_create, 99, O_CLOEXEC);
	CALL(timerfd_settime, -1, 1, &timer, BAD);
	CALL(timerfd_gettime, -1, BAD);
	CALL(select, 0, NULL, NULL, NULL, &(struct timeval){0, 5});
	CALL(select, -1, NULL, NULL, NULL, &(struct timeval){2, 250000});
	CALL(pselect6, -1, NULL, NULL, NULL, &(struct timespec){1, 500}, NULL);
	CALL(ppoll, BAD, 1, &(struct timespec){1, 500}, NULL, 8);
}

static void sockets(void)
{
	internet.sin_family = AF_INET;
	internet.sin_port = htons(80);
	internet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CALL(socket, AF_UNIX, 99, 0);
	CALL(socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 99);
	CALL(socketpair, AF_INET, SOCK_STREAM, IPPROTO_TCP, BAD);
	CALL(bind, -1, &local, sizeof(local));
	CALL(connect, -1, &internet, sizeof(internet));
	CALL(listen, -1, 5);
	CALL(accept, -1, NULL, NULL);
	CALL(accept4, -1, NULL, NULL, SOCK_NONBLOCK);
	CALL(sendto, -1, "data", 4, MSG_DONTWAIT, &internet, sizeof(internet));
	CALL(recvfrom, -1, BAD, 10, MSG_PEEK, NULL, NULL);
	CALL(sendmsg, -1, BAD, MSG_NOSIGNAL);
	CALL(recvmsg, -1, BAD, MSG_TRUNC);
	CALL(sendmmsg, -1, BAD, 1, MSG_MORE);
	CALL(recvmmsg, -1, BAD, 1, MSG_WAITALL, NULL);
	CALL(shutdown, -1, SHUT_RDWR);
	CALL(getsockname, -1, BAD, BAD);
	CALL(getpeername, -1, BAD, BAD);
	CALL(setsockopt, -1, SOL_SOCKET, SO_REUSEADDR, BAD, 4);
	CALL(getsockopt, -1, SOL_SOCKET, SO_ERROR, BAD, BAD);
	CALL(epoll_create, 0);
	CALL(epoll_create1, 1);
	CALL(epoll_ctl, -1, EPOLL_CTL_DEL, 5, BAD);
	CALL(epoll_wait, -1, BAD, 10, 0);
	CALL(epoll_pwait, -1, BAD, 10, 0, NULL, 8);
	CALL(eventfd2, 1, 0x100);
	CALL(inotify_init1, 1);
	CALL(inotify_add_watch, -1, NOWHERE, 6);
	CALL(inotify_rm_watch, -1, 3);
	CALL(fanotify_init, 0x80000, O_RDONLY);
	CALL(fanotify_mark, -1, 1, 2, AT_FDCWD, NOWHERE);
}

static void processes(void)
{
	CALL(getpid);
	CALL(getppid);
	CALL(gettid);
	CALL(getuid);
	CALL(geteuid);
	CALL(getgid);
	CALL(getegid);
	CALL(getpgrp);
	CALL(getpgid, 99999999);
	CALL(getsid, 99999999);
	CALL(setpgid, 99999999, 5);
	CALL(getgroups, -1, BAD);
	CALL(setgroups, -1, BAD);
	CALL(getresuid, BAD, BAD, BAD);
	CALL(getresgid, BAD, BAD, BAD);
	CALL(setuid, -1);
	CALL(setgid, -1);
	CALL(setreuid, -1, -1);
	CALL(setregid, -1, -1);
	CALL(setresuid, -1, -1, -1);
	CALL(setresgid, -1, -1, -1);
	CALL(setfsuid, -1);
	CALL(setfsgid, -1);
	CALL(getpriority, PRIO_PROCESS, 99999999);
	CALL(setpriority, PRIO_PGRP, 99999999, 5);
	CALL(getrlimit, RLIMIT_NOFILE, BAD);
	CALL(setrlimit, RLIMIT_CORE, &limit);
	CALL(prlimit64, 99999999, RLIMIT_STACK, NULL, NULL);
	CALL(getrusage, RUSAGE_SELF, BAD);
	CALL(sysinfo, BAD);
	CALL(uname, BAD);
	CALL(wait4, -1, BAD, WNOHANG | WUNTRACED, NULL);
	CALL(waitid, P_PID, 99999999, NULL, WNOHANG | WEXITED, NULL);
	CALL(execve, BAD, NULL, NULL);
	CALL(execve, NOWHERE, ((char *[]){"one", "two", NULL}), NULL);
	CALL(execveat, AT_FDCWD, NOWHERE, NULL, NULL, AT_EMPTY_PATH);
	CALL(unshare, 1);
	CALL(setns, -1, CLONE_NEWNET);
	CALL(sched_yield);
	CALL(sched_getscheduler, 99999999);
	CALL(sched_setscheduler, 99999999, SCHED_FIFO, BAD);
	CALL(sched_getparam, 99999999, BAD);
	CALL(sched_setparam, 99999999, BAD);
	CALL(sched_get_priority_max, SCHED_RR);
	CALL(sched_get_priority_min, SCHED_BATCH);
	CALL(sched_rr_get_interval, 99999999, BAD);
	CALL(sched_getaffinity, 99999999, 8, BAD);
	CALL(sched_setaffinity, 99999999, 8, BAD);
	CALL(sched_setattr, 99999999, BAD, 0);
	CALL(prctl, 3, 0, 0, 0, 0);
	CALL(ptrace, PTRACE_ATTACH, 99999999, 0, 0);
	CALL(personality, 0xffffffff);
	CALL(capget, BAD, BAD);
	CALL(capset, BAD, BAD);
	CALL(getcpu, BAD, NULL, NULL);
	CALL(set_robust_list, BAD, 1);
	CALL(get_robust_list, 99999999, BAD, BAD);
	CALL(futex, BAD, FUTEX_WAKE, 1);
	CALL(futex, BAD, FUTEX_WAIT_PRIVATE, 7, &(struct timespec){1, 500});
	CALL(getrandom, BAD, 5, 1);
	CALL(kcmp, 99999999, 99999999, 0, 1, 2);
	CALL(ioprio_get, 1, 99999999);
	CALL(ioprio_set, 1, 99999999, 0x4003);
	CALL(seccomp, 99, 0, NULL);
	CALL(rseq, BAD, 1, 0, 0);
}

static void system_wide(void)
{
	CALL(acct, NOWHERE);
	CALL(chroot, NOWHERE);
	CALL(pivot_root, NOWHERE, "/nonexistent/b");
	CALL(mount, "source", NOWHERE, "none", 0x1001, NULL);
	CALL(umount2, NOWHERE, 2);
	CALL(swapon, NOWHERE, 0);
	CALL(swapoff, NOWHERE);
	CALL(sethostname, "x", -1);
	CALL(setdomainname, "x", -1);
	CALL(reboot, 1, 2, 3, NULL);
	CALL(iopl, 5);
	CALL(ioperm, 70000, 5, 1);
	CALL(init_module, BAD, 1, "");
	CALL(finit_module, -1, "x=1", 1);
	CALL(delete_module, "nonexistent", O_NONBLOCK);
	CALL(quotactl, -1, NULL, 0, NULL);
	CALL(syslog, 99, BAD, 0);
	CALL(add_key, BAD, BAD, BAD, 0, -1);
	CALL(request_key, BAD, BAD, BAD, -1);
	CALL(perf_event_open, BAD, -1, -1, -1, 8);
	CALL(bpf, 999, BAD, 0);
	CALL(userfaultfd, 64);
	CALL(io_setup, 0, BAD);
	CALL(io_destroy, 99);
	CALL(io_submit, 99, 0, NULL);
	CALL(io_cancel, 99, NULL, NULL);
	CALL(mq_unlink, "nonexistent");
	CALL(mq_open, "nonexistent", O_RDWR);
	CALL(mq_notify, -1, BAD);
	CALL(mq_getsetattr, -1, NULL, BAD);
	CALL(shmget, 77, 4096, 0);
	CALL(shmat, -1, NULL, 010000);
	CALL(shmdt, BAD);
	CALL(shmctl, -1, 2, BAD);
	CALL(semget, 77, -1, 01000);
	CALL(semop, -1, BAD, 1);
	CALL(semtimedop, -1, BAD, 1, NULL);
	CALL(semctl, -1, 0, 12, 0);
	CALL(msgget, 77, 0);
	CALL(msgsnd, -1, BAD, 4, 04000);
	CALL(msgrcv, -1, BAD, 4, 5, 04000);
	CALL(msgctl, -1, 0, BAD);
	CALL(ustat, 0, BAD);
	CALL(io_uring_enter, -1, 1, 2, 1, NULL, 0);
	CALL(landlock_restrict_self, -1, 0);
	CALL(fsopen, "nonexistent", 0);
	CALL(fspick, -1, "x", 2);
	CALL(move_mount, -1, "a", -1, "b", 0);
	CALL(open_tree, -1, "a", 0);
}

int main(void)
{
	CALL(close, MARK);
	files();
	attributes();
	memory();
	signals();
	times();
	sockets();
	processes();
	system_wide();
	CALL(close, MARK);
	return 0;
}
