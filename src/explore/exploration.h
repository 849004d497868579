/* SPDX-License-Identifier: MIT */
/*
 * An exploration at work: what the loop in one process (explore.c) and the worker processes (jobs.c) share.
 */
#ifndef P2PSIM_EXPLORE_EXPLORATION_H
#define P2PSIM_EXPLORE_EXPLORATION_H

#include "explore/coverage.h"
#include "explore/determinism.h"
#include "explore/search.h"

#define P2PSIM_SAMPLES_PART 256		/* samples that a worker takes at once */

/* How far a worker is, in memory that it shares: of the part at hand. */
struct p2psim_progress_live {
	volatile uint64_t executions, redundant, found, depth;
	volatile unsigned int done_ppm;	/* of the search tree, if there is one part only */
	uint64_t calls;
};

struct p2psim_worker_place;

/* What on_progress is told from. */
struct p2psim_progress {
	enum p2psim_strategy_kind kind;	/* of the search at hand */
	unsigned int bound;
	uint64_t start_ms, stage_ms, told_ms;	/* of all, of the search at hand, of the last telling */
	uint64_t executions_before;	/* of the search at hand */
	uint64_t parts, parts_done;	/* in workers; 0 = not known yet */
	const struct p2psim_worker_place *places;	/* of workers; NULL = none are at work */
	unsigned int place_count;
	struct p2psim_progress_live *live;	/* a worker: tells its parent, and nobody else */
};

struct p2psim_exploration {
	const struct p2psim_explore_options *options;
	struct p2psim_explore_result *result;
	struct p2psim_execution x;
	struct p2psim_search search;
	struct p2psim_determinism determinism;	/* with options->check_determinism */
	struct p2psim_hash_set traces, failing;
	uint64_t best_steps;		/* of the violation that is kept */
	uint64_t deadline_ms;		/* by the monotonic clock; 0 = none */
	bool interrupted;		/* the budget is used up */
	/* Told before each sample; may be NULL. */
	void (*before_sample)(void *arg, uint64_t n);
	void *before_sample_arg;
	bool found;			/* something unexpected: stop unless keep_going */
	struct p2psim_progress progress;
};

static inline bool p2psim_is_sampling(enum p2psim_strategy_kind kind)
{
	return kind >= P2PSIM_EXPLORE_RANDOM;
}

/* Monotonic.  The only look at real time: it decides how much is explored and what is told, never what an execution does. */
uint64_t p2psim_now_ms(void);
/* progress.c: a search begins; somewhere in it; all is done. */
void p2psim_progress_stage(struct p2psim_exploration *e, enum p2psim_strategy_kind kind, unsigned int bound);
void p2psim_progress_tell(struct p2psim_exploration *e);
void p2psim_progress_end(struct p2psim_exploration *e);

/* A fresh search tree for one strategy, or one level of icb. */
void p2psim_exploration_start(struct p2psim_exploration *e, enum p2psim_strategy_kind kind, unsigned int bound);
/* The next execution of the search tree, counted unless the tree skips it.  0 or what p2psim_explore() returns. */
int p2psim_exploration_step(struct p2psim_exploration *e);
/* Samples [from, to).  The same. */
int p2psim_exploration_sample(struct p2psim_exploration *e, enum p2psim_strategy_kind kind, uint64_t from, uint64_t to);
bool p2psim_exploration_may_go_on(struct p2psim_exploration *e);
bool p2psim_exploration_out_of_time(const struct p2psim_exploration *e);
uint64_t p2psim_exploration_samples(const struct p2psim_exploration *e);
/* Adds the counts that another process found; traces aside. */
void p2psim_exploration_add(struct p2psim_exploration *e, const struct p2psim_explore_result *more, uint64_t best_steps);

/* One strategy, or one level of icb, in worker processes. */
int p2psim_jobs_run(struct p2psim_exploration *e, enum p2psim_strategy_kind kind, unsigned int bound);

#endif
