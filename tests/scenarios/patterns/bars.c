/* SPDX-License-Identifier: MIT */
/*
 * 07, 12: an exporter moves what an importer has mapped: a gpu evicts an object, or packs its BAR, while a nic writes to it.
 *
 *	BAR	| x | bo |   ->   | bo |
 */
#include "machine.h"
#include "patterns.h"

#include <errno.h>

#define VA(n) (0x10000UL + (n) * PAGE_SIZE)

struct bars {
	struct machine m;
	struct p2psim_gpu_object *x, *bo;
};

static int begin(void *state)
{
	struct bars *b = state;
	const struct machine_config *config = p2psim_scenario_data();
	struct machine_config right = {};

	if (machine_build(&b->m, config ? config : &right))
		return -ENOMEM;
	b->x = machine_map_object(&b->m, VA(4), 1, 0);
	b->bo = machine_map_object(&b->m, VA(0), 1, 0);
	if (!b->x || !b->bo || p2psim_store_byte(b->m.app, VA(4), 'x') || p2psim_store_byte(b->m.app, VA(0), '0') ||
	    machine_register(&b->m, VA(0), PAGE_SIZE))
		return -ENOMEM;
	return p2psim_gpu_evict(b->x);
}

static void end(void *state)
{
	machine_demolish(&((struct bars *)state)->m);
}

static void gpu_packs(void *state)
{
	p2psim_gpu_defragment(((struct bars *)state)->m.gpu);
}

static void gpu_evicts(void *state)
{
	p2psim_gpu_evict(((struct bars *)state)->bo);
}

static void nic_writes(void *state)
{
	p2psim_nic_write(((struct bars *)state)->m.mr, VA(0), "1", 1);
}

/* The first maps, the second finds it mapped. */
static void nic_writes_twice(void *state)
{
	nic_writes(state);
	nic_writes(state);
}

static bool nic_writes_at_last(void *state)
{
	nic_writes(state);
	return false;
}

#define BARS(title, ask, from, gpu, nic, last, verdict, which, off, ...)                                                   \
	.scenario = { .name = title, .question = ask, .source = from, .state_size = sizeof(struct bars),               \
		      .setup = begin, .teardown = end, .tasks = { { "gpu0", gpu }, { "nic0", nic } }, .exists = last,  \
		      .expect = verdict, .oracle = which, .config = { .oracles_off = off },                          \
		      .data = &(const struct machine_config){ __VA_ARGS__ } }
#define EVICT(title, ask, ...) BARS(title, ask, "mm/mmu_notifier.c: start, change, end", gpu_evicts, nic_writes,       \
				    nic_writes_at_last, __VA_ARGS__)
#define MOVE(title, ask, ...) BARS(title, ask, "dma-buf: move_notify", gpu_packs, nic_writes_twice, NULL, __VA_ARGS__)

const struct pattern patterns_of_bars[] = {
	{ EVICT("07/dma+evict", "Does the nic keep the BAR of an object that was replaced?", P2PSIM_NEVER,
		P2PSIM_NO_ORACLE, 0), .traces = 256 },
	{ EVICT("07/dma+evict!after-end", "And if it is replaced after the invalidation, with maps let in meanwhile?",
		P2PSIM_VIOLATION, P2PSIM_STALE, 0, .gpu_faults = P2PSIM_GPU_MOVE_WITH_DOOR_OPEN), .preemptions = 1 },
	{ MOVE("12/dma+move", "Does a write reach where the object was?", P2PSIM_NEVER, P2PSIM_NO_ORACLE, 0),
	  .traces = 1018 },
	{ MOVE("12/dma+move!ignores-it", "And if the nic does not hear of the move?", P2PSIM_VIOLATION, P2PSIM_CONTRACT, 0,
	       .nic_faults = P2PSIM_NIC_IGNORE_INVALIDATE) },
	{ MOVE("12/dma+move!ignores-it-real", "And does a write reach where the object was?", P2PSIM_VIOLATION,
	       P2PSIM_STALE, 1u << P2PSIM_CONTRACT, .nic_faults = P2PSIM_NIC_IGNORE_INVALIDATE,
	       .gpu_faults = P2PSIM_GPU_MOVE_WITHOUT_WAIT), .preemptions = 1 },
	{ MOVE("12/dma+move!not-told", "And if the gpu tells nobody?", P2PSIM_VIOLATION, P2PSIM_STALE, 0,
	       .gpu_faults = P2PSIM_GPU_MOVE_WITHOUT_REVOKE), .preemptions = 1 },
	{},
};
