/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of system calls as text: strings, buffers and structures of the caller. */
#ifndef TAP_CORE_SYSCALL_MEMORY_H
#define TAP_CORE_SYSCALL_MEMORY_H

#include "syscall_writer.h"

/* A word of the caller's. */
TAP_INLINE uint32_t word_size(const struct writer *w)
{
	return w->compat ? 4 : 8;
}

SHARED void put_escaped(struct writer *w, unsigned char byte)
{
	static const char plain[] = "abtnvfr";

	if (byte == '"' || byte == '\\') {
		put_char(w, '\\');
		put_char(w, byte);
	} else if (byte >= 7 && byte <= 13) {
		put_char(w, '\\');
		put_char(w, plain[byte - 7]);
	} else if (byte >= ' ' && byte <= '~') {
		put_char(w, byte);
	} else {
		put_char(w, '\\');
		put_char(w, '0' + (byte >> 6));
		put_char(w, '0' + ((byte >> 3) & 7));
		put_char(w, '0' + (byte & 7));
	}
}

TAP_INLINE uint32_t escaped_length(unsigned char byte)
{
	return byte == '"' || byte == '\\' || (byte >= 7 && byte <= 13) ? 2
	       : byte >= ' ' && byte <= '~'				? 1
									: 4;
}

enum { TAP_CHUNK = 64 };

/*
 * Quoted: `most` bytes of the caller at the most, up to a NUL if `string`. What does not fit `room`
 * characters (quotes included) is left out, which "..." behind the quotes says.
 */
SHARED void put_quoted(struct tap_ctx *c, struct writer *w, uint64_t address, uint64_t most, bool string,
		       uint32_t room)
{
	uint64_t start = w->out.n, done = 0, safe, end;
	char chunk[TAP_CHUNK];

	if (!address) {
		put_text(w, "NULL");
		return;
	}
	if (room < 6)
		room = 6;
	end = start + room - 1; /* of the closing quote */
	put_char(w, '"');
	safe = w->out.n;
	while (done < most && tap_work_take(&c->work)) {
		/* A piece ends where a page may end. */
		uint32_t n = TAP_CHUNK - (uint32_t)((address + done) & (TAP_CHUNK - 1)), i;

		if (n > most - done)
			n = (uint32_t)(most - done);
		if (!tap_read_user(chunk, address + done, n)) {
			w->out.n = start;
			put_hex(w, address);
			return;
		}
		for (i = 0; i < TAP_CHUNK && i < n; i++) {
			if (string && !chunk[i])
				goto whole;
			if (w->out.n + escaped_length((unsigned char)chunk[i]) > end)
				goto cut;
			put_escaped(w, (unsigned char)chunk[i]);
			if (w->out.n + 3 <= end) /* "..." fits behind it */
				safe = w->out.n;
		}
		done += n;
	}
whole:
	put_char(w, '"');
	return;
cut:
	w->out.n = safe;
	put_text(w, "\"...");
}

/* What is left of the buffer for a string. */
SHARED void put_string(struct tap_ctx *c, struct writer *w, uint64_t address)
{
	uint64_t left = w->out.n + 1 < w->out.size ? w->out.size - w->out.n - 1 : 0;

	put_quoted(c, w, address, ~0ull, true, (uint32_t)left);
}

LOCAL void put_buffer(struct tap_ctx *c, struct writer *w, uint64_t address, uint64_t length)
{
	put_quoted(c, w, address, length, false, w->bytes);
}

SHARED void put_xattr(struct writer *w, uint64_t address, uint64_t size)
{
	char bytes[50];
	uint32_t n = size < sizeof(bytes) ? (uint32_t)size : (uint32_t)sizeof(bytes), i;

	if (!address || !n || !tap_read_user(bytes, address, n)) {
		put_hex(w, address);
		return;
	}
	if (n > 1 && !bytes[n - 1] && bytes[n - 2] >= ' ' && bytes[n - 2] <= '~')
		n--;
	put_char(w, '"');
	for (i = 0; i < sizeof(bytes) && i < n; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (byte >= ' ' && byte <= '~') {
			put_char(w, byte);
			continue;
		}
		put_text(w, "\\x");
		put_char(w, "0123456789abcdef"[byte >> 4]);
		put_char(w, "0123456789abcdef"[byte & 15]);
	}
	put_char(w, '"');
}

SHARED void put_argv(struct tap_ctx *c, struct writer *w, uint64_t address)
{
	uint32_t i;

	put_char(w, '[');
	for (i = 0; address && i < 4096 && w->out.n < w->out.size && tap_work_take(&c->work); i++) {
		uint64_t string = 0;

		if (!tap_read_user(&string, address + i * word_size(w), word_size(w))) {
			if (i)
				put_text(w, ", ");
			put_hex(w, address + i * word_size(w));
			break;
		}
		if (!string)
			break;
		if (i)
			put_text(w, ", ");
		put_string(c, w, string);
	}
	put_char(w, ']');
}

/* Words of a structure, and whether it can be read. Of a structure that cannot, or is not there,
 * `put_absent`. */
struct words {
	union {
		uint64_t wide[14];
		uint32_t narrow[28];
		char bytes[112];
	};
};

SHARED bool read_struct(struct writer *w, struct words *to, uint64_t address, uint32_t bytes)
{
	if (address && bytes <= sizeof(*to) && tap_read_user(to->bytes, address, bytes))
		return true;
	if (address)
		put_hex(w, address);
	else
		put_text(w, "NULL");
	return false;
}

/* Word `i` of the caller's size. */
TAP_INLINE int64_t signed_word(const struct words *words, bool narrow, uint32_t i)
{
	return narrow ? (int32_t)words->narrow[i] : (int64_t)words->wide[i];
}
TAP_INLINE uint64_t unsigned_word(const struct words *words, bool narrow, uint32_t i)
{
	return narrow ? words->narrow[i] : words->wide[i];
}

#endif
