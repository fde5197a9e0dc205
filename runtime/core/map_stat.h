/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps of statistics: one shared table, no part per CPU. */
#ifndef TAP_CORE_MAP_STAT_H
#define TAP_CORE_MAP_STAT_H

#include "map.h"
#include "stat.h"

/* struct name_stat (TAP_STAT_TYPE) stands before; `spec` is the script's constant struct tap_stat_spec. */
#define TAP_MAP_DEFINE_stat(name, KEYS, spec)                                                                \
	TAP_MAP_DEFINE(name, KEYS, struct name##_stat value)                                                 \
                                                                                                             \
	TAP_MAYBE_UNUSED static void name##_stat_add(struct tap_ctx *c, struct tap_map *map,                 \
						     const char *where KEYS(TAP_KEY_PARAM), int64_t value)   \
	{                                                                                                    \
		struct name##_node *node = name##_make(c, map, where KEYS(TAP_KEY_ARG));                     \
                                                                                                             \
		if (node)                                                                                    \
			tap_stat_update(&node->value.s, node->value.buckets, &(spec), value);                \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static int64_t name##_stat_get(struct tap_ctx *c, const struct tap_map *map,        \
							enum tap_stat_field field,                           \
							const char *where KEYS(TAP_KEY_PARAM))               \
	{                                                                                                    \
		struct name##_node *node = name##_find(c, map KEYS(TAP_KEY_ARG));                            \
                                                                                                             \
		return tap_stat_field(c, node ? &node->value.s : NULL, (spec).shift, field, where);          \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static void name##_print_hist(struct tap_ctx *c, const struct tap_map *map,         \
						       int64_t width, int64_t elision,                       \
						       const char *where KEYS(TAP_KEY_PARAM))                \
	{                                                                                                    \
		struct name##_node *node = name##_find(c, map KEYS(TAP_KEY_ARG));                            \
		int64_t *buckets;                                                                            \
                                                                                                             \
		if (!node || !node->value.s.count) {                                                         \
			tap_fail(c, where, "empty aggregate");                                               \
			return;                                                                              \
		}                                                                                            \
		buckets = tap_hist_record(c, &(spec).hist, width, elision);                                  \
		if (buckets)                                                                                 \
			__builtin_memcpy(buckets, node->value.buckets, sizeof(node->value.buckets));         \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static int64_t name##_stat_bucket(                                                  \
	    struct tap_ctx *c, const struct tap_map *map, bool lenient,                                      \
	    const char *where KEYS(TAP_KEY_PARAM), int64_t bucket)                                           \
	{                                                                                                    \
		struct name##_node *node = name##_find(c, map KEYS(TAP_KEY_ARG));                            \
                                                                                                             \
		if (!lenient)                                                                                \
			tap_stat_bucket_check(c, node ? node->value.s.count : 0, &(spec), bucket, where);    \
		return node && bucket >= 0 && bucket < (spec).hist.buckets ? node->value.buckets[bucket]     \
									   : 0;                              \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static struct tap_str name##_sprint_hist(                                           \
	    struct tap_ctx *c, const struct tap_map *map, char *slot, uint32_t size, int64_t width,          \
	    int64_t elision, const char *where KEYS(TAP_KEY_PARAM))                                          \
	{                                                                                                    \
		struct name##_node *node = name##_find(c, map KEYS(TAP_KEY_ARG));                            \
                                                                                                             \
		return tap_sprint_hist(c, slot, size, &(spec).hist,                                          \
				       node && node->value.s.count ? node->value.buckets : NULL, width,      \
				       elision, where);                                                      \
	}

#endif
