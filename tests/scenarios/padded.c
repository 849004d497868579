/* SPDX-License-Identifier: MIT */
#include "padded.h"

#include <stdio.h>

#include <p2psim/step.h>

static const struct p2psim_scenario *inner;	/* one test at a time */

static void pad(struct p2psim_object *own)
{
	int i;

	for (i = 0; i < PADDING; i++)
		p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(own), true, "pad");
}

static void run_padded(int task, void *state)
{
	struct p2psim_object own = {};

	p2psim_object_init(&own, "own");
	pad(&own);
	inner->tasks[task].fn(state);
	pad(&own);
}

static void padded0(void *state)
{
	run_padded(0, state);
}

static void padded1(void *state)
{
	run_padded(1, state);
}

static void padded2(void *state)
{
	run_padded(2, state);
}

const struct p2psim_scenario *padded(const struct p2psim_scenario *scenario)
{
	static void (*const fns[])(void *state) = { padded0, padded1, padded2 };
	static struct p2psim_scenario copy;
	static char name[128];
	int i;

	inner = scenario;
	copy = *scenario;
	snprintf(name, sizeof(name), "%s:padding=%d", scenario->name, PADDING);
	copy.name = name;
	for (i = 0; i < 3; i++)
		if (scenario->tasks[i].fn)
			copy.tasks[i].fn = fns[i];
	return &copy;
}
