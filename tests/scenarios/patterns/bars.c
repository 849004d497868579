/* SPDX-License-Identifier: MIT */
/*
 * 12: a gpu packs its BAR while a nic writes to one of its objects.
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
	if (!b->x || !b->bo || p2psim_store_byte(b->m.app, VA(4), 'x') || machine_register(&b->m, VA(0), PAGE_SIZE) ||
	    p2psim_nic_write(b->m.mr, VA(0), "0", 1))
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

static void nic_writes(void *state)
{
	p2psim_nic_write(((struct bars *)state)->m.mr, VA(0), "1", 1);
}

#define BARS(title, ask, gpu, nic, verdict, which)                                                                     \
	.scenario = { .name = title, .question = ask, .source = "dma-buf: move_notify", \
		      .state_size = sizeof(struct bars), .setup = begin, .teardown = end,                              \
		      .tasks = { { "gpu0", gpu_packs }, { "nic0", nic_writes } },                                      \
		      .expect = verdict, .oracle = which,                                                              \
		      .data = &(const struct machine_config){ .gpu_faults = gpu, .nic_faults = nic } }

const struct pattern patterns_of_bars[] = {
	{ BARS("12/dma+move", "Does a write reach where the object was?", 0, 0, P2PSIM_NEVER, P2PSIM_NO_ORACLE),
	  .traces = 42 },
	{ BARS("12/dma+move!ignores-it", "And if the nic does not hear of the move?", 0, P2PSIM_NIC_IGNORE_INVALIDATE,
	       P2PSIM_VIOLATION, P2PSIM_CONTRACT) },
	{ BARS("12/dma+move!not-told", "And if the gpu tells nobody?", P2PSIM_GPU_MOVE_WITHOUT_REVOKE, 0,
		  P2PSIM_VIOLATION,
	       P2PSIM_STALE) },
	{},
};
