/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The context of a handler run, and failure. */
#ifndef TAP_CORE_CTX_H
#define TAP_CORE_CTX_H

#include "str.h"

struct pt_regs;
struct tap_lock_set;
struct tap_probe;
struct tap_program;

/* Process: a process asks for the handler; it may sleep where it holds no lock. */
enum tap_kind { TAP_SESSION = 0, TAP_EVENT = 1, TAP_PROCESS = 2 };

/* Text that a handler is given, or makes. */
struct tap_text {
	char *data;
	uint32_t size;	 /* of the buffer */
	uint32_t length; /* of the text, which NUL ends */
};

/*
 * A budget of loop turns. Loops of the runtime whose number of turns is not a constant take one per turn;
 * `left` is volatile so that the verifier finds the decrement after optimisation. It is set before each
 * handler, far above what a handler within MAXACTION can use; a loop that runs out of it has met a damaged
 * structure.
 */
struct tap_work {
	volatile int64_t left;
};

enum { TAP_WORK_TURNS = 1 << 26 };

TAP_INLINE bool tap_work_take(struct tap_work *work)
{
	int64_t left = work->left - 1;

	work->left = left;
	return left > 0;
}

/* The place of one probe point; the first member, `base`, of each struct tap_site_<family>. */
struct tap_site {
	struct tap_probe *probe;
	const char *pp, *function;
	uint32_t pp_len, function_len;
	bool disarmed;	    /* the platform has taken it away, because probe->unwanted */
	int64_t numbers[2]; /* where the sites of one handler differ */
};

/*
 * The output of the handler run, while it is made: [start, at) is written, [at, end) is free. The platform
 * fills it; `start` is NULL until the first record. A lost unit swallows its records and is counted when the
 * handler ends.
 */
struct tap_unit {
	uint8_t *start, *at, *end;
	uint64_t seq;
	uint64_t position;
	void *ring;
	bool lost;
};

struct tap_ctx {
	union {
		const char *error; /* NULL, or what failed */
		const char *
		    last_error; /* so in scripts' embedded C, as `error_buffer`, `kregs`, `actionremaining` */
	};
	const char *error_where; /* "operator '/' at file:line:column" */
	union {
		volatile int64_t actions;
		volatile int64_t actionremaining;
	};
	struct tap_work work;
	const struct tap_site *site;
	const struct tap_program *program;
	union {
		struct pt_regs *regs;
		struct pt_regs *kregs;
	};
	const int64_t *arguments;
	int64_t *entry;
	void *frame;
	const struct tap_lock_set *held;
	/* Of a handler that is about a file: what was written to it, or what its reader gets. */
	struct tap_text *text;
	uint32_t nesting;
	uint8_t kind;
	bool next;    /* embedded C left by STAP_NEXT */
	bool aborted; /* by abort(): `error` is set so that all functions are left, and is no error */
	struct tap_unit unit;
	uint32_t error_length; /* of `error` */
	union {
		char error_text[256]; /* where `error` points unless it is a literal */
		char error_buffer[256];
	};
	char catch_text[256]; /* the message of the catch block that runs, see tap_catch */
	/* The platform's: recursion goes no deeper than this address. Volatile, so that its test stays apart
	 * from that of `nesting`, which the verifier looks for. */
	volatile uintptr_t stack_least;
};

/* core/fail.c. The first failure stays; `text` must outlive the handler (a literal). */
TAP_COLD void tap_fail(struct tap_ctx *c, const char *where, const char *text);
/* The text is copied, cut to 255 bytes. */
TAP_COLD void tap_fail_str(struct tap_ctx *c, const char *where, struct tap_str text);
/* "read fault [man error::fault] at 0x<address>". */
TAP_COLD void tap_fail_fault(struct tap_ctx *c, const char *where, uint64_t address);
/* The same for a write. */
TAP_COLD void tap_fail_store_fault(struct tap_ctx *c, const char *where, uint64_t address);
/* At the start of a catch block: clears the failure; its message is tap_catch_message() until the next one.
 */
TAP_COLD void tap_catch(struct tap_ctx *c);
struct tap_str tap_catch_message(struct tap_ctx *c);

/* Takes n actions from the budget of the handler; false: it was used up, and the handler has failed. */
TAP_INLINE bool tap_charge(struct tap_ctx *c, int64_t n, const char *where)
{
	int64_t left = c->actions - n;

	c->actions = left;
	if (tap_likely(left >= 0))
		return true;
	tap_fail(c, where, "MAXACTION exceeded");
	return false;
}

TAP_INLINE bool tap_work_charge(struct tap_ctx *c, const char *where)
{
	if (tap_likely(tap_work_take(&c->work)))
		return true;
	tap_fail(c, where, "runtime work budget exceeded");
	return false;
}

/* Opens a recursive call: false when `max` are open, or the stack is short. The new frame's index is
 * c->nesting - 1. */
TAP_INLINE bool tap_nest(struct tap_ctx *c, uint32_t max, const char *where)
{
	if (tap_unlikely(c->nesting >= max)) {
		tap_fail(c, where, "MAXNESTING exceeded");
		return false;
	}
	if (tap_unlikely((uintptr_t)__builtin_frame_address(0) < c->stack_least)) {
		tap_fail(c, where, "recursion too deep for the stack");
		return false;
	}
	c->nesting++;
	return true;
}

TAP_INLINE void tap_unnest(struct tap_ctx *c)
{
	c->nesting--;
}

/* After a handler that failed. */
TAP_INLINE void tap_clear_failure(struct tap_ctx *c)
{
	c->error = NULL;
	c->error_length = 0;
	c->aborted = false;
}

TAP_INLINE int64_t tap_take_next(struct tap_ctx *c)
{
	bool next = c->next;

	c->next = false;
	return next;
}

/* A string that a return probe keeps from its function's entry: its bytes stand `at` words from c->entry on,
 * in `size` bytes; the slot's own word says where, and how long it is. */
TAP_INLINE void tap_entry_keep_str(struct tap_ctx *c, uint32_t slot, uint32_t at, uint32_t size,
				   struct tap_str s)
{
	if (c->error)
		return;
	s = tap_copy((char *)(c->entry + at), size, s);
	c->entry[slot] = (int64_t)((uint64_t)at << 32 | s.n);
}

TAP_INLINE struct tap_str tap_entry_str(const struct tap_ctx *c, uint32_t slot)
{
	uint64_t kept = (uint64_t)c->entry[slot];

	return tap_str_make((const char *)(c->entry + (kept >> 32)), (uint32_t)kept);
}

/* What was written to the file. */
TAP_INLINE struct tap_str tap_message(const struct tap_ctx *c)
{
	return tap_str_make(c->text->data, c->text->length);
}

/* core/reply.c. What the file's reader gets; fails, and leaves that as it was, where the buffer is too small.
 */
void tap_reply_set(struct tap_ctx *c, struct tap_str text, const char *where);
void tap_reply_add(struct tap_ctx *c, struct tap_str text, const char *where);

TAP_INLINE struct tap_str tap_pp(const struct tap_ctx *c)
{
	return tap_str_make(c->site->pp, c->site->pp_len);
}

TAP_INLINE int64_t tap_number(const struct tap_ctx *c, uint32_t i)
{
	return c->site->numbers[i];
}

TAP_INLINE struct tap_str tap_function(const struct tap_ctx *c)
{
	return tap_str_make(c->site->function, c->site->function_len);
}

#endif
