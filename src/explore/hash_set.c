/* SPDX-License-Identifier: MIT */
/* A set of hashes with open addressing; only its size and the sum of its members are ever looked at. */
#include <errno.h>
#include <stdlib.h>

#include "explore/search.h"

static void put(uint64_t *slots, size_t space, uint64_t hash)
{
	size_t at = (hash * 0x9e3779b97f4a7c15ull >> 20) & (space - 1);

	while (slots[at])
		at = (at + 1) & (space - 1);
	slots[at] = hash;
}

static int make_room(struct p2psim_hash_set *set)
{
	size_t space = set->space ? 2 * set->space : 1024, i;
	uint64_t *slots;

	if (set->count * 2 < set->space)
		return 0;
	slots = calloc(space, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (i = 0; i < set->space; i++)
		if (set->slots[i])
			put(slots, space, set->slots[i]);
	free(set->slots);
	set->slots = slots;
	set->space = space;
	return 0;
}

int p2psim_hash_set_add(struct p2psim_hash_set *set, uint64_t hash)
{
	size_t at;

	if (!hash) {
		bool known = set->has_zero;

		set->has_zero = true;
		return !known;
	}
	if (make_room(set))
		return -ENOMEM;
	for (at = (hash * 0x9e3779b97f4a7c15ull >> 20) & (set->space - 1); set->slots[at]; at = (at + 1) & (set->space - 1))
		if (set->slots[at] == hash)
			return 0;
	set->slots[at] = hash;
	set->count++;
	return 1;
}

void p2psim_hash_set_free(struct p2psim_hash_set *set)
{
	free(set->slots);
	*set = (struct p2psim_hash_set){};
}

uint64_t p2psim_hash_set_sum(const struct p2psim_hash_set *set)
{
	uint64_t sum = set->has_zero;
	size_t i;

	for (i = 0; i < set->space; i++)
		sum += set->slots[i];
	return sum;
}
