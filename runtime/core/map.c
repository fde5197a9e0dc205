/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "map.h"

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
