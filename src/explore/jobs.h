/* SPDX-License-Identifier: MIT */
/*
 * Worker processes, from inside: what the parent (jobs.c) and a worker (worker.c) share.
 */
#ifndef P2PSIM_EXPLORE_JOBS_H
#define P2PSIM_EXPLORE_JOBS_H

#include <sys/types.h>

#include "explore/child.h"
#include "explore/exploration.h"

#define P2PSIM_JOBS_MAX 64
#define P2PSIM_CRASHES_MAX 64
#define P2PSIM_NO_PART UINT64_MAX

/* Where a worker is; it outlives the worker. */
struct p2psim_worker_place {
	struct p2psim_child_place at;
	volatile uint64_t part, execution;
	volatile bool scouting;
	struct p2psim_progress_live live;
};

struct p2psim_jobs_shared {
	uint64_t next;			/* part, as this shard counts, that nobody has taken */
	uint64_t parts;			/* so many there are; 0 = not known yet */
	volatile uint64_t stop;		/* parts from here on are not wanted */
	struct p2psim_worker_place places[P2PSIM_JOBS_MAX];
};

struct p2psim_jobs_crash {
	uint64_t part, execution, decisions;
	struct p2psim_death death;
};

/* What a worker sends of each part, and, as part P2PSIM_NO_PART, when it has come to its end. */
struct p2psim_jobs_message {
	uint64_t part;			/* as this shard counts */
	struct p2psim_explore_result result;
	uint64_t best_steps, traces, failing;	/* so many hashes follow */
	uint64_t orders;		/* and then so many orders of conflict pairs, new ones */
	int error;
	bool found, interrupted;
};

struct p2psim_finding {
	struct p2psim_jobs_message message;
	uint64_t *hashes;
	struct p2psim_coverage_order *orders;
	bool here;
};

struct p2psim_worker {
	pid_t pid;
	int fd;
	bool ended;			/* said so */
	struct p2psim_watch watch;
};

struct p2psim_jobs {
	struct p2psim_exploration *e;
	enum p2psim_strategy_kind kind;
	unsigned int bound, count;
	struct p2psim_jobs_shared *shared;
	struct p2psim_worker workers[P2PSIM_JOBS_MAX];
	bool undivided;			/* one part: so it is wanted, or it dies within the first steps */
	struct p2psim_jobs_crash crashes[P2PSIM_CRASHES_MAX];
	unsigned int crash_count;
	struct p2psim_finding *findings;	/* by part, as this shard counts */
	size_t space;
	uint64_t added;			/* parts added up, in order */
	uint64_t looked_ms;		/* when the workers were last watched */
	bool stopped;
	/* of a worker */
	struct p2psim_worker_place *place;
	uint64_t mine;			/* samples: the part at hand */
	size_t told;			/* orders of conflict pairs that the parent knows */
	int out;
};

/* All that a worker does, beginning with part `mine` (P2PSIM_NO_PART: the next that nobody has). */
void p2psim_worker_run(struct p2psim_jobs *jobs, uint64_t mine) __attribute__((noreturn));

#endif
