/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What embedded C sees. The emitter defines around each function: STAP_ARG_<name> (an int64_t, or a
 * NUL-terminated char array that is the function's own copy), STAP_RETVALUE (int64_t, or char[MAXSTRINGLEN]),
 * STAP_RETURN as one of the three macros below, STAP_GLOBAL_GET_<name> and STAP_GLOBAL_SET_<name> for the
 * globals of its pragmas, and THIS where it is unmangled. The function's end has the label tap_out. Here `c`
 * is the context, `f` the function's frame, and `tap_where` what a message says of its place.
 */
#ifndef TAP_CORE_EMBEDDED_H
#define TAP_CORE_EMBEDDED_H

#include "platform.h"

/*
 * Members that scripts may rely on: last_error and error_buffer (of at most 256 bytes), kregs (NULL where the
 * event has none), actionremaining, nesting, site->pp. Use STAP_ERROR rather than the first two.
 */
#define CONTEXT c

#define STAP_VERSION(major, minor) (((major) << 8) + (minor))

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
/* A pointer is none, and Clang says so where it stands. */
TAP_INLINE int64_t tap_embedded_number(int64_t value)
{
	return value;
}
/* For our own tapset: the function has written `n` bytes and a NUL into STAP_RETVALUE. */
#define TAP_RETURN_LENGTH(n)                                                                                 \
	do {                                                                                                 \
		tap_length = (n);                                                                            \
		goto tap_out;                                                                                \
	} while (0)
#define TAP_RETURN_VOID(...) goto tap_out

/* Leaves the function; the next overload with as many parameters takes the call. */
#define STAP_NEXT                                                                                            \
	do {                                                                                                 \
		c->next = true;                                                                              \
		goto tap_out;                                                                                \
	} while (0)

#define STAP_ERROR(...)                                                                                      \
	do {                                                                                                 \
		if (!c->error) {                                                                             \
			c->error_length = tap_c_format(c->error_text, sizeof(c->error_text), __VA_ARGS__);   \
			c->error = c->error_text;                                                            \
			c->error_where = tap_where;                                                          \
		}                                                                                            \
		goto tap_out;                                                                                \
	} while (0)

/* At most TAP_C_PRINT - 1 bytes each; the frame of a function that names it has the member `print`. */
enum { TAP_C_PRINT = 1024 };
#define STAP_PRINTF(...)                                                                                     \
	tap_print_text(c, tap_str_make(f->print, tap_c_format(f->print, TAP_C_PRINT, __VA_ARGS__)))

/* The names of old scripts. */
#define _stp_printf(...)   STAP_PRINTF(__VA_ARGS__)
#define _stp_print(text)   STAP_PRINTF("%s", (text))
#define _stp_print_flush() ((void)0)

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

/* At the end of a function that writes CONTEXT->last_error itself: the message needs a length and a place. */
TAP_INLINE void tap_finish_last_error(struct tap_ctx *c, const char *where)
{
	uint32_t n = 0;

	if (!c->error || c->error_length)
		return;
	while (n < sizeof(c->error_text) - 1 && c->error[n])
		n++;
	c->error_length = n;
	c->error_where = where;
}

#include "embedded_memory.h"

#endif
