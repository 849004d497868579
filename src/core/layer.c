/* SPDX-License-Identifier: MIT */
/*
 * The layers' slots in the world and the walk over them at the end of an execution.
 */
#include "core/internal.h"

void *p2psim_layer_state(enum p2psim_layer layer, size_t size)
{
	struct p2psim_world *world = p2psim_world_here();

	if (p2psim_world_missing("a layer"))
		return NULL;
	if (!world->layer[layer])
		world->layer[layer] = p2psim_arena_alloc(size);
	return world->layer[layer];
}

void *p2psim_layer_peek(enum p2psim_layer layer)
{
	return p2psim_hot ? p2psim_world_here()->layer[layer] : NULL;
}

void p2psim_layer_on_quiescent(enum p2psim_layer layer, void (*check)(void *state))
{
	p2psim_world_here()->layer_check[layer] = check;
}

void p2psim_end_hash_add(uint64_t value)
{
	struct p2psim_world *world = p2psim_world_here();

	world->end_hash = p2psim_mix(world->end_hash, value);
}

unsigned int p2psim_world_check_quiescent(struct p2psim_world *world)
{
	unsigned int before = world->violations;
	int layer;

	for (layer = P2PSIM_LAYER_NR - 1; layer >= 0; layer--)
		if (world->layer[layer] && world->layer_check[layer])
			world->layer_check[layer](world->layer[layer]);
	p2psim_lockdep_check(world);
	p2psim_slab_check(world);
	return world->violations - before;
}
