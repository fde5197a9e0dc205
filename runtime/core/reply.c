/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a handler makes for the reader of its probe's file. */
#include "platform.h"

static TAP_COLD void fail_size(struct tap_ctx *c, const char *where, uint64_t bytes)
{
	char text[64];

	tap_fail_str(c, where,
		     tap_str_make(text, tap_c_format(text, sizeof(text),
						     "buffer size exceeded, consider .maxsize(%llu)",
						     (unsigned long long)bytes)));
}

void tap_reply_set(struct tap_ctx *c, struct tap_str text, const char *where)
{
	struct tap_text *reply = c->text;

	if (text.n < reply->size) {
		reply->length = 0;
		tap_reply_add(c, text, where);
	} else {
		fail_size(c, where, text.n + 1ull);
	}
}

void tap_reply_add(struct tap_ctx *c, struct tap_str text, const char *where)
{
	struct tap_text *reply = c->text;

	if (text.n >= reply->size - reply->length) {
		fail_size(c, where, reply->length + text.n + 1ull);
		return;
	}
	tap_bytes_move(reply->data + reply->length, text.p, text.n);
	reply->length += text.n;
}
