/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Associative arrays: a hash table whose nodes are allocated before the session, with a list in order of
 * insertion. What does not depend on the types of keys and value is in map.c; TAP_MAP_DEFINE makes the rest
 * for one map.
 *
 * Keys are described by a macro of the emitted unit that calls OP once per key with its kind (i or s), its
 * number and the bytes of its storage (0 for an integer):
 *
 *   #define g0_KEYS(OP) OP(i, 0, 0) OP(s, 1, TAP_MAP_STRING_LENGTH)
 *
 * A string key is cut to its storage, for looking up as well as for storing. The caller holds the map's lock.
 */
#ifndef TAP_CORE_MAP_H
#define TAP_CORE_MAP_H

#include "platform.h"

struct tap_map_node {
	struct tap_map_node *next, *prev; /* list of the map; free nodes: next only */
	struct tap_map_node *chain;	  /* of the bucket */
	uint32_t hash;
};

struct tap_map {
	struct tap_map_node *first, *last, *free;
	struct tap_map_node **buckets;
	void *nodes;
	uint32_t mask; /* number of buckets - 1; a power of two, at least `capacity` */
	uint32_t count, capacity;
	bool wrap; /* when full, a new element replaces the first of the list */
	const char
	    *overflow; /* what a full map says: a literal that names its own size, or NULL for the limit */
};

/* 0, or -12 when there is no memory. May sleep. */
int tap_map_init(struct tap_map *map, uint32_t capacity, uint32_t node_size, bool wrap);
void tap_map_exit(struct tap_map *map);
/* A node that is in the list (last) and in its bucket, its key and value undefined. NULL: full, the handler
 * failed. */
struct tap_map_node *tap_map_take(struct tap_ctx *c, struct tap_map *map, uint32_t hash, const char *where);
void tap_map_drop(struct tap_ctx *c, struct tap_map *map, struct tap_map_node *node);
void tap_map_clear(struct tap_map *map);

/* --- hashing */

TAP_INLINE uint64_t tap_hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 32);
}

/* map.c. Takes from the work budget. */
uint64_t tap_hash_bytes(struct tap_ctx *c, uint64_t hash, const char *p, uint32_t n);

TAP_INLINE uint64_t tap_hash_str(struct tap_ctx *c, uint64_t hash, struct tap_str s)
{
	return tap_hash_bytes(c, hash, s.p, s.n);
}

/* --- iteration: the position of one foreach. The map does not change meanwhile. */

struct tap_iter {
	struct tap_map_node *at, *next;
	uint32_t left;
};

TAP_INLINE void tap_iter_begin(struct tap_iter *iter, const struct tap_map *map, int64_t limit)
{
	iter->at = NULL;
	iter->next = map->first;
	iter->left = limit < 0 || limit > map->count ? map->count : (uint32_t)limit;
}

TAP_INLINE int64_t tap_iter_next(struct tap_iter *iter)
{
	if (!iter->left || !iter->next)
		return 0;
	iter->left--;
	iter->at = iter->next;
	iter->next = iter->at->next;
	return 1;
}

/* A node that NAME_find gave, as a node of its map. */
#define TAP_ELEM(name, node) ((struct name##_node *)(node))

#define TAP_ITER_NODE(name, iter)     ((struct name##_node *)(iter).at)
#define TAP_ITER_KEY_i(name, iter, n) (TAP_ITER_NODE(name, iter)->k##n)
#define TAP_ITER_KEY_s(name, iter, n) TAP_STORED(TAP_ITER_NODE(name, iter)->k##n)
#define TAP_ITER_VALUE_i(name, iter)  (TAP_ITER_NODE(name, iter)->value)
#define TAP_ITER_VALUE_s(name, iter)  TAP_STORED(TAP_ITER_NODE(name, iter)->value)

/* --- what KEYS expands to */

#define TAP_KEY_MEMBER(kind, n, size) TAP_KEY_MEMBER_##kind(n, size)
#define TAP_KEY_MEMBER_i(n, size)     int64_t k##n;
#define TAP_KEY_MEMBER_s(n, size)     TAP_STRING_STORAGE(size) k##n;
#define TAP_KEY_PARAM(kind, n, size)  TAP_KEY_PARAM_##kind(n)
#define TAP_KEY_PARAM_i(n)	      , int64_t k##n
#define TAP_KEY_PARAM_s(n)	      , struct tap_str k##n
#define TAP_KEY_ARG(kind, n, size)    , k##n
#define TAP_KEY_HASH(kind, n, size)   hash = TAP_KEY_HASH_##kind(n, size);
#define TAP_KEY_HASH_i(n, size)	      tap_hash_word(hash, (uint64_t)k##n)
#define TAP_KEY_HASH_s(n, size)	      tap_hash_str(c, hash, k##n)
#define TAP_KEY_CUT(kind, n, size)    TAP_KEY_CUT_##kind(n, size)
#define TAP_KEY_CUT_i(n, size)
#define TAP_KEY_CUT_s(n, size)	  k##n = tap_cut(k##n, size);
#define TAP_KEY_EQ(kind, n, size) &&TAP_KEY_EQ_##kind(n)
#define TAP_KEY_EQ_i(n)		  node->k##n == k##n
#define TAP_KEY_EQ_s(n)		  tap_str_eq(TAP_STORED(node->k##n), k##n)
/* `any`: bit n set lets key n be anything. */
#define TAP_KEY_MATCH(kind, n, size) &&((any >> n & 1) || (TAP_KEY_EQ_##kind(n)))
#define TAP_KEY_STORE(kind, n, size) TAP_KEY_STORE_##kind(n)
#define TAP_KEY_STORE_i(n)	     node->k##n = k##n;
#define TAP_KEY_STORE_s(n)	     TAP_STORE(node->k##n, k##n);

/* --- functions of one map; `value_` is the declaration of the node's member `value` */

#define TAP_MAP_DEFINE(name, KEYS, value_)                                                                   \
	struct name##_node {                                                                                 \
		struct tap_map_node node;                                                                    \
		KEYS(TAP_KEY_MEMBER)                                                                         \
		value_;                                                                                      \
	};                                                                                                   \
                                                                                                             \
	TAP_MAYBE_UNUSED static uint32_t name##_hash(struct tap_ctx *c KEYS(TAP_KEY_PARAM))                  \
	{                                                                                                    \
		uint64_t hash = 0;                                                                           \
		(void)c;                                                                                     \
		KEYS(TAP_KEY_HASH)                                                                           \
		return (uint32_t)(hash ^ hash >> 29);                                                        \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static struct name##_node *name##_look(                                             \
	    struct tap_ctx *c, const struct tap_map *map, uint32_t hash KEYS(TAP_KEY_PARAM))                 \
	{                                                                                                    \
		struct tap_map_node *at = map->buckets[hash & map->mask];                                    \
                                                                                                             \
		while (at && tap_work_charge(c, NULL)) {                                                     \
			struct name##_node *node = (struct name##_node *)at;                                 \
                                                                                                             \
			if (at->hash == hash KEYS(TAP_KEY_EQ))                                               \
				return node;                                                                 \
			at = at->chain;                                                                      \
		}                                                                                            \
		return NULL;                                                                                 \
	}                                                                                                    \
                                                                                                             \
	/* The element, or NULL. */                                                                          \
	TAP_MAYBE_UNUSED static struct name##_node *name##_find(                                             \
	    struct tap_ctx *c, const struct tap_map *map KEYS(TAP_KEY_PARAM))                                \
	{                                                                                                    \
		KEYS(TAP_KEY_CUT)                                                                            \
		return name##_look(c, map, name##_hash(c KEYS(TAP_KEY_ARG)) KEYS(TAP_KEY_ARG));              \
	}                                                                                                    \
                                                                                                             \
	/* The element, made with a value of zeroes when it is absent; NULL: the handler failed. */          \
	TAP_MAYBE_UNUSED static struct name##_node *name##_make(struct tap_ctx *c, struct tap_map *map,      \
								const char *where KEYS(TAP_KEY_PARAM))       \
	{                                                                                                    \
		struct name##_node *node;                                                                    \
		uint32_t hash;                                                                               \
                                                                                                             \
		KEYS(TAP_KEY_CUT)                                                                            \
		hash = name##_hash(c KEYS(TAP_KEY_ARG));                                                     \
		node = name##_look(c, map, hash KEYS(TAP_KEY_ARG));                                          \
		if (node || c->error)                                                                        \
			return node;                                                                         \
		node = (struct name##_node *)tap_map_take(c, map, hash, where);                              \
		if (!node)                                                                                   \
			return NULL;                                                                         \
		KEYS(TAP_KEY_STORE)                                                                          \
		__builtin_memset(&node->value, 0, sizeof(node->value));                                      \
		return node;                                                                                 \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static bool name##_has(struct tap_ctx *c,                                           \
						const struct tap_map *map KEYS(TAP_KEY_PARAM))               \
	{                                                                                                    \
		return name##_find(c, map KEYS(TAP_KEY_ARG)) != NULL;                                        \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static void name##_del(struct tap_ctx *c, struct tap_map *map KEYS(TAP_KEY_PARAM))  \
	{                                                                                                    \
		struct name##_node *node = name##_find(c, map KEYS(TAP_KEY_ARG));                            \
                                                                                                             \
		if (node)                                                                                    \
			tap_map_drop(c, map, &node->node);                                                   \
	}                                                                                                    \
                                                                                                             \
	/* Its keys equal those given, but for `any`. */                                                     \
	TAP_INLINE bool name##_matches(const struct tap_map_node *at, uint32_t any KEYS(TAP_KEY_PARAM))      \
	{                                                                                                    \
		const struct name##_node *node = (const struct name##_node *)at;                             \
                                                                                                             \
		KEYS(TAP_KEY_CUT)                                                                            \
		return 1 KEYS(TAP_KEY_MATCH);                                                                \
	}                                                                                                    \
                                                                                                             \
	/* The next element from `iter` on that is of the slice: its keys equal those given, but for `any`.  \
	 */                                                                                                  \
	TAP_MAYBE_UNUSED static int64_t name##_next_slice(struct tap_ctx *c, struct tap_iter *iter,          \
							  uint32_t any KEYS(TAP_KEY_PARAM))                  \
	{                                                                                                    \
		KEYS(TAP_KEY_CUT)                                                                            \
		while (iter->left && iter->next && tap_work_charge(c, NULL)) {                               \
			iter->at = iter->next;                                                               \
			iter->next = iter->at->next;                                                         \
			if (name##_matches(iter->at, any KEYS(TAP_KEY_ARG))) {                               \
				iter->left--;                                                                \
				return 1;                                                                    \
			}                                                                                    \
		}                                                                                            \
		return 0;                                                                                    \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static bool name##_has_slice(struct tap_ctx *c, const struct tap_map *map,          \
						      uint32_t any KEYS(TAP_KEY_PARAM))                      \
	{                                                                                                    \
		struct tap_iter iter;                                                                        \
                                                                                                             \
		tap_iter_begin(&iter, map, -1);                                                              \
		return name##_next_slice(c, &iter, any KEYS(TAP_KEY_ARG));                                   \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static void name##_del_slice(struct tap_ctx *c, struct tap_map *map,                \
						      uint32_t any KEYS(TAP_KEY_PARAM))                      \
	{                                                                                                    \
		struct tap_iter iter;                                                                        \
                                                                                                             \
		tap_iter_begin(&iter, map, -1);                                                              \
		while (tap_work_charge(c, NULL) && name##_next_slice(c, &iter, any KEYS(TAP_KEY_ARG)))       \
			tap_map_drop(c, map, iter.at);                                                       \
	}

/* Maps of integers. */
#define TAP_MAP_DEFINE_i(name, KEYS)                                                                         \
	TAP_MAP_DEFINE(name, KEYS, int64_t value)                                                            \
                                                                                                             \
	TAP_MAYBE_UNUSED static int64_t name##_get(struct tap_ctx *c,                                        \
						   const struct tap_map *map KEYS(TAP_KEY_PARAM))            \
	{                                                                                                    \
		struct name##_node *node = name##_find(c, map KEYS(TAP_KEY_ARG));                            \
                                                                                                             \
		return node ? node->value : 0;                                                               \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static void name##_set(struct tap_ctx *c, struct tap_map *map,                      \
						const char *where KEYS(TAP_KEY_PARAM), int64_t value)        \
	{                                                                                                    \
		struct name##_node *node = name##_make(c, map, where KEYS(TAP_KEY_ARG));                     \
                                                                                                             \
		if (node)                                                                                    \
			node->value = value;                                                                 \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static int64_t name##_add(struct tap_ctx *c, struct tap_map *map,                   \
						   const char *where KEYS(TAP_KEY_PARAM), int64_t value)     \
	{                                                                                                    \
		struct name##_node *node = name##_make(c, map, where KEYS(TAP_KEY_ARG));                     \
                                                                                                             \
		return node ? node->value = tap_add(node->value, value) : 0;                                 \
	}

/* Maps of strings of less than `size` bytes. */
#define TAP_MAP_DEFINE_s(name, KEYS, size)                                                                   \
	TAP_MAP_DEFINE(name, KEYS, TAP_STRING_STORAGE(size) value)                                           \
                                                                                                             \
	TAP_MAYBE_UNUSED static struct tap_str name##_get(struct tap_ctx *c,                                 \
							  const struct tap_map *map KEYS(TAP_KEY_PARAM))     \
	{                                                                                                    \
		struct name##_node *node = name##_find(c, map KEYS(TAP_KEY_ARG));                            \
                                                                                                             \
		return node ? TAP_STORED(node->value) : TAP_LIT("");                                         \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static void name##_set(struct tap_ctx *c, struct tap_map *map,                      \
						const char *where KEYS(TAP_KEY_PARAM), struct tap_str value) \
	{                                                                                                    \
		struct name##_node *node = name##_make(c, map, where KEYS(TAP_KEY_ARG));                     \
                                                                                                             \
		if (node)                                                                                    \
			TAP_STORE(node->value, value);                                                       \
	}

#endif
