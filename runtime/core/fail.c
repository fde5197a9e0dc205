/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctx.h"

static void set_failure(struct tap_ctx *c, const char *where, const char *text, uint32_t n)
{
	c->error = text;
	c->error_length = n;
	c->error_where = where;
}

void tap_fail(struct tap_ctx *c, const char *where, const char *text)
{
	if (!c->error)
		set_failure(c, where, text, (uint32_t)__builtin_strlen(text));
}

void tap_fail_str(struct tap_ctx *c, const char *where, struct tap_str text)
{
	struct tap_str copy;

	if (c->error)
		return;
	copy = tap_copy(c->error_text, sizeof(c->error_text), text);
	set_failure(c, where, copy.p, copy.n);
}

static void fail_at_address(struct tap_ctx *c, const char *where, const char access[6], uint64_t address)
{
	static const char fault[] = " fault [man error::fault] at 0x";
	char *p = c->error_text;
	int shift;

	if (c->error)
		return;
	__builtin_memcpy(p, access, 5);
	p += access[4] == ' ' ? 4 : 5;
	__builtin_memcpy(p, fault, sizeof(fault) - 1);
	p += sizeof(fault) - 1;
	for (shift = 60; shift >= 0; shift -= 4)
		*p++ = "0123456789abcdef"[(address >> shift) & 15];
	*p = 0;
	set_failure(c, where, c->error_text, (uint32_t)(p - c->error_text));
}

void tap_fail_fault(struct tap_ctx *c, const char *where, uint64_t address)
{
	fail_at_address(c, where, "read ", address);
}

void tap_fail_store_fault(struct tap_ctx *c, const char *where, uint64_t address)
{
	fail_at_address(c, where, "write", address);
}

void tap_catch(struct tap_ctx *c)
{
	struct tap_str message = tap_str_make(c->error, c->error ? c->error_length : 0);

	tap_copy(c->catch_text, sizeof(c->catch_text), message);
	c->error = NULL;
	c->error_where = NULL;
	c->error_length = 0;
}

struct tap_str tap_catch_message(struct tap_ctx *c)
{
	return tap_str_in(c->catch_text, sizeof(c->catch_text));
}
