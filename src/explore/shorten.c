/* SPDX-License-Identifier: MIT */
/*
 * Schedules as blocks, "nic0 7 steps, app 3, nic0 the rest", which can be taken out or made longer and still mean something.
 */
#include <string.h>

#include "explore/trial.h"

static unsigned int pick_guided(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	struct p2psim_guided_strategy *guided = (struct p2psim_guided_strategy *)strategy;

	for (; guided->at < guided->count; guided->at++, guided->taken = 0) {
		const struct p2psim_block *block = &guided->blocks[guided->at];

		if (guided->taken == block->steps)
			continue;
		if (choice->adverse && block->task != choice->adverse)
			return choice->fallback;
		if (!(choice->enabled >> block->task & 1))
			continue;
		guided->taken++;
		return block->task;
	}
	return choice->fallback;
}

void p2psim_guided_begin(struct p2psim_guided_strategy *guided)
{
	guided->base.pick = pick_guided;
	guided->at = 0;
	guided->taken = 0;
}

/* A choice at which nothing went wrong. */
static bool is_no_step(const struct p2psim_node *node)
{
	return node->step.kind == P2PSIM_STEP_CHOICE && node->chosen == node->task;
}

bool p2psim_blocks_read(struct p2psim_guided_strategy *guided, const struct p2psim_search *search)
{
	size_t i;

	guided->count = 0;
	for (i = 0; i < search->depth; i++) {
		if (is_no_step(&search->nodes[i]))
			continue;
		if (guided->count && search->nodes[i].chosen == guided->blocks[guided->count - 1].task) {
			guided->blocks[guided->count - 1].steps++;
			continue;
		}
		if (guided->count == P2PSIM_BLOCKS_MAX)
			return false;
		guided->blocks[guided->count++] = (struct p2psim_block){ search->nodes[i].chosen, 1 };
	}
	return true;
}

void p2psim_blocks_cut(struct p2psim_guided_strategy *guided, size_t at, size_t count)
{
	memmove(&guided->blocks[at], &guided->blocks[at + count],
		(guided->count - at - count) * sizeof(guided->blocks[0]));
	guided->count -= count;
}
