/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of system calls as text: one argument of any kind. */
#ifndef TAP_CORE_SYSCALL_ARGUMENT_H
#define TAP_CORE_SYSCALL_ARGUMENT_H

#include "syscall_signals.h"
#include "syscall_sockets.h"
#include "syscall_structures.h"
#include "syscall_times.h"

TAP_INLINE bool makes_file(uint64_t flags)
{
	return (flags & 0100) || (flags & 020200000) == 020200000;
}

SHARED void put_number(struct writer *w, uint32_t kind, uint64_t value, uint64_t other)
{
	switch (kind) {
	case TAP_ARG_INT:
		put_decimal(w, (int32_t)value);
		break;
	case TAP_ARG_UINT:
		put_unsigned(w, (uint32_t)value);
		break;
	case TAP_ARG_LONG:
		put_decimal(w, w->compat ? (int32_t)value : (int64_t)value);
		break;
	case TAP_ARG_ULONG:
		put_unsigned(w, value);
		break;
	case TAP_ARG_SHORT:
		put_decimal(w, (int16_t)value);
		break;
	case TAP_ARG_CREATE_PTR:
	case TAP_ARG_PTR:
		put_hex(w, value);
		break;
	case TAP_ARG_HEX:
		put_hex(w, (uint32_t)value);
		break;
	case TAP_ARG_ALT:
		value = (uint32_t)value;
		/* fall through */
	case TAP_ARG_ALT64:
		if (value)
			put_hex(w, value);
		else
			put_char(w, '0');
		break;
	case TAP_ARG_CREATE_MODE:
	case TAP_ARG_OCT:
		put_octal(w, (uint32_t)value);
		break;
	case TAP_ARG_POSITION:
		put_hex(w, w->compat ? (uint32_t)value | other << 32 : value);
		break;
	case TAP_ARG_LOFF:
		put_decimal(w, (int64_t)(w->compat ? (uint32_t)value | other << 32 : value));
		break;
	case TAP_ARG_DFD:
		if ((int32_t)value == -100)
			put_text(w, "AT_FDCWD");
		else
			put_decimal(w, (int32_t)value);
		break;
	case TAP_ARG_SIGMASK:
		put_signals(w, (uint32_t)value);
		break;
	case TAP_ARG_IOPRIO:
		put_ioprio(w, (uint32_t)value);
		break;
	case TAP_ARG_FUTEX_WAKE_OP:
		put_futex_wake_op(w, (uint32_t)value);
		break;
	case TAP_ARG_SOCKET_PROTOCOL:
		put_words(w, TAP_WORDS_internet_protocol, (uint32_t)value);
		break;
	default:
		break;
	}
}

LOCAL void put_memory(struct tap_ctx *c, struct writer *w, uint32_t kind, uint64_t value, uint64_t other)
{
	switch (kind) {
	case TAP_ARG_PATH:
	case TAP_ARG_STR:
		put_string(c, w, value);
		break;
	case TAP_ARG_BUF:
		put_buffer(c, w, value, other);
		break;
	case TAP_ARG_XATTR:
		put_xattr(w, value, other);
		break;
	case TAP_ARG_ARGV:
		put_argv(c, w, value);
		break;
	case TAP_ARG_TIMESPEC:
		put_times(w, value, 1, 9);
		break;
	case TAP_ARG_TIMESPECS:
		put_times(w, value, 2, 9);
		break;
	case TAP_ARG_TIMEVAL:
		put_times(w, value, 1, 6);
		break;
	case TAP_ARG_TIMEVALS:
		put_times(w, value, 2, 6);
		break;
	case TAP_ARG_ITIMERSPEC:
	case TAP_ARG_ITIMERVAL:
		put_interval(w, value);
		break;
	case TAP_ARG_TIMEZONE:
		put_timezone(w, value);
		break;
	case TAP_ARG_TIMEX:
		put_timex(w, value);
		break;
	case TAP_ARG_UTIMBUF:
		put_utimbuf(w, value);
		break;
	case TAP_ARG_SIGSET:
		put_sigset(w, value);
		break;
	case TAP_ARG_SIGACTION:
		put_sigaction(w, value);
		break;
	case TAP_ARG_OLD_SIGACTION:
		put_old_sigaction(w, value);
		break;
	case TAP_ARG_SIGINFO:
		put_siginfo(w, value);
		break;
	case TAP_ARG_SIGALTSTACK:
		put_sigaltstack(w, value);
		break;
	case TAP_ARG_SOCKADDR:
		put_sockaddr(w, value, (uint32_t)other);
		break;
	case TAP_ARG_RLIMIT:
		put_rlimit(w, value);
		break;
	case TAP_ARG_TMS:
		put_tms(w, value);
		break;
	case TAP_ARG_SYSINFO:
		put_sysinfo(w, value);
		break;
	case TAP_ARG_SCHED_ATTR:
		put_sched_attr(w, value);
		break;
	case TAP_ARG_OPEN_HOW:
		put_open_how(w, value);
		break;
	case TAP_ARG_USER_DESC:
		put_user_desc(w, value);
		break;
	case TAP_ARG_IOVEC:
		put_iovec(w, value);
		break;
	default:
		put_number(w, kind, value, other);
		break;
	}
}

LOCAL void put_value(struct tap_ctx *c, struct writer *w, uint32_t kind, uint64_t value, uint64_t other)
{
	if (kind >= TAP_ARG_WORDS)
		put_words(w, kind - TAP_ARG_WORDS, (uint32_t)value);
	else
		put_memory(c, w, kind, value, other);
}

TAP_INLINE uint32_t finish(struct writer *w)
{
	uint32_t n = w->out.n < w->out.size ? (uint32_t)w->out.n : w->out.size - 1;

	w->out.p[n] = 0;
	return n;
}

#endif
