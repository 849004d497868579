/* SPDX-License-Identifier: MIT */
/*
 * One execution of a scenario in a world, under whatever strategy: what a single run and an exploration share.
 */
#ifndef P2PSIM_EXPLORE_EXECUTION_H
#define P2PSIM_EXPLORE_EXECUTION_H

#include "explore/child.h"
#include "explore/internal.h"

struct p2psim_execution {
	const struct p2psim_scenario *scenario;
	struct p2psim_world *world;	/* entered and just reset */
	struct p2psim_strategy *strategy;
	struct p2psim_replay_key key;
	uint32_t without;		/* mask of the scenario's tasks that are left out */
	/* How it dies, known from a process that did: it is ended before that.  NULL: it lives. */
	const struct p2psim_death *crash;
	bool crash_early;		/* before the first step */
	const unsigned int *crash_task;	/* who took the last step */
	void *state;
	/* how it went */
	int setup_error;
	enum p2psim_verdict verdict;	/* of this execution: NEVER, ALWAYS or VIOLATION */
};

/* setup, tasks, exists, teardown, end checks.  0 or -ENOMEM. */
int p2psim_execution_run(struct p2psim_execution *x);
/* Replay string of what was decided so far; with_end adds the END part. */
int p2psim_execution_schedule(const struct p2psim_execution *x, bool with_end, char *text, size_t size);
uint32_t p2psim_execution_end_mark(const struct p2psim_execution *x);

#endif
