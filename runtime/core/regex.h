/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regular expressions: the walks of ir/regex/regex.h over tables that the emitter writes. Each takes one step
 * a byte. `size` is the unit's MAXSTRINGLEN, a constant, and so the bound of the walk that only asks for a
 * match; where it is so large that the bound proves nothing, and in the walks for groups (whose bounds the
 * optimizer merges beyond recognition), the steps are paid from the work budget.
 */
#ifndef TAP_CORE_REGEX_H
#define TAP_CORE_REGEX_H

#include "ctx.h"

struct tap_dfa {
	const void *next; /* by state * classes + class: uint8_t, or uint16_t where there are many states */
	const uint8_t *flags; /* by state */
	uint32_t classes;
	uint16_t start;
	bool wide;
};

/* A finder: state 0 finds nothing any more, state 1 has found; flag 1: found if the string ends here. */
struct tap_regex {
	const uint8_t *class_of; /* by byte */
	struct tap_dfa dfa;
};

enum { TAP_NO_THREAD = 0xffff };

struct tap_regex_step {
	uint16_t from, tags;
};

struct tap_regex_groups {
	const uint8_t *class_of;
	uint32_t count; /* of groups, with group 0 */
	struct tap_dfa starts, threads;
	uint16_t start_inside;
	const uint16_t *steps_of;
	const struct tap_regex_step *steps, *accepts, *accepts_at_end;
	const uint16_t *tag_lists;
};

/* The kept match of a handler run; groups 0: there is none. The text is a copy: its source may change. */
struct tap_match {
	uint32_t groups;
	struct tap_str text;
	const uint32_t *bounds; /* start and end of each group, or TAP_NO_BOUND */
};

#define TAP_NO_BOUND 0xffffffffu
/* Member of a unit's frame. */
#define TAP_MATCH_STORAGE(size, groups)                                                                      \
	struct {                                                                                             \
		struct tap_match match;                                                                      \
		uint32_t bounds[2 * (groups)];                                                               \
		uint16_t path[size];                                                                         \
		char copy[size];                                                                             \
	}

/* Steps that a walk may take without a charge: 20 instructions each are far below the verifier's limit. */
enum { TAP_REGEX_FREE_STEPS = 8192 };

TAP_INLINE uint32_t tap_dfa_next(const struct tap_dfa *dfa, uint32_t state, uint8_t letter)
{
	uint32_t at = state * dfa->classes + letter;

	return dfa->wide ? ((const uint16_t *)dfa->next)[at] : ((const uint8_t *)dfa->next)[at];
}

TAP_INLINE int64_t tap_regex_match(struct tap_ctx *c, const struct tap_regex *re, struct tap_str s,
				   uint32_t size)
{
	uint32_t state = re->dfa.start, i;

	for (i = 0; i < size && i < s.n && state > 1; i++) {
		if (size > TAP_REGEX_FREE_STEPS && !tap_work_charge(c, NULL))
			break;
		state = tap_dfa_next(&re->dfa, state, re->class_of[(uint8_t)s.p[i]]);
	}
	return re->dfa.flags[state] & 1;
}

/* To the left: where the leftmost match starts, or TAP_NO_BOUND. */
TAP_INLINE uint32_t tap_regex_start(struct tap_ctx *c, const struct tap_regex_groups *re, struct tap_str s)
{
	uint32_t state = re->starts.start, start = TAP_NO_BOUND, at = s.n;

	while (tap_work_charge(c, NULL)) {
		if (re->starts.flags[state] & (at == 0 ? 2 : 1))
			start = at;
		if (at == 0)
			break;
		at--;
		state = tap_dfa_next(&re->starts, state, re->class_of[(uint8_t)s.p[at]]);
	}
	return start;
}

/* To the right from there, writing down the states: where it ends, and how. */
TAP_INLINE struct tap_regex_step tap_regex_end(struct tap_ctx *c, const struct tap_regex_groups *re,
					       struct tap_str s, uint32_t size, uint32_t start,
					       uint16_t *path, uint32_t *end)
{
	struct tap_regex_step last = {TAP_NO_THREAD, 0};
	uint32_t state = start ? re->start_inside : re->threads.start, i;

	for (i = 0; i < size && tap_work_charge(c, NULL); i++) {
		uint32_t at = start + i;
		const struct tap_regex_step *match =
		    at == s.n ? &re->accepts_at_end[state] : &re->accepts[state];

		path[i] = state;
		if (match->from != TAP_NO_THREAD) {
			last = *match;
			*end = at;
		}
		if (at >= s.n || state == 0)
			break;
		state = tap_dfa_next(&re->threads, state, re->class_of[(uint8_t)s.p[at]]);
	}
	return last;
}

/* Coming from the end, the first value that a tag gets is its last. */
TAP_INLINE void tap_regex_tags(struct tap_ctx *c, const struct tap_regex_groups *re, uint32_t *bounds,
			       uint32_t list, uint32_t at)
{
	uint32_t count = re->tag_lists[list], i;

	for (i = 0; i < count && tap_work_charge(c, NULL); i++) {
		uint32_t tag = re->tag_lists[list + 1 + i];

		if (bounds[tag] == TAP_NO_BOUND)
			bounds[tag] = at;
	}
}

TAP_INLINE int64_t tap_regex_search(struct tap_ctx *c, const struct tap_regex_groups *re, struct tap_str s,
				    uint32_t size, struct tap_match *match, uint32_t *bounds, uint16_t *path,
				    char *copy)
{
	uint32_t start = tap_regex_start(c, re, s), end = 0, i, at;
	struct tap_regex_step step;

	match->groups = 0;
	if (start == TAP_NO_BOUND)
		return 0;
	step = tap_regex_end(c, re, s, size, start, path, &end);
	if (step.from == TAP_NO_THREAD)
		return 0; /* the work budget has run out */
	for (i = 0; i < 2 * re->count && tap_work_charge(c, NULL); i++)
		bounds[i] = TAP_NO_BOUND;
	bounds[0] = start;
	bounds[1] = end;
	tap_regex_tags(c, re, bounds, step.tags, end);
	for (at = end; at > start && tap_work_charge(c, NULL);) {
		uint32_t entry;

		at--;
		entry = path[at - start] * re->threads.classes + re->class_of[(uint8_t)s.p[at]];
		step = re->steps[re->steps_of[entry] + step.from];
		tap_regex_tags(c, re, bounds, step.tags, at);
	}
	match->groups = re->count;
	match->bounds = bounds;
	match->text = tap_copy(copy, size, s);
	return 1;
}

/* The unit's function for it; `storage` is an expression of the frame's TAP_MATCH_STORAGE, in terms of c. */
#define TAP_REGEX_SEARCH_DEFINE(size, storage)                                                               \
	static __attribute__((__noinline__)) int64_t tap_search(                                             \
	    struct tap_ctx *c, const struct tap_regex_groups *re, struct tap_str s)                          \
	{                                                                                                    \
		return tap_regex_search(c, re, s, size, &(storage).match, (storage).bounds, (storage).path,  \
					(storage).copy);                                                     \
	}

TAP_INLINE struct tap_str tap_match_group(struct tap_ctx *c, const struct tap_match *match, int64_t group,
					  const char *where)
{
	uint32_t start, end;

	if (!match->groups) {
		tap_fail(c, where, "no regular expression has matched");
		return TAP_LIT("");
	}
	if (group < 0 || group >= match->groups) {
		tap_fail(c, where, "the regular expression has no such group");
		return TAP_LIT("");
	}
	start = match->bounds[2 * group];
	end = match->bounds[2 * group + 1];
	if (start == TAP_NO_BOUND || end < start || end > match->text.n)
		return TAP_LIT("");
	return tap_str_make(match->text.p + start, end - start);
}

TAP_INLINE int64_t tap_match_count(struct tap_ctx *c, const struct tap_match *match, const char *where)
{
	if (!match->groups)
		tap_fail(c, where, "no regular expression has matched");
	return match->groups;
}

#endif
