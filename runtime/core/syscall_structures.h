/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of system calls as text: other structures, and numbers made of several. */
#ifndef TAP_CORE_SYSCALL_STRUCTURES_H
#define TAP_CORE_SYSCALL_STRUCTURES_H

#include "syscall_memory.h"
#include "syscall_names.h"

LOCAL void put_limit(struct writer *w, uint64_t limit)
{
	put_decimal(w, (int64_t)limit);
}

LOCAL void put_rlimit(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, w->compat ? 8 : 16))
		return;
	put_char(w, '[');
	put_limit(w, unsigned_word(&words, w->compat, 0));
	put_char(w, ',');
	put_limit(w, unsigned_word(&words, w->compat, 1));
	put_char(w, ']');
}

LOCAL void put_tms(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 4 * word_size(w)))
		return;
	put_member(w, "{tms_utime=", unsigned_word(&words, w->compat, 0));
	put_member(w, ", tms_stime=", unsigned_word(&words, w->compat, 1));
	put_member(w, ", tms_cutime=", unsigned_word(&words, w->compat, 2));
	put_member(w, ", tms_cstime=", unsigned_word(&words, w->compat, 3));
	put_char(w, '}');
}

SHARED void put_sysinfo(struct writer *w, uint64_t address)
{
	struct words words;
	bool narrow = w->compat;

	if (!read_struct(w, &words, address, narrow ? 64 : 112))
		return;
	put_text(w, "{uptime=");
	put_decimal(w, signed_word(&words, narrow, 0));
	put_member(w, ", loads=[", unsigned_word(&words, narrow, 1));
	put_member(w, ", ", unsigned_word(&words, narrow, 2));
	put_member(w, ", ", unsigned_word(&words, narrow, 3));
	put_member(w, "], totalram=", unsigned_word(&words, narrow, 4));
	put_member(w, ", freeram=", unsigned_word(&words, narrow, 5));
	put_member(w, ", sharedram=", unsigned_word(&words, narrow, 6));
	put_member(w, ", bufferram=", unsigned_word(&words, narrow, 7));
	put_member(w, ", totalswap=", unsigned_word(&words, narrow, 8));
	put_member(w, ", freeswap=", unsigned_word(&words, narrow, 9));
	put_member(w, ", procs=", words.narrow[narrow ? 10 : 20] & 0xffff);
	put_char(w, '}');
}

LOCAL void put_sched_attr(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 48))
		return;
	put_member(w, "{size=", words.narrow[0]);
	put_member(w, ", sched_policy=", words.narrow[1]);
	put_member(w, ", sched_flags=", words.wide[1]);
	put_text(w, ", sched_nice=");
	put_decimal(w, (int32_t)words.narrow[4]);
	put_member(w, ", sched_priority=", words.narrow[5]);
	put_member(w, ", sched_runtime=", words.wide[3]);
	put_member(w, ", sched_deadline=", words.wide[4]);
	put_member(w, ", sched_period=", words.wide[5]);
	put_char(w, '}');
}

LOCAL void put_open_how(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 24))
		return;
	put_text(w, "{flags=");
	put_words(w, TAP_WORDS_open_flags, words.wide[0]);
	put_text(w, ", mode=");
	put_octal(w, words.wide[1]);
	put_text(w, ", resolve=");
	put_hex(w, words.wide[2]);
	put_char(w, '}');
}

LOCAL void put_user_desc(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 16))
		return;
	put_member(w, "{entry_number=", words.narrow[0]);
	put_text(w, ", base_addr=");
	put_hex(w, words.narrow[1]);
	put_member(w, ", limit=", words.narrow[2]);
	put_char(w, '}');
}

LOCAL void put_iovec(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 2 * word_size(w)))
		return;
	put_text(w, "[{");
	put_hex(w, unsigned_word(&words, w->compat, 0));
	put_member(w, ", ", unsigned_word(&words, w->compat, 1));
	put_text(w, "}]");
}

LOCAL void put_ioprio(struct writer *w, uint32_t value)
{
	static const char classes[4][18] = {"IOPRIO_CLASS_NONE", "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE",
					    "IOPRIO_CLASS_IDLE"};

	if (value >> 13 < 4)
		put_text(w, classes[value >> 13]);
	else
		put_hex(w, value >> 13);
	put_char(w, '|');
	put_unsigned(w, value & 0x1fff);
}

LOCAL void put_futex_wake_op(struct writer *w, uint32_t value)
{
	static const char operations[5][14] = {"FUTEX_OP_SET", "FUTEX_OP_ADD", "FUTEX_OP_OR", "FUTEX_OP_ANDN",
					       "FUTEX_OP_XOR"};
	static const char compares[6][16] = {"FUTEX_OP_CMP_EQ", "FUTEX_OP_CMP_NE", "FUTEX_OP_CMP_LT",
					     "FUTEX_OP_CMP_LE", "FUTEX_OP_CMP_GT", "FUTEX_OP_CMP_GE"};
	uint32_t operation = value >> 28 & 7, compare = value >> 24 & 15;

	put_char(w, '{');
	if (value >> 31)
		put_text(w, "FUTEX_OP_OPARG_SHIFT|");
	if (operation < 5)
		put_text(w, operations[operation]);
	else
		put_hex(w, operation);
	put_text(w, ", ");
	put_decimal(w, (int32_t)(value << 8) >> 20);
	put_text(w, ", ");
	if (compare < 6)
		put_text(w, compares[compare]);
	else
		put_hex(w, compare);
	put_text(w, ", ");
	put_decimal(w, (int32_t)(value << 20) >> 20);
	put_char(w, '}');
}

#endif
