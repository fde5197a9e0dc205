/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "map.h"

/* Words may overlap, as in str.c; the length tells apart what shares all words. */
uint64_t tap_hash_bytes(struct tap_ctx *c, uint64_t hash, const char *p, uint32_t n)
{
	uint32_t left = n;

	hash ^= (uint64_t)n << 32;
	if (n >= 8) {
		for (; tap_unlikely(left > 16) && tap_work_charge(c, NULL); left -= 8, p += 8)
			hash = tap_hash_word(hash, tap_word_at(p));
		hash = tap_hash_word(hash, tap_word_at(p));
		return tap_hash_word(hash, tap_word_at(p + left - 8));
	}
	if (n >= 4) {
		uint32_t first, last;

		__builtin_memcpy(&first, p, 4);
		__builtin_memcpy(&last, p + n - 4, 4);
		return tap_hash_word(hash, (uint64_t)first << 32 | last);
	}
	if (!n)
		return tap_hash_word(hash, 0);
	return tap_hash_word(hash, (uint64_t)(uint8_t)p[0] << 16 | (uint64_t)(uint8_t)p[n / 2] << 8 |
				       (uint8_t)p[n - 1]);
}

static void make_free(struct tap_map *map, uint32_t node_size)
{
	struct tap_map_node **link = &map->free;
	uint32_t i;

	for (i = 0; i < map->capacity; i++) {
		*link = (struct tap_map_node *)((char *)map->nodes + (uint64_t)i * node_size);
		link = &(*link)->next;
	}
	*link = NULL;
}

int tap_map_init(struct tap_map *map, uint32_t capacity, uint32_t node_size, bool wrap)
{
	uint32_t buckets = 16;

	while (buckets < capacity && buckets < 1u << 30)
		buckets *= 2;
	map->nodes = tap_alloc((uint64_t)capacity * node_size);
	map->buckets = (struct tap_map_node **)tap_alloc((uint64_t)buckets * sizeof(map->buckets[0]));
	if (!map->nodes || !map->buckets) {
		tap_map_exit(map);
		return -12;
	}
	map->mask = buckets - 1;
	map->capacity = capacity;
	map->wrap = wrap;
	make_free(map, node_size);
	return 0;
}

void tap_map_exit(struct tap_map *map)
{
	tap_free(map->nodes);
	tap_free(map->buckets);
	map->nodes = NULL;
	map->buckets = NULL;
}

struct tap_map_node *tap_map_take(struct tap_ctx *c, struct tap_map *map, uint32_t hash, const char *where)
{
	struct tap_map_node *node;

	if (!map->free && map->wrap && map->first)
		tap_map_drop(c, map, map->first);
	node = map->free;
	if (!node) {
		tap_fail(c, where, map->overflow ? map->overflow : "Array overflow, check MAXMAPENTRIES");
		return NULL;
	}
	map->free = node->next;
	node->next = NULL;
	node->prev = map->last;
	if (map->last)
		map->last->next = node;
	else
		map->first = node;
	map->last = node;
	node->hash = hash;
	node->chain = map->buckets[hash & map->mask];
	map->buckets[hash & map->mask] = node;
	map->count++;
	return node;
}

void tap_map_drop(struct tap_ctx *c, struct tap_map *map, struct tap_map_node *node)
{
	struct tap_map_node **link = &map->buckets[node->hash & map->mask];

	while (*link != node) {
		if (!*link || !tap_work_charge(c, NULL))
			return;
		link = &(*link)->chain;
	}
	*link = node->chain;
	if (node->prev)
		node->prev->next = node->next;
	else
		map->first = node->next;
	if (node->next)
		node->next->prev = node->prev;
	else
		map->last = node->prev;
	node->next = map->free;
	map->free = node;
	map->count--;
}

void tap_map_clear(struct tap_map *map)
{
	if (!map->first)
		return;
	map->last->next = map->free;
	map->free = map->first;
	map->first = NULL;
	map->last = NULL;
	map->count = 0;
	__builtin_memset(map->buckets, 0, ((uint64_t)map->mask + 1) * sizeof(map->buckets[0]));
}
