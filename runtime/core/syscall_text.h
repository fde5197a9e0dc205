/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments of system calls of x86-64, and of its 32-bit calls, as text. How each call's arguments are
 * written is data (syscall_tables.def, made by tapset/gen_syscalls.py), so that all calls share this code and
 * a script that probes all of them compiles as fast as one that probes one.
 */
#ifndef TAP_CORE_SYSCALL_TEXT_H
#define TAP_CORE_SYSCALL_TEXT_H

#include "platform.h"

enum { TAP_SYSCALL_ARGUMENTS = 6 };

/* A system call as it was made. Numbers and arguments of a 32-bit call are those of i386. */
struct tap_syscall {
	int64_t number;
	bool compat;
	uint64_t args[TAP_SYSCALL_ARGUMENTS];
};

/* How an argument is written. gen_syscalls.py reads the names: kind `int` of syscalls.table is TAP_ARG_INT.
 */
enum tap_argument_kind {
	TAP_ARG_NONE, /* not at all */
	TAP_ARG_INT,  /* 32 bits, decimal */
	TAP_ARG_UINT,
	TAP_ARG_LONG, /* of the caller's word size, decimal */
	TAP_ARG_ULONG,
	TAP_ARG_SHORT, /* 16 bits, signed */
	TAP_ARG_PTR,   /* hexadecimal with 0x, also 0 */
	TAP_ARG_HEX,   /* the same, of 32 bits */
	TAP_ARG_ALT,   /* as %#x: 0 has no prefix; 32 bits */
	TAP_ARG_ALT64,
	TAP_ARG_OCT,	  /* as %#o, 32 bits */
	TAP_ARG_POSITION, /* hexadecimal; a 32-bit caller gives its halves as two arguments, low half first */
	TAP_ARG_LOFF,	  /* likewise, decimal */
	TAP_ARG_DFD,	  /* a descriptor, or AT_FDCWD */
	TAP_ARG_PATH,	  /* a quoted string */
	TAP_ARG_STR,
	TAP_ARG_BUF,	     /* quoted bytes, as many as the next argument says */
	TAP_ARG_XATTR,	     /* an attribute's value, likewise */
	TAP_ARG_ARGV,	     /* [STRING, STRING] */
	TAP_ARG_CREATE_MODE, /* in octal, if the argument before it holds O_CREAT or O_TMPFILE */
	TAP_ARG_CREATE_PTR,  /* likewise, by the one before that */
	TAP_ARG_TIMESPEC,
	TAP_ARG_TIMESPECS, /* two of them */
	TAP_ARG_TIMEVAL,
	TAP_ARG_TIMEVALS,
	TAP_ARG_ITIMERSPEC,
	TAP_ARG_ITIMERVAL,
	TAP_ARG_TIMEZONE,
	TAP_ARG_TIMEX,
	TAP_ARG_UTIMBUF,
	TAP_ARG_SIGSET,
	TAP_ARG_SIGMASK, /* 32 bits by value */
	TAP_ARG_SIGACTION,
	TAP_ARG_OLD_SIGACTION, /* that of i386's sigaction(2) */
	TAP_ARG_SIGINFO,
	TAP_ARG_SIGALTSTACK,
	TAP_ARG_SOCKADDR, /* as long as the next argument says */
	TAP_ARG_SOCKET_PROTOCOL,
	TAP_ARG_RLIMIT,
	TAP_ARG_TMS,
	TAP_ARG_SYSINFO,
	TAP_ARG_SCHED_ATTR,
	TAP_ARG_OPEN_HOW,
	TAP_ARG_USER_DESC,
	TAP_ARG_IOPRIO,
	TAP_ARG_IOVEC,
	TAP_ARG_FUTEX_WAKE_OP,
	TAP_ARG_WORDS /* from here on by the names of Linux's headers */
};

/*
 * All of these write at most size - 1 bytes and a NUL at `dst`, and give the length. `c` is the handler's
 * context; memory of the caller that cannot be read shows as its address.
 */
/* All arguments, "3, 0x7f..., 5"; "" for an unknown call. `bytes` is how much of a buffer is shown. */
uint32_t tap_syscall_arguments(struct tap_ctx *c, char *dst, uint32_t size, const struct tap_syscall *call,
			       int64_t bytes);
/* The call's name as SystemTap's aliases say it, or as the kernel does; "" for an unknown one. */
uint32_t tap_syscall_name(char *dst, uint32_t size, int64_t number, bool compat, bool real);
/* The number of x86-64's call by the kernel's name, in a buffer of `size` bytes; -1 for an unknown one. */
int64_t tap_syscall_number(const char *name, uint32_t size);
/* Its row in the table, by which an event tells calls apart; 0 for an unknown one. */
uint32_t tap_syscall_row(int64_t number, bool compat);
/* `length` bytes of the caller, quoted; at most `bytes` characters. */
uint32_t tap_syscall_buffer(struct tap_ctx *c, char *dst, uint32_t size, int64_t address, int64_t length,
			    int64_t bytes);
/* One value. `other` is the value of the argument behind it (before it for CREATE_MODE and SOCKET_PROTOCOL).
 */
uint32_t tap_syscall_value(struct tap_ctx *c, char *dst, uint32_t size, int64_t kind, int64_t value,
			   int64_t other, bool compat);

/* The platform's: the call that the current task is in. */
void tap_syscall_current(struct tap_syscall *call);
/*
 * i386's socketcall and ipc stand for many calls, told apart by their first argument. Here each of these has
 * a number of its own, behind all others (TAP_SOCKETCALL and TAP_IPC plus the first argument), and its own
 * arguments; a call whose arguments cannot be read stays as it is.
 */
enum { TAP_SOCKETCALL = 512, TAP_IPC = 544 };
void tap_syscall_unpack(struct tap_syscall *call);

TAP_INLINE struct tap_syscall tap_current_syscall(void)
{
	struct tap_syscall call;

	tap_syscall_current(&call);
	if (call.compat)
		tap_syscall_unpack(&call);
	return call;
}

#endif
