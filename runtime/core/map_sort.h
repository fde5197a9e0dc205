/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sorting a map's list for foreach: a merge sort of the list itself, bottom up, stable, without memory of its
 * own. 32 passes at most; every other loop takes from the context's work budget, and sorting does not begin
 * unless the budget holds what the number of elements can need.
 */
#ifndef TAP_CORE_MAP_SORT_H
#define TAP_CORE_MAP_SORT_H

#include "map.h"

/* False: the handler failed, nothing has changed. */
TAP_INLINE bool tap_sort_budget(struct tap_ctx *c, const struct tap_map *map, const char *where)
{
	uint32_t passes = map->count < 2 ? 1 : 33 - (uint32_t)__builtin_clz(map->count - 1);

	if (c->work.left > (int64_t)map->count * passes * 3)
		return true;
	tap_fail(c, where, "runtime work budget exceeded");
	return false;
}

TAP_INLINE int tap_order_i(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* A damaged list: forget the elements rather than walk it again. */
TAP_INLINE bool tap_sort_abandon(struct tap_map *map, struct tap_map_node *last)
{
	map->last = last;
	return false;
}

/* `name_before`: element a comes before b. */
#define TAP_MAP_ORDER_DEFINE(name, node_, sign, order)                                                       \
	TAP_INLINE bool name##_before(const struct tap_map_node *a_, const struct tap_map_node *b_)          \
	{                                                                                                    \
		const struct node_ *a = (const struct node_ *)a_;                                            \
		const struct node_ *b = (const struct node_ *)b_;                                            \
                                                                                                             \
		return (sign) * (order) < 0;                                                                 \
	}

/*
 * Defines `static bool name(struct tap_ctx *c, struct tap_map *map, const char *where)`. `order` is an int
 * expression over `a` and `b` of type const struct node_ *: <0 when a comes first; `sign` is 1 (ascending) or
 * -1.
 */
#define TAP_MAP_SORT_DEFINE(name, node_, sign, order)                                                        \
	TAP_MAP_ORDER_DEFINE(name, node_, sign, order)                                                       \
                                                                                                             \
	TAP_MAYBE_UNUSED static bool name(struct tap_ctx *c, struct tap_map *map, const char *where)         \
	{                                                                                                    \
		uint32_t pass, merges;                                                                       \
                                                                                                             \
		if (map->count < 2)                                                                          \
			return true;                                                                         \
		if (!tap_sort_budget(c, map, where))                                                         \
			return false;                                                                        \
		for (pass = 0; pass < 32; pass++) {                                                          \
			struct tap_map_node *left = map->first, *last = NULL;                                \
                                                                                                             \
			for (merges = 0; left; merges++) {                                                   \
				struct tap_map_node *right = left;                                           \
				uint32_t in_left = 0, in_right = 1u << pass;                                 \
                                                                                                             \
				if (!tap_work_charge(c, where))                                              \
					return tap_sort_abandon(map, last);                                  \
				while (right && in_left < in_right) {                                        \
					if (!tap_work_charge(c, where))                                      \
						return tap_sort_abandon(map, last);                          \
					right = right->next;                                                 \
					in_left++;                                                           \
				}                                                                            \
				while (in_left || (in_right && right)) {                                     \
					struct tap_map_node *taken;                                          \
                                                                                                             \
					if (!tap_work_charge(c, where))                                      \
						return tap_sort_abandon(map, last);                          \
					if (!in_left || (in_right && right && name##_before(right, left))) { \
						taken = right;                                               \
						right = right->next;                                         \
						in_right--;                                                  \
					} else {                                                             \
						taken = left;                                                \
						left = left->next;                                           \
						in_left--;                                                   \
					}                                                                    \
					taken->prev = last;                                                  \
					if (last)                                                            \
						last->next = taken;                                          \
					else                                                                 \
						map->first = taken;                                          \
					last = taken;                                                        \
				}                                                                            \
				left = right;                                                                \
			}                                                                                    \
			last->next = NULL;                                                                   \
			map->last = last;                                                                    \
			if (merges <= 1)                                                                     \
				break;                                                                       \
		}                                                                                            \
		return true;                                                                                 \
	}

/*
 * Defines `static int64_t name_next(struct tap_ctx *c, struct tap_iter *iter, const struct tap_map *map)`:
 * tap_iter_next in the order of the sort, ties as they lie in the list, which does not change: another
 * iteration goes on around this one. Each step looks through the list.
 */
#define TAP_MAP_SORT_NESTED_DEFINE(name, node_, sign, order)                                                 \
	TAP_MAP_ORDER_DEFINE(name, node_, sign, order)                                                       \
                                                                                                             \
	TAP_MAYBE_UNUSED static int64_t name##_next(struct tap_ctx *c, struct tap_iter *iter,                \
						    const struct tap_map *map)                               \
	{                                                                                                    \
		struct tap_map_node *at, *best = NULL;                                                       \
		bool behind = false; /* `at` lies behind the element of the last step */                     \
                                                                                                             \
		if (!iter->left)                                                                             \
			return 0;                                                                            \
		for (at = map->first; at && tap_work_charge(c, NULL); at = at->next) {                       \
			if (at == iter->at) {                                                                \
				behind = true;                                                               \
				continue;                                                                    \
			}                                                                                    \
			if (iter->at && !name##_before(iter->at, at) &&                                      \
			    (!behind || name##_before(at, iter->at)))                                        \
				continue; /* its turn has been */                                            \
			if (!best || name##_before(at, best))                                                \
				best = at;                                                                   \
		}                                                                                            \
		if (!best)                                                                                   \
			return 0;                                                                            \
		iter->left--;                                                                                \
		iter->at = best;                                                                             \
		return 1;                                                                                    \
	}

/* The next element of a nested sort that is of the slice; `next` and `match` are the sort's and the map's
 * functions. */
#define TAP_NEXT_SLICE_NESTED(next, match, c, iter, map, ...)                                                \
	({                                                                                                   \
		int64_t found_;                                                                              \
                                                                                                             \
		while ((found_ = next((c), (iter), (map))) && !match((iter)->at, __VA_ARGS__) &&             \
		       tap_work_charge((c), NULL))                                                           \
			(iter)->left++;                                                                      \
		found_;                                                                                      \
	})

#endif
