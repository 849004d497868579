/* SPDX-License-Identifier: MIT */
/*
 * Drivers under test that die, or loop without a step, in one interleaving of three:
 *
 *	writer			victim
 *	step a
 *	value = 1
 *				reads 1: dies
 *	value = 0
 */
#ifndef TESTS_DYING_H
#define TESTS_DYING_H

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <p2psim/scenario.h>
#include <p2psim/step.h>

struct dying {
	struct p2psim_object obj;
	int value;
};

static inline int dying_setup(void *state)
{
	p2psim_object_init(&((struct dying *)state)->obj, "value");
	return 0;
}

static inline void dying_write(void *state)
{
	struct dying *dying = state;

	p2psim_step("a");
	p2psim_step_on(P2PSIM_STEP_WRITE, dying->obj.id, true, NULL);
	dying->value = 1;
	p2psim_step_on(P2PSIM_STEP_WRITE, dying->obj.id, true, NULL);
	dying->value = 0;
}

static inline bool dying_sees_it(struct dying *dying)
{
	p2psim_step_on(P2PSIM_STEP_READ, dying->obj.id, false, NULL);
	return dying->value;
}

static inline void dying_by_signal(void *state)
{
	if (dying_sees_it(state))
		raise(SIGKILL);
}

static inline void dying_by_exit(void *state)
{
	if (dying_sees_it(state))
		_exit(0);
}

static inline void dying_never(void *state)
{
	if (dying_sees_it(state))
		for (;;)
			__asm__ volatile("");
}

static inline int dying_in_setup(void *state)
{
	(void)state;
	abort();
}

static inline int dying_never_in_setup(void *state)
{
	dying_setup(state);
	((struct dying *)state)->value = 1;
	dying_never(state);
	return 0;
}

static inline struct p2psim_scenario dying_scenario(void (*fn)(void *), enum p2psim_oracle oracle)
{
	return (struct p2psim_scenario){
		.name = "dying", .question = "Does it die?", .state_size = sizeof(struct dying), .setup = dying_setup,
		.tasks = { { "writer", dying_write }, { "victim", fn } }, .expect = P2PSIM_VIOLATION, .oracle = oracle,
	};
}

#endif
