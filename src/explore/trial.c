/* SPDX-License-Identifier: MIT */
/*
 * One trial: an execution and whether it fails in the way in question.
 */
#include <errno.h>

#include "explore/trial.h"

void p2psim_trials_begin(struct p2psim_trials *t, enum p2psim_strategy_kind kind, unsigned int bound)
{
	p2psim_search_free(&t->search);
	p2psim_search_init(&t->search, kind, bound);
	t->partial = false;
}

static bool fails_in_that_way(struct p2psim_trials *t)
{
	const struct p2psim_violation *violation = p2psim_world_violation(t->x.world);
	enum p2psim_oracle oracle = violation ? violation->oracle : P2PSIM_NO_ORACLE;

	if (!violation && t->x.verdict != P2PSIM_ALWAYS)
		return false;
	if (t->any) {
		t->any = false;
		t->oracle = oracle;
	}
	return oracle == t->oracle;
}

static int give_up(struct p2psim_trials *t, const char *why, int error)
{
	t->error = why;
	return error;
}

int p2psim_trial(struct p2psim_trials *t, struct p2psim_strategy *sampler)
{
	int error;

	t->search.sampler = sampler;
	t->x.strategy = &t->search.base;
	p2psim_search_begin(&t->search, t->x.world);
	p2psim_world_reset(t->x.world);
	t->done++;
	if (t->place)
		t->place->beats++;
	error = p2psim_execution_run(&t->x);
	if (error)
		return error;
	if (t->x.setup_error)
		return give_up(t, "the scenario's setup fails", -EINVAL);
	if (t->search.no_memory)
		return give_up(t, "more than 32 tasks, or no memory for the search tree", -ENOMEM);
	if (t->search.diverged || t->search.depth < t->search.fixed)
		return give_up(t, "the scenario does not repeat itself: the same decisions led to another choice", -EINVAL);
	return !t->search.redundant && !t->search.cut && fails_in_that_way(t);
}

bool p2psim_trials_next(struct p2psim_trials *t)
{
	if (t->search.cut)
		t->partial = true;
	if (t->done >= t->budget) {
		t->partial = true;
		return false;
	}
	return p2psim_search_next(&t->search);
}

unsigned int p2psim_trial_adversities(const struct p2psim_trials *t)
{
	unsigned int adversities = 0;
	size_t i;

	for (i = 0; i < t->search.depth; i++)
		adversities += t->search.nodes[i].chosen != t->search.nodes[i].task;
	return adversities;
}

unsigned int p2psim_trial_switches(const struct p2psim_trials *t)
{
	unsigned int switches = 0;
	size_t i;

	for (i = 1; i < t->search.depth; i++)
		switches += t->search.nodes[i].task != t->search.nodes[i - 1].task;
	return switches;
}
