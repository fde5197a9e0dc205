/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments of system calls as text: where it is written, and numbers. The formats in these files are
 * SystemTap's (its tapset aux_syscalls and sysc_*, observed): "0x0" for a null pointer, "[1.000000500]" for a
 * struct timespec, flags joined by "|".
 */
#ifndef TAP_CORE_SYSCALL_WRITER_H
#define TAP_CORE_SYSCALL_WRITER_H

#include "out.h"
#include "syscall_text.h"

/* Code that many places share, and code that one does. (The kernel has macros of the attributes' plain
 * names.) */
#define SHARED static __attribute__((__noinline__, __unused__))
#define LOCAL  static __attribute__((__unused__))

/* A value being written: `compat` and `time32` say how the caller's structures are laid out. */
struct writer {
	struct tap_out out;
	bool compat, time32;
	uint32_t bytes; /* of a buffer that are shown, quotes and marks included */
};

TAP_INLINE void put_char(struct writer *w, char byte)
{
	if (w->out.n < w->out.size)
		w->out.p[w->out.n] = byte;
	w->out.n++;
}

SHARED void put_text(struct writer *w, const char *text)
{
	uint32_t i;

	for (i = 0; i < 64 && text[i]; i++)
		put_char(w, text[i]);
}

SHARED void put_decimal(struct writer *w, int64_t value)
{
	char digits[24];

	tap_out_bytes(&w->out, digits, tap_decimal(digits, value));
}

SHARED void put_unsigned(struct writer *w, uint64_t value)
{
	char digits[24];

	tap_out_bytes(&w->out, digits, tap_digits_of(digits, value, 10, false));
}

SHARED void put_hex(struct writer *w, uint64_t value)
{
	char digits[24];

	put_text(w, "0x");
	tap_out_bytes(&w->out, digits, tap_digits_of(digits, value, 16, false));
}

SHARED void put_octal(struct writer *w, uint64_t value)
{
	char digits[24];

	put_char(w, '0');
	if (value)
		tap_out_bytes(&w->out, digits, tap_digits_of(digits, value, 8, false));
}

/* Decimal with zeros in front. */
SHARED void put_padded(struct writer *w, uint64_t value, uint32_t width)
{
	char digits[24];
	uint32_t n = tap_digits_of(digits, value, 10, false);

	if (n < width)
		tap_out_fill(&w->out, '0', width - n);
	tap_out_bytes(&w->out, digits, n);
}

SHARED void put_member(struct writer *w, const char *name, uint64_t value)
{
	put_text(w, name);
	put_unsigned(w, value);
}

#endif
