/* SPDX-License-Identifier: MIT */
/* Sampling strategies that keep priorities. */
#ifndef P2PSIM_EXPLORE_SAMPLES_H
#define P2PSIM_EXPLORE_SAMPLES_H

#include "explore/search.h"


struct p2psim_sampler {
	struct p2psim_strategy base;
	unsigned int depth;			/* pct: d */
	uint64_t seed, state;
	uint64_t steps, longest;		/* with a choice, of this execution and of the longest */
	uint64_t change[P2PSIM_DEPTH_MAX];	/* pct: at these the running task drops */
	uint64_t priority[P2PSIM_TASKS_MAX];	/* 0 = to be drawn */
};

void p2psim_sampler_init(struct p2psim_sampler *sampler, enum p2psim_strategy_kind kind, unsigned int depth, uint64_t seed);
/* Before the n-th execution: each is a function of (seed, n) and of the longest before. */
void p2psim_sampler_begin(struct p2psim_sampler *sampler, uint64_t execution);

#endif
