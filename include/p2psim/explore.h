/* SPDX-License-Identifier: MIT */
/*
 * All interleavings of a scenario, or a sample of them, with a verdict and exact counts.
 *
 *	naive	every interleaving				the plain truth; tiny scenarios only
 *	sleep	one interleaving a trace, by sleep sets alone	no race analysis: the judge of dpor
 *	dpor	one interleaving a trace, by source sets	full verification
 *	icb	every interleaving with at most k preemptions	finds the simplest counterexample
 *	random, pct, pos	samples
 *	auto	icb 0, 1, 2; then dpor; then samples (pos).  A number of executions is the budget of each of them; of a time,
 *		dpor leaves the last quarter to the samples
 *
 * A trace is a class of interleavings that differ only in the order of steps that do not touch the same thing.
 */
#ifndef P2PSIM_EXPLORE_H
#define P2PSIM_EXPLORE_H

#include <p2psim/scenario.h>

P2PSIM_BEGIN_DECLS

enum p2psim_strategy_kind {
	P2PSIM_EXPLORE_AUTO,
	P2PSIM_EXPLORE_ICB,
	P2PSIM_EXPLORE_DPOR,
	P2PSIM_EXPLORE_SLEEP,
	P2PSIM_EXPLORE_NAIVE,
	P2PSIM_EXPLORE_RANDOM,
	P2PSIM_EXPLORE_PCT,
	P2PSIM_EXPLORE_POS,
};

/* One execution that came to its end, told while its state still stands. */
struct p2psim_explored {
	void *state;			/* of the scenario */
	enum p2psim_verdict verdict;	/* of this execution */
	const struct p2psim_violation *violation; /* or NULL */
	uint64_t trace;			/* hash of its trace; 0 when traces are not counted */
	unsigned int preemptions;
	uint64_t steps;
};

/* How far an exploration is. */
struct p2psim_explore_progress {
	enum p2psim_strategy_kind strategy;	/* of the search at hand */
	unsigned int preemptions;	/* icb: at most */
	uint64_t executions, redundant;	/* as in the result, so far */
	uint64_t found;			/* executions that violate or exist */
	size_t depth;			/* decisions of the execution at hand; 0 with jobs */
	uint64_t elapsed_ms, stage_ms;	/* since the beginning, and that of the search at hand */
	/*
	 * How much of the search at hand is done, in millionths: of its budget, or, where that says more, an estimate of the
	 * tree, in which every branch of a node counts the same (Knuth, 1975).  dpor finds branches as it goes: it may sink.
	 */
	unsigned int done_ppm;
};

struct p2psim_coverage;

#define P2PSIM_MAX_DEPTH 1000000u
#define P2PSIM_DEPTH_MAX 16

struct p2psim_explore_options {
	enum p2psim_strategy_kind strategy;
	unsigned int preemptions;	/* icb: at most */
	unsigned int depth;		/* pct: d, up to P2PSIM_DEPTH_MAX; 0 = 3 */
	uint64_t seed;			/* random, pct, pos, and the samples of auto */
	uint64_t max_depth;		/* steps of one execution; longer ones are cut and counted; 0 = P2PSIM_MAX_DEPTH */
	uint64_t budget;		/* executions; 0 = no bound (samples: 10,000, or until budget_ms) */
	uint64_t budget_ms;		/* of time, looked at between executions; 0 = no bound */
	bool count_traces;		/* naive, icb and samples: collect the traces too */
	bool check_determinism;		/* run each execution twice and compare its steps: half as fast */
	/*
	 * Worker processes; 0 = all in this one.  A driver under test that dies takes its worker with it, and is a CRASH
	 * violation with its schedule.  What comes out does not depend on how many there are, nor on their timing (but
	 * redundant executions and pct samples differ from those without workers).  The budget is looked at between parts.
	 */
	unsigned int jobs;
	/*
	 * All in one worker process, in the order in which this one would do it: the same counts, and a driver that dies is a
	 * CRASH as well.  Nothing more with jobs or shards.
	 */
	bool isolate;
	/*
	 * In workers: a task (or setup) that takes no step for so long is a PROGRESS violation with its schedule; 0 = it may.
	 * The only verdict that depends on the machine: choose it generously.
	 */
	uint64_t hang_ms;
	unsigned int shard, shards;	/* only the shard-th part of all, 1 to shards, in workers; 0 = everything */
	/*
	 * Retries that changed nothing (<p2psim/retry.h>) are not explored: the executions in which the task waited instead
	 * are there anyway.  Far fewer traces, the same safety; livelocks are not looked for.
	 */
	bool pure_retry;
	bool keep_going;		/* do not stop at the first unexpected end: count them all */
	/* Told of each execution (redundant and cut ones aside); may be NULL. */
	void (*on_execution)(const struct p2psim_explored *explored, void *arg);
	void *on_execution_arg;		/* not with jobs or shards */
	/* Told four times a second at most, and at the end; may be NULL.  Nothing that is explored depends on it. */
	void (*on_progress)(const struct p2psim_explore_progress *progress, void *arg);
	void *on_progress_arg;
	/* <p2psim/coverage.h>: conflict pairs of all executions but redundant and cut ones are added; NULL = none. */
	struct p2psim_coverage *coverage;
};

#define P2PSIM_STAGES_MAX 8

/* One search of an exploration: auto has several, icb one for each number of preemptions. */
struct p2psim_explore_stage {
	enum p2psim_strategy_kind strategy;
	unsigned int preemptions;	/* icb: at most */
	uint64_t executions;
	bool whole;			/* all that there are; a sample never is */
};

struct p2psim_explore_result {
	enum p2psim_verdict verdict;	/* over all executions */
	bool as_expected;
	bool complete;			/* nothing was left out: the verdict is a proof within the model */
	uint64_t executions;		/* that ran to an end, redundant ones excluded */
	uint64_t redundant;		/* given up because a sleep set showed that they repeat a trace */
	uint64_t collapsed;		/* pure_retry: given up at a retry without effect */
	uint64_t cut;			/* reached max_depth: too long, or endless; nothing is known of their end */
	uint64_t traces;		/* distinct; 0 when not counted */
	uint64_t traces_hash;		/* of the set of traces, whatever the order in which they came */
	uint64_t exists;		/* executions in which the question's answer was yes */
	uint64_t violations, deadlocks;	/* executions that ended with one; deadlocks are among the violations */
	uint64_t crashes;		/* among the violations: the process died, or hung */
	uint64_t failing_traces;	/* distinct traces that violate or exist */
	uint64_t steps, steps_max;	/* of all, and of the longest */
	struct p2psim_explore_stage stages[P2PSIM_STAGES_MAX]; /* what was done, in order; the last ones when there are more */
	unsigned int stage_count;
	unsigned int preemptions_min;	/* fewest of any execution that violates or exists; UINT_MAX if none does */
	struct p2psim_violation violation; /* of the one with the fewest preemptions, then steps */
	char schedule[128];		/* and its replay string */
	char error[256];
};

/*
 * Explores.  0; -EINVAL with result->error (a scenario that does not repeat itself, more than 64 tasks, a failing
 * setup, options that do not fit the strategy or each other); -EILSEQ with result->error (check_determinism: which step
 * differs); -ENOMEM.
 */
P2PSIM_EXPORT int p2psim_explore(const struct p2psim_scenario *scenario, const struct p2psim_explore_options *options,
				 struct p2psim_explore_result *result);
P2PSIM_EXPORT const char *p2psim_strategy_name(enum p2psim_strategy_kind kind);

/*
 * Options that do not belong to every strategy, by their names on the command line: "preemptions", "depth", "seed", "shard".
 * p2psim_explore() refuses one that is set (not 0) with a strategy that does not take it.
 */
P2PSIM_EXPORT const char *p2psim_strategy_option(size_t index);	/* NULL behind the last one */
P2PSIM_EXPORT bool p2psim_strategy_takes(enum p2psim_strategy_kind kind, const char *option);
/* 0, or -EINVAL with a sentence: "depth is an option of pct, not of dpor". */
P2PSIM_EXPORT int p2psim_strategy_check(enum p2psim_strategy_kind kind, const char *option, char *error, size_t size);

P2PSIM_END_DECLS

#endif
