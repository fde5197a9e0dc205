/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of system calls as text: signals. */
#ifndef TAP_CORE_SYSCALL_SIGNALS_H
#define TAP_CORE_SYSCALL_SIGNALS_H

#include "syscall_memory.h"
#include "syscall_names.h"

/* Signal `number` if it is in the set whose text began at `start`. */
SHARED void put_signal(struct writer *w, uint64_t set, uint32_t number, uint64_t start)
{
	if (!(set >> (number - 1) & 1))
		return;
	put_char(w, w->out.n > start ? '|' : '[');
	put_words(w, TAP_WORDS_signal, number);
}

SHARED void put_signals(struct writer *w, uint64_t set)
{
	uint64_t start = w->out.n;
	uint32_t i;

	for (i = 1; i < 32; i++)
		put_signal(w, set, i, start);
	put_text(w, w->out.n > start ? "]" : "[EMPTY]");
}

LOCAL void put_sigset(struct writer *w, uint64_t address)
{
	struct words words;

	if (read_struct(w, &words, address, 8))
		put_signals(w, words.wide[0]);
}

/* The kernel's struct sigaction: handler, flags, restorer, mask. */
SHARED void put_sigaction(struct writer *w, uint64_t address)
{
	struct words words;
	uint64_t handler;

	if (read_struct(w, &words, address, w->compat ? 20 : 32)) {
		handler = unsigned_word(&words, w->compat, 0);
		if (handler <= 1)
			put_words(w, TAP_WORDS_signal_handler, handler);
		else
			put_hex(w, handler);
		if (handler > 1) {
			put_text(w, ", ");
			put_words(w, TAP_WORDS_sigaction_flags, unsigned_word(&words, w->compat, 1));
			put_text(w, ", ");
			put_hex(w, unsigned_word(&words, w->compat, 2));
			put_text(w, ", ");
			put_signals(w, w->compat ? words.narrow[3] | (uint64_t)words.narrow[4] << 32
						 : words.wide[3]);
		}
	}
}

/* i386's struct old_sigaction: handler, mask, flags, restorer. */
SHARED void put_old_sigaction(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 16))
		return;
	if (words.narrow[0] <= 1) {
		put_words(w, TAP_WORDS_signal_handler, words.narrow[0]);
		return;
	}
	put_hex(w, words.narrow[0]);
	put_text(w, ", ");
	put_words(w, TAP_WORDS_sigaction_flags, words.narrow[2]);
	put_text(w, ", ");
	put_hex(w, words.narrow[3]);
	put_text(w, ", ");
	put_signals(w, words.narrow[1]);
}

SHARED void put_siginfo(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 32))
		return;
	put_text(w, "{si_signo=");
	put_words(w, TAP_WORDS_signal, words.narrow[0]);
	put_text(w, ", si_code=");
	put_words(w, TAP_WORDS_siginfo_code, words.narrow[2]);
	put_text(w, ", si_pid=");
	put_decimal(w, (int32_t)words.narrow[w->compat ? 3 : 4]);
	put_text(w, ", si_uid=");
	put_decimal(w, (int32_t)words.narrow[w->compat ? 4 : 5]);
	put_char(w, '}');
}

SHARED void put_sigaltstack(struct writer *w, uint64_t address)
{
	struct words words;

	if (!address) {
		put_hex(w, 0);
		return;
	}
	if (!read_struct(w, &words, address, w->compat ? 12 : 24))
		return;
	put_text(w, "{ss_sp=");
	put_hex(w, unsigned_word(&words, w->compat, 0));
	put_text(w, ", ss_flags=");
	put_words(w, TAP_WORDS_sigaltstack_flags, words.narrow[w->compat ? 1 : 2]);
	put_member(w, ", ss_size=", unsigned_word(&words, w->compat, 2));
	put_char(w, '}');
}

#endif
