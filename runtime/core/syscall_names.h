/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of system calls as text: values and flags by the names of Linux's headers. */
#ifndef TAP_CORE_SYSCALL_NAMES_H
#define TAP_CORE_SYSCALL_NAMES_H

#include "syscall_tables.def"
#include "syscall_writer.h"

SHARED void put_rest(struct writer *w, uint64_t value, uint32_t form)
{
	if (form == TAP_FORM_ONE10)
		put_decimal(w, (int32_t)value);
	else if (form == TAP_FORM_FLAGS8)
		put_octal(w, value);
	else
		put_hex(w, value);
}

SHARED void put_words(struct writer *w, uint32_t which, uint64_t value)
{
	const struct tap_word_kind *kind;
	bool some = false;
	bool flags;
	uint32_t i;

	if (which >= TAP_WORD_KINDS)
		return;
	kind = &tap_word_kinds[which];
	flags = kind->form == TAP_FORM_FLAGS || kind->form == TAP_FORM_FLAGS8;
	for (i = 0; i < TAP_MOST_WORDS && i < kind->count; i++) {
		const struct tap_word *word = &tap_words[(kind->first + i) % TAP_WORDS];

		if (((uint32_t)value & word->mask) != word->value)
			continue;
		if (some)
			put_char(w, '|');
		put_text(w, tap_names + word->name);
		some = true;
		if (!flags)
			return;
		value &= ~(uint64_t)word->mask;
		if (!value)
			return;
	}
	if (some)
		put_char(w, '|');
	if (value || !some)
		put_rest(w, value, kind->form);
}

#endif
