/* SPDX-License-Identifier: MIT */
/*
 * Is an execution a function of its decisions?  It is run again, with the same decisions, in another world, whose memory
 * lies elsewhere and whose moment is another one: the steps must be the same.
 */
#ifndef P2PSIM_EXPLORE_DETERMINISM_H
#define P2PSIM_EXPLORE_DETERMINISM_H

#include "explore/execution.h"

struct p2psim_taken {
	struct p2psim_op op;
	uint64_t enabled;
	unsigned int task;
};

struct p2psim_determinism {
	struct p2psim_strategy base;	/* writes down what `inner` picks; or repeats it */
	struct p2psim_strategy *inner;
	struct p2psim_world *first, *second;
	struct p2psim_taken *steps;
	size_t count, space;
	size_t at;			/* of the repetition */
	bool no_memory;
	char error[256];
};

/* 0 or -ENOMEM.  The entered world stays entered. */
int p2psim_determinism_init(struct p2psim_determinism *d, const struct p2psim_config *config);
void p2psim_determinism_free(struct p2psim_determinism *d);
/* What to run an execution with, in the place of `inner`. */
struct p2psim_strategy *p2psim_determinism_record(struct p2psim_determinism *d, struct p2psim_strategy *inner);
/* After it: once more.  0; -EILSEQ with d->error; -ENOMEM. */
int p2psim_determinism_repeat(struct p2psim_determinism *d, const struct p2psim_execution *x);

#endif
