/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of system calls as text: addresses of sockets. */
#ifndef TAP_CORE_SYSCALL_SOCKETS_H
#define TAP_CORE_SYSCALL_SOCKETS_H

#include "syscall_memory.h"
#include "syscall_names.h"

TAP_INLINE uint32_t big_endian16(const char *p)
{
	return (uint32_t)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

SHARED void put_ip4(struct writer *w, const char *p)
{
	uint32_t i;

	for (i = 0; i < 4; i++) {
		if (i)
			put_char(w, '.');
		put_unsigned(w, (unsigned char)p[i]);
	}
}

SHARED void put_ip6(struct writer *w, const char *p)
{
	char digits[24];
	uint32_t i;

	for (i = 0; i < 8; i++) {
		uint32_t n = tap_digits_of(digits, big_endian16(p + i * 2), 16, false);

		if (i)
			put_char(w, ':');
		tap_out_fill(&w->out, '0', 4 - n);
		tap_out_bytes(&w->out, digits, n);
	}
}

SHARED void put_unix_path(struct writer *w, const char *path, uint32_t n)
{
	uint32_t i = 0;

	put_text(w, "{AF_UNIX, \"");
	if (n && !path[0]) { /* an abstract name */
		put_text(w, "\\000");
		i = 1;
	}
	for (; i < 108 && i < n && path[i]; i++)
		put_char(w, path[i]);
	put_text(w, "\"}");
}

SHARED void put_sockaddr(struct writer *w, uint64_t address, uint64_t length)
{
	struct words words;
	uint32_t n = (uint32_t)length < sizeof(words) ? (uint32_t)length : (uint32_t)sizeof(words), family, i;

	for (i = 0; i < 14; i++)
		words.wide[i] = 0;
	if (!address) {
		put_text(w, "NULL");
		return;
	}
	if (!n || !tap_read_user(words.bytes, address, n)) {
		put_text(w, n ? "{...}" : "{unknown sockaddr with salen=0}");
		return;
	}
	family = (unsigned char)words.bytes[0] | (uint32_t)(unsigned char)words.bytes[1] << 8;
	if (family == 2 && n >= 16) {
		put_text(w, "{AF_INET, ");
		put_ip4(w, words.bytes + 4);
		put_text(w, ", ");
		put_unsigned(w, big_endian16(words.bytes + 2));
		put_char(w, '}');
	} else if (family == 10 && n >= 24) {
		put_text(w, "{AF_INET6, ");
		put_ip6(w, words.bytes + 8);
		put_text(w, ", ");
		put_unsigned(w, big_endian16(words.bytes + 2));
		put_char(w, '}');
	} else if (family == 1 && n >= 2) {
		put_unix_path(w, words.bytes + 2, n - 2);
	} else if (family == 16 && n >= 12) {
		put_text(w, "{AF_NETLINK, pid=");
		put_decimal(w, (int32_t)words.narrow[1]);
		put_text(w, ", groups=");
		put_hex(w, words.narrow[2]);
		put_char(w, '}');
	} else if (n >= 2) {
		put_member(w, "{unknown sockaddr with sa=", family);
		put_member(w, ", salen=", length);
		put_char(w, '}');
	} else {
		put_member(w, "{unknown sockaddr with salen=", length);
		put_char(w, '}');
	}
}

#endif
