/* SPDX-License-Identifier: MIT */
/*
 * Executions that are run to learn something about one failure.
 */
#ifndef P2PSIM_EXPLORE_TRIAL_H
#define P2PSIM_EXPLORE_TRIAL_H

#include <p2psim/minimise.h>

#include "explore/search.h"

struct p2psim_trials {
	struct p2psim_execution x;
	struct p2psim_child_place *place;	/* in a process of its own: told of each execution */
	struct p2psim_search search;	/* picks, or watches who picks */
	enum p2psim_oracle oracle;	/* the failure in question; P2PSIM_NO_ORACLE: exists() is true */
	bool any;			/* the first failure of whatever kind becomes the one in question */
	bool partial;			/* the budget ended before the tree, or an execution was too long */
	uint64_t done, budget;		/* executions */
	const char *error;
};

/* A new tree: all executions of that kind are to come. */
void p2psim_trials_begin(struct p2psim_trials *t, enum p2psim_strategy_kind kind, unsigned int bound);
/* The next one of the tree, or (sampler) the one that it picks.  1 = it failed in the way in question, 0, or -errno. */
int p2psim_trial(struct p2psim_trials *t, struct p2psim_strategy *sampler);
/* After the tree's own: is there another one?  Also false when the budget is used up: `partial` then. */
bool p2psim_trials_next(struct p2psim_trials *t);
/* From one task to another, in the execution at hand. */
unsigned int p2psim_trial_adversities(const struct p2psim_trials *t);
unsigned int p2psim_trial_switches(const struct p2psim_trials *t);

/* ---- shorten.c ---- */

#define P2PSIM_BLOCKS_MAX 512

/* A task that goes on for so many steps. */
struct p2psim_block {
	uint32_t task, steps;
};

/* A schedule as blocks: a task that cannot run hands on to the next block; behind the last, the default policy. */
struct p2psim_guided_strategy {
	struct p2psim_strategy base;
	struct p2psim_block blocks[P2PSIM_BLOCKS_MAX];
	size_t count, at;
	uint32_t taken;			/* steps of the block at hand */
};

/* Those of the execution at hand; false: too many. */
bool p2psim_blocks_read(struct p2psim_guided_strategy *guided, const struct p2psim_search *search);
/* Takes blocks out. */
void p2psim_blocks_cut(struct p2psim_guided_strategy *guided, size_t at, size_t count);
/* Before each execution. */
void p2psim_guided_begin(struct p2psim_guided_strategy *guided);

/* ---- critical.c ---- */

#define P2PSIM_CRITICAL_MAX 64

/* A step that can be found again in other executions. */
struct p2psim_landmark {
	uint8_t task;
	uint16_t kind;
	uint32_t obj;
	uint64_t start;
	const char *label;
	uint32_t nth;			/* of those of this task that look the same */
	size_t at;			/* node of the minimal execution */
};

struct p2psim_critical {
	struct p2psim_landmark landmarks[2 * P2PSIM_CRITICAL_MAX];
	size_t landmark_count;
	struct { size_t first, second; } orders[P2PSIM_CRITICAL_MAX];	/* landmarks; the most telling ones first */
	size_t order_count;
	uint64_t necessary;		/* orders that hold in every failing execution */
	struct p2psim_hash_set passing;	/* what held in those that pass, a mask each */
	uint64_t executions;
};

/* Which orders there are: those of the failing execution at hand. */
void p2psim_critical_begin(struct p2psim_critical *c, const struct p2psim_search *search);
/* The execution at hand.  0 or -ENOMEM. */
int p2psim_critical_add(struct p2psim_critical *c, const struct p2psim_search *search, bool failed);
/* Fewest orders that tell failing from passing; their number, and indexes into orders[]. */
unsigned int p2psim_critical_solve(const struct p2psim_critical *c, unsigned int chosen[P2PSIM_ORDERS_MAX],
				   bool *exact);
void p2psim_critical_free(struct p2psim_critical *c);

/* ---- names.c ---- */

/*
 * Runs the minimal schedule in the world, which keeps a trace: fills in the steps of minimal->orders (`at`: two nodes each),
 * its verdict and its violation.  0 or -errno.
 */
int p2psim_name_orders(struct p2psim_trials *t, struct p2psim_guided_strategy *schedule,
		       const size_t at[2 * P2PSIM_ORDERS_MAX], struct p2psim_minimal *minimal);

#endif
