/* SPDX-License-Identifier: MIT */
/*
 * The search tree of systematic exploration, from inside.
 */
#ifndef P2PSIM_EXPLORE_SEARCH_H
#define P2PSIM_EXPLORE_SEARCH_H

#include <p2psim/explore.h>

#include "explore/execution.h"

#define P2PSIM_SEARCH_TASKS 32

/*
 * A moment of the execution at hand: the state before one step, and that step.  `step`, `nth` and `clock` belong to the
 * task chosen; they are rewritten when another is chosen.
 */
struct p2psim_node {
	uint64_t enabled;
	uint64_t back;			/* to be tried here */
	uint64_t done;			/* tried here */
	uint64_t sleep;			/* need not be tried: an earlier branch covers it */
	uint8_t chosen;			/* a task, or P2PSIM_ADVERSE_BIT + a task: its other outcome */
	uint8_t task;			/* whose step it is */
	uint8_t last;			/* who took the step before */
	uint16_t preemptions;		/* of the execution, this step included */
	uint16_t nth;			/* the chosen task's n-th step, from 1 */
	uint16_t place;			/* of the step: p2psim_coverage_number() */
	int32_t previous;		/* index of the chosen task's step before; -1 = none */
	uint64_t trace;			/* hash of the trace up to this step */
	struct p2psim_op step;
	uint16_t clock[P2PSIM_SEARCH_TASKS];	/* how many steps of each task happen before or at this one */
};

/*
 * What a walk over earlier steps asks first, close together: whose it is, and a bit for each object that it names (two
 * may share one: where the bits meet, the steps are compared).
 */
struct p2psim_glance {
	uint64_t names, writes;
	uint16_t nth;
	uint8_t task;
};

/* A set of 64-bit hashes; 0 stands for itself. */
struct p2psim_hash_set {
	uint64_t *slots;
	size_t count, space;
	bool has_zero;
};
/* 1 = new, 0 = known, -ENOMEM. */
int p2psim_hash_set_add(struct p2psim_hash_set *set, uint64_t hash);
void p2psim_hash_set_free(struct p2psim_hash_set *set);
/* Of the members, in any order. */
uint64_t p2psim_hash_set_sum(const struct p2psim_hash_set *set);

struct p2psim_search {
	struct p2psim_strategy base;
	enum p2psim_strategy_kind kind;
	unsigned int bound;		/* icb: preemptions */
	struct p2psim_strategy *sampler; /* who picks instead, the tree only watching; NULL = the tree */
	struct p2psim_world *world;
	struct p2psim_node *nodes;
	struct p2psim_glance *glances;	/* of the nodes; filled with want_clocks */
	size_t space;
	size_t depth;			/* steps of the execution so far */
	size_t fixed;			/* the first ones are prescribed */
	size_t max_depth;
	int32_t latest[P2PSIM_SEARCH_TASKS];	/* index of each task's newest step */
	bool redundant;			/* a sleep set covers the rest */
	bool cut;
	bool diverged;			/* the scenario did not repeat itself */
	bool no_memory;
	unsigned int tasks;		/* all that took a step have a smaller index */
	bool want_clocks;
	bool want_steps;		/* false: nobody asks the nodes what their steps were */
	/*
	 * Without preemption all steps up to where a task waits go together, and two such blocks depend if any of their
	 * steps do: what the next step alone depends on says little, so every branch is taken.  They are few.
	 */
	bool in_blocks;
	/*
	 * The tree in parts: at the first `split` nodes every branch is taken, source sets begin below; a part is what
	 * comes after the same first decisions, numbered from 0 in the order of the search.
	 */
	size_t split;
	uint64_t part;
	bool skip;			/* this part is not wanted */
	bool skipped;			/* the nodes are no whole execution: it was ended, or cut, for that */
	size_t stop_at;			/* end after so many decisions; 0 = never */
	unsigned int stopped_task;
	volatile uint64_t *decisions;	/* told how many were taken; may be NULL */
	struct p2psim_coverage *coverage; /* to be told of each step's place; NULL = none */
	size_t covered;			/* nodes whose conflicts coverage.c has seen */
};

static inline unsigned int p2psim_search_task(unsigned int chosen)
{
	return chosen % P2PSIM_ADVERSE_BIT;
}

/* All that the task can be chosen for. */
static inline uint64_t p2psim_search_outcomes(unsigned int task)
{
	return 1ull << task | 1ull << (task + P2PSIM_ADVERSE_BIT);
}

void p2psim_search_init(struct p2psim_search *search, enum p2psim_strategy_kind kind, unsigned int bound);
void p2psim_search_free(struct p2psim_search *search);
/* Before each execution. */
void p2psim_search_begin(struct p2psim_search *search, struct p2psim_world *world);
/* After it: prepares the next branch; false when all is done. */
bool p2psim_search_next(struct p2psim_search *search);
/* An estimate of how much of the tree is done, in millionths: each branch at a node counts the same. */
unsigned int p2psim_search_done_ppm(const struct p2psim_search *search);
/* The hash of the trace that the execution at hand belongs to. */
uint64_t p2psim_search_trace(const struct p2psim_search *search);
unsigned int p2psim_search_preemptions(const struct p2psim_search *search);

/* Do two steps of different tasks depend: the same object, overlapping parts, at least one write? */
bool p2psim_steps_depend(const struct p2psim_op *a, const struct p2psim_op *b);

struct p2psim_glance p2psim_search_glance(const struct p2psim_op *op);
/* The clock of a task's step before: its index, or -1 for none. */
const uint16_t *p2psim_search_past(const struct p2psim_search *search, int32_t previous);

/* False: the two do not depend. */
static inline bool p2psim_glances_meet(const struct p2psim_glance *a, const struct p2psim_glance *b)
{
	return (a->writes & b->names) | (a->names & b->writes);
}

/* What happens before `other` happens before `clock` too. */
static inline void p2psim_search_join(const struct p2psim_search *search, uint16_t *clock, const uint16_t *other)
{
	unsigned int t;

	for (t = 0; t < search->tasks; t++)
		if (other[t] > clock[t])
			clock[t] = other[t];
}

/* How many of the first `end` steps are not in the past that `clock` tells: a walk back need not go beyond the last. */
static inline size_t p2psim_search_unordered(const struct p2psim_search *search, const uint16_t *clock, size_t end)
{
	unsigned int t;

	for (t = 0; t < search->tasks; t++)
		end -= clock[t];
	return end;
}

/*
 * dpor.c: which branches source sets ask for, once a step is settled, and for what still waits at the end; `asleep` need
 * not be looked at then.
 */
void p2psim_dpor_at_step(struct p2psim_search *search, size_t at);
void p2psim_dpor_at_end(struct p2psim_search *search, uint64_t asleep);

#endif
