/* SPDX-License-Identifier: MIT */
/*
 * Strategies and the replay string, from inside.
 */
#ifndef P2PSIM_EXPLORE_INTERNAL_H
#define P2PSIM_EXPLORE_INTERNAL_H

#include <p2psim/scenario.h>

#include "core/strategy.h"

#define P2PSIM_REPLAY_MAX 128		/* characters of a replay string that a result can hold */
#define P2PSIM_DIRECTED_MAX 64		/* stops of a directed schedule */

/* What a string is checked against: which scenario, in which world. */
struct p2psim_replay_key {
	uint32_t scenario;		/* 20 bits */
	uint32_t config;		/* 10 bits */
};

struct p2psim_replay_key p2psim_replay_key(const char *scenario, const struct p2psim_config *config, uint64_t fail_nth);
/* Writes the string; `end` 0: no END part.  Returns its length, or -ENOSPC. */
int p2psim_replay_encode(const struct p2psim_schedule *schedule, struct p2psim_replay_key key, uint32_t end, char *text,
			 size_t size);
/*
 * Reads a string into deviations (at most `space`).  0 and *count, *end (0: none); -EINVAL with a sentence in error[256]:
 * not a replay string, damaged, of another scenario, of another configuration.
 */
int p2psim_replay_decode(const char *text, struct p2psim_replay_key key, struct p2psim_deviation *deviations,
			 size_t space, size_t *count, uint32_t *end, char *error);

struct p2psim_random_strategy {
	struct p2psim_strategy base;
	uint64_t state;
};
void p2psim_random_init(struct p2psim_random_strategy *random, uint64_t seed);

struct p2psim_replay_strategy {
	struct p2psim_strategy base;
	struct p2psim_deviation deviations[P2PSIM_REPLAY_MAX];
	size_t count, next;
	uint32_t end;
	uint64_t since, choices;
	bool prefix;			/* go on by the default policy where the string does not fit */
	char error[256];
};
void p2psim_replay_init(struct p2psim_replay_strategy *replay, bool prefix);

struct p2psim_directed_strategy {
	struct p2psim_strategy base;
	const char *rest;		/* of the schedule that is still to come */
	char task[32], label[64];	/* the stop at hand; label "" = until done or blocked */
	char error[256];
};
void p2psim_directed_init(struct p2psim_directed_strategy *directed, const char *schedule);
/* Nothing is left to come?  Else an error: a stop that was never reached. */
void p2psim_directed_finish(struct p2psim_directed_strategy *directed);

struct p2psim_default_strategy {
	struct p2psim_strategy base;
};
void p2psim_default_init(struct p2psim_default_strategy *plain);

#endif
