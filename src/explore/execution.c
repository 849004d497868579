/* SPDX-License-Identifier: MIT */
/*
 * One execution: setup as task 0, the tasks under the strategy, the question, teardown, the end checks.
 */
#include <errno.h>

#include <p2psim/task.h>
#include <p2psim/trace.h>

#include "core/layer.h"
#include "explore/execution.h"

int p2psim_execution_schedule(const struct p2psim_execution *x, bool with_end, char *text, size_t size)
{
	return p2psim_replay_encode(p2psim_world_schedule(x->world), x->key, with_end ? p2psim_execution_end_mark(x) : 0,
				    text, size);
}

/* The replay string up to now: what a violation carries. */
static int schedule_text(struct p2psim_world *world, char *text, size_t size)
{
	const struct p2psim_execution *x = p2psim_world_scenario(world);

	return x ? p2psim_execution_schedule(x, false, text, size) : -ENOENT;
}

const void *p2psim_scenario_data(void)
{
	const struct p2psim_world *world = p2psim_world_current();
	const struct p2psim_execution *x = world ? p2psim_world_scenario(world) : NULL;

	return x ? x->scenario->data : NULL;
}

/* 20 bits of how it ended, never 0. */
uint32_t p2psim_execution_end_mark(const struct p2psim_execution *x)
{
	const struct p2psim_violation *violation = p2psim_world_violation(x->world);
	uint64_t hash = p2psim_world_steps(x->world) * 31 + p2psim_world_end_hash(x->world);

	hash = hash * 31 + (uint64_t)x->verdict * 16 + (violation ? (uint64_t)violation->oracle : 0);
	hash = (hash ^ hash >> 20 ^ hash >> 40) & 0xfffff;
	return hash ? (uint32_t)hash : 1;
}

/* 0: all tasks have ended; else the run was given up or a violation ended it, and they stand where they stood. */
static int run_tasks(struct p2psim_execution *x)
{
	const struct p2psim_scenario *scenario = x->scenario;
	int i, error;

	p2psim_world_set_strategy(x->world, x->strategy);
	for (i = 0; i < P2PSIM_SCENARIO_TASKS && scenario->tasks[i].fn; i++)
		if (!(x->without >> i & 1))
			p2psim_task_spawn(scenario->tasks[i].name, scenario->tasks[i].fn, x->state);
	error = p2psim_run();
	p2psim_world_set_strategy(x->world, NULL);
	return error;
}

/* The question and the teardown are for an execution that came to its end: tasks that stand in the middle hold things. */
static void judge(struct p2psim_execution *x, bool finished)
{
	bool exists = false;

	if (finished && !p2psim_world_violation(x->world)) {
		exists = x->scenario->exists && x->scenario->exists(x->state);
		if (x->scenario->teardown)
			x->scenario->teardown(x->state);
		p2psim_world_check_quiescent(x->world);
	}
	x->verdict = p2psim_world_violation(x->world) ? P2PSIM_VIOLATION : exists ? P2PSIM_ALWAYS : P2PSIM_NEVER;
}

/* A violation at the place where another process died. */
static void die(struct p2psim_execution *x)
{
	const struct p2psim_death *death = x->crash;
	const unsigned int task = x->crash_early ? 0 : *x->crash_task;
	const unsigned long long hung_ms = death->hung_ms;

	p2psim_world_forgive(x->world);
	if (hung_ms && x->crash_early)
		p2psim_world_died(x->world, task, P2PSIM_PROGRESS, "setup runs for %llu ms and comes to no step", hung_ms);
	else if (hung_ms)
		p2psim_world_died(x->world, task, P2PSIM_PROGRESS, "%s runs on for %llu ms and comes to no other step",
				  p2psim_world_task_name(x->world, task), hung_ms);
	else if (x->crash_early)
		p2psim_world_died(x->world, task, P2PSIM_CRASH, "the program dies before its first step: %s", death->how);
	else
		p2psim_world_died(x->world, task, P2PSIM_CRASH, "the program dies after a step of %s: %s",
				  p2psim_world_task_name(x->world, task), death->how);
	x->verdict = P2PSIM_VIOLATION;
}

int p2psim_execution_run(struct p2psim_execution *x)
{
	x->state = p2psim_arena_alloc(x->scenario->state_size + 1);
	if (!x->state)
		return -ENOMEM;
	p2psim_world_set_schedule_text(x->world, schedule_text, x);
	x->setup_error = x->scenario->setup && !(x->crash && x->crash_early) ? x->scenario->setup(x->state) : 0;
	if (x->crash) {
		if (!x->crash_early)
			run_tasks(x);
		die(x);
	} else if (!x->setup_error) {
		judge(x, !run_tasks(x));
	} else {
		p2psim_world_check_quiescent(x->world);
		x->verdict = p2psim_world_violation(x->world) ? P2PSIM_VIOLATION : P2PSIM_NEVER;
	}
	p2psim_world_set_schedule_text(x->world, NULL, NULL);
	return 0;
}
