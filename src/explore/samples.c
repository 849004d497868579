/* SPDX-License-Identifier: MIT */
/*
 * Sampling strategies with a memory: PCT and POS.
 *
 * pct (Burckhardt et al. 2010): tasks have random priorities, the highest enabled one runs; at d-1 random steps of the
 * execution the running task drops below all others.  k, the length, is the longest run seen so far.
 *
 * pos (Yuan et al. 2018): each pending step has a random priority, the highest runs; those of steps that depend on it are
 * drawn anew.
 */
#include <string.h>

#include "explore/samples.h"

static uint64_t draw(struct p2psim_sampler *sampler)
{
	uint64_t x = sampler->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (x ^ x >> 31) | 1;
}

static unsigned int highest(const struct p2psim_sampler *sampler, uint64_t enabled)
{
	unsigned int best = (unsigned int)__builtin_ctzll(enabled), task;

	for (; enabled; enabled &= enabled - 1) {
		task = (unsigned int)__builtin_ctzll(enabled);
		if (sampler->priority[task] > sampler->priority[best])
			best = task;
	}
	return best;
}

static void draw_missing(struct p2psim_sampler *sampler, uint64_t enabled)
{
	for (; enabled; enabled &= enabled - 1) {
		unsigned int task = (unsigned int)__builtin_ctzll(enabled);

		if (!sampler->priority[task])
			sampler->priority[task] = draw(sampler) | 1ull << 63;
	}
}

/* One in eight: rarely enough that not always the first occasions are taken. */
static unsigned int outcome(struct p2psim_sampler *sampler, const struct p2psim_choice *choice)
{
	return draw(sampler) >> 61 ? choice->last : choice->adverse;
}

static unsigned int pick_pct(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	struct p2psim_sampler *sampler = (struct p2psim_sampler *)strategy;
	unsigned int task, i;

	if (choice->adverse)
		return outcome(sampler, choice);
	draw_missing(sampler, choice->enabled);
	if (!(choice->enabled & (choice->enabled - 1)))
		return choice->fallback; /* a step without alternatives does not count */
	task = highest(sampler, choice->enabled);
	sampler->steps++;
	for (i = 0; i + 1 < sampler->depth; i++)
		if (sampler->change[i] == sampler->steps)
			sampler->priority[task] = sampler->depth - i; /* below all that was drawn */
	return highest(sampler, choice->enabled);
}

static unsigned int pick_pos(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	struct p2psim_sampler *sampler = (struct p2psim_sampler *)strategy;
	unsigned int task, other;
	uint64_t rest;

	if (choice->adverse)
		return outcome(sampler, choice);
	draw_missing(sampler, choice->enabled);
	task = highest(sampler, choice->enabled);
	for (rest = choice->enabled & ~(1ull << task); rest; rest &= rest - 1) {
		other = (unsigned int)__builtin_ctzll(rest);
		if (p2psim_steps_depend(p2psim_task_pending(choice->world, task), p2psim_task_pending(choice->world, other)))
			sampler->priority[other] = 0;
	}
	sampler->priority[task] = 0;
	return task;
}

void p2psim_sampler_init(struct p2psim_sampler *sampler, enum p2psim_strategy_kind kind, unsigned int depth, uint64_t seed)
{
	memset(sampler, 0, sizeof(*sampler));
	sampler->base.pick = kind == P2PSIM_EXPLORE_PCT ? pick_pct : pick_pos;
	sampler->depth = depth && depth <= P2PSIM_DEPTH_MAX ? depth : 3;
	sampler->seed = seed;
}

void p2psim_sampler_begin(struct p2psim_sampler *sampler, uint64_t execution)
{
	unsigned int i;

	if (sampler->steps > sampler->longest)
		sampler->longest = sampler->steps;
	sampler->steps = 0;
	sampler->state = sampler->seed * 0x2545f4914f6cdd1dull + execution;
	memset(sampler->priority, 0, sizeof(sampler->priority));
	for (i = 0; i + 1 < sampler->depth; i++)
		sampler->change[i] = sampler->longest ? 1 + draw(sampler) % sampler->longest : 0;
}
