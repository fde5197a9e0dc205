/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What embedded C sees. The emitter defines around each function: STAP_ARG_<name> (an int64_t, or a
 * NUL-terminated char array that is the function's own copy), STAP_RETVALUE (int64_t, or char[MAXSTRINGLEN]),
 * and STAP_RETURN as one of the three macros below. The function's end has the label tap_out.
 */
#ifndef TAP_CORE_EMBEDDED_H
#define TAP_CORE_EMBEDDED_H

#include "platform.h"

#define CONTEXT c

#define TAP_RETURN_I64(...)                                                                                  \
	do {                                                                                                 \
		__VA_OPT__(STAP_RETVALUE = (int64_t)(__VA_ARGS__);)                                          \
		goto tap_out;                                                                                \
	} while (0)
#define TAP_RETURN_STR(...)                                                                                  \
	do {                                                                                                 \
		__VA_OPT__(tap_set_string(STAP_RETVALUE, sizeof(STAP_RETVALUE), (__VA_ARGS__));)             \
		goto tap_out;                                                                                \
	} while (0)
/* For our own tapset: the function has written `n` bytes and a NUL into STAP_RETVALUE. */
#define TAP_RETURN_LENGTH(n)                                                                                 \
	do {                                                                                                 \
		tap_length = (n);                                                                            \
		goto tap_out;                                                                                \
	} while (0)
#define TAP_RETURN_VOID(...) goto tap_out

#define STAP_ERROR(...)                                                                                      \
	do {                                                                                                 \
		if (!c->error) {                                                                             \
			c->error_length = tap_c_format(c->error_text, sizeof(c->error_text), __VA_ARGS__);   \
			c->error = c->error_text;                                                            \
			c->error_where = tap_where;                                                          \
		}                                                                                            \
		goto tap_out;                                                                                \
	} while (0)

/* At most 255 bytes each. */
#define STAP_PRINTF(...)                                                                                     \
	do {                                                                                                 \
		char tap_text_[256];                                                                         \
		tap_print_text(                                                                              \
		    c, tap_str_make(tap_text_, tap_c_format(tap_text_, sizeof(tap_text_), __VA_ARGS__)));    \
	} while (0)

/* What the function has left in its slot: `n` bytes, or, when it said no length, up to the first NUL. */
TAP_INLINE struct tap_str tap_result(char *slot, uint32_t size, uint32_t n)
{
	if (n < size)
		return tap_str_make(slot, n);
	slot[size - 1] = 0;
	return tap_str_in(slot, size - 1);
}

TAP_INLINE void tap_set_string(char *slot, uint32_t size, const char *from)
{
	uint32_t n = 0;

	/* The slot's size bounds the walk. */
	for (n = 0; n < size - 1 && from[n]; n++)
		slot[n] = from[n];
	slot[n] = 0;
}

#endif
