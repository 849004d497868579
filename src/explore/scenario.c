/* SPDX-License-Identifier: MIT */
/*
 * One execution of a scenario: world reset, setup, tasks under a strategy, the question, teardown, the end checks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <p2psim/inject.h>
#include <p2psim/task.h>

#include "core/layer.h"
#include "explore/internal.h"

/* All that one execution needs; lives on the stack of whoever runs it. */
struct execution {
	const struct p2psim_scenario *scenario;
	const struct p2psim_run_options *options;
	struct p2psim_run_result *result;
	struct p2psim_world *world;
	struct p2psim_replay_key key;
	void *state;
	union {
		struct p2psim_strategy base;
		struct p2psim_default_strategy plain;
		struct p2psim_random_strategy random;
		struct p2psim_replay_strategy replay;
		struct p2psim_directed_strategy directed;
	} strategy;
	enum p2psim_policy policy;
};

const char *p2psim_verdict_name(enum p2psim_verdict verdict)
{
	static const char *const names[] = { "NEVER", "SOMETIMES", "ALWAYS", "VIOLATION" };

	return (unsigned int)verdict < 4 ? names[verdict] : "?";
}

/* The replay string up to now: what a violation carries. */
static int schedule_text(struct p2psim_world *world, char *text, size_t size)
{
	const struct execution *x = p2psim_world_scenario(world);

	return x ? p2psim_replay_encode(p2psim_world_schedule(world), x->key, 0, text, size) : -ENOENT;
}

static int choose_strategy(struct execution *x)
{
	const struct p2psim_run_options *options = x->options;
	struct p2psim_replay_strategy *replay = &x->strategy.replay;
	const char *directed = options->directed;

	x->policy = options->policy;
	if (x->policy == P2PSIM_POLICY_SCENARIO) {
		directed = x->scenario->schedule;
		x->policy = directed ? P2PSIM_POLICY_DIRECTED : P2PSIM_POLICY_DEFAULT;
	}
	switch (x->policy) {
	case P2PSIM_POLICY_RANDOM:
		p2psim_random_init(&x->strategy.random, options->seed);
		return 0;
	case P2PSIM_POLICY_REPLAY:
		p2psim_replay_init(replay, options->replay_prefix);
		return p2psim_replay_decode(options->replay ? options->replay : "", x->key, replay->deviations,
					    P2PSIM_REPLAY_MAX, &replay->count, &replay->end, x->result->error);
	case P2PSIM_POLICY_DIRECTED:
		p2psim_directed_init(&x->strategy.directed, directed ? directed : "");
		return 0;
	default:
		p2psim_default_init(&x->strategy.plain);
		return 0;
	}
}

/* 20 bits of how it ended, never 0. */
static uint32_t end_mark(const struct execution *x)
{
	uint64_t hash = p2psim_world_trace_hash(x->world) * 31 + p2psim_world_end_hash(x->world);

	hash = hash * 31 + (uint64_t)x->result->verdict * 16 + (uint64_t)x->result->violation.oracle;
	hash = (hash ^ hash >> 20 ^ hash >> 40) & 0xfffff;
	return hash ? (uint32_t)hash : 1;
}

static void check_replay_end(struct execution *x)
{
	const struct p2psim_replay_strategy *replay = &x->strategy.replay;
	char *error = x->result->error;

	if (replay->error[0])
		snprintf(error, sizeof(x->result->error), "%s", replay->error);
	else if (replay->prefix)
		return;
	else if (replay->next < replay->count)
		snprintf(error, sizeof(x->result->error),
			 "the replay diverged: the execution ended at step %llu with %zu of %zu decisions still to come",
			 (unsigned long long)x->result->steps, replay->count - replay->next, replay->count);
	else if (replay->end && replay->end != end_mark(x))
		snprintf(error, sizeof(x->result->error),
			 "the replay diverged: it took the same decisions but came to another end (step %llu)",
			 (unsigned long long)x->result->steps);
}

static int check_strategy_end(struct execution *x)
{
	if (x->policy == P2PSIM_POLICY_REPLAY) {
		check_replay_end(x);
	} else if (x->policy == P2PSIM_POLICY_DIRECTED) {
		if (x->result->verdict != P2PSIM_VIOLATION)
			p2psim_directed_finish(&x->strategy.directed);
		snprintf(x->result->error, sizeof(x->result->error), "%s", x->strategy.directed.error);
	}
	return x->result->error[0] ? -EINVAL : 0;
}

static void run_tasks(struct execution *x)
{
	const struct p2psim_scenario *scenario = x->scenario;
	int i;

	p2psim_world_set_strategy(x->world, &x->strategy.base);
	for (i = 0; i < P2PSIM_SCENARIO_TASKS && scenario->tasks[i].fn; i++)
		p2psim_task_spawn(scenario->tasks[i].name, scenario->tasks[i].fn, x->state);
	p2psim_run();
	p2psim_world_set_strategy(x->world, NULL);
}

static bool is_expected(const struct execution *x)
{
	const struct p2psim_scenario *scenario = x->scenario;
	enum p2psim_verdict verdict = x->result->verdict;

	if (scenario->expect == P2PSIM_VIOLATION)
		return verdict == P2PSIM_VIOLATION &&
		       (!scenario->oracle || scenario->oracle == x->result->violation.oracle);
	return verdict != P2PSIM_VIOLATION && (scenario->expect == P2PSIM_SOMETIMES || verdict == scenario->expect);
}

static void judge(struct execution *x)
{
	const struct p2psim_violation *violation = p2psim_world_violation(x->world);
	bool exists = false;

	if (!violation) {
		exists = x->scenario->exists && x->scenario->exists(x->state);
		if (x->scenario->teardown)
			x->scenario->teardown(x->state);
		p2psim_world_check_quiescent(x->world);
		violation = p2psim_world_violation(x->world);
	}
	x->result->verdict = violation ? P2PSIM_VIOLATION : exists ? P2PSIM_ALWAYS : P2PSIM_NEVER;
	if (violation)
		x->result->violation = *violation;
}

static void fill_result(struct execution *x)
{
	struct p2psim_run_result *result = x->result;

	result->steps = p2psim_world_steps(x->world);
	result->trace_hash = p2psim_world_trace_hash(x->world);
	result->end_hash = p2psim_world_end_hash(x->world);
	result->as_expected = !result->setup_error && is_expected(x);
	if (p2psim_replay_encode(p2psim_world_schedule(x->world), x->key, end_mark(x), result->schedule,
				 sizeof(result->schedule)) < 0)
		result->schedule[0] = '\0';
}

static int execute(struct execution *x)
{
	x->state = p2psim_arena_alloc(x->scenario->state_size + 1);
	if (!x->state)
		return -ENOMEM;
	if (x->scenario->setup)
		x->result->setup_error = x->scenario->setup(x->state);
	if (x->result->setup_error) {
		p2psim_world_check_quiescent(x->world);
		if (p2psim_world_violation(x->world)) {
			x->result->verdict = P2PSIM_VIOLATION;
			x->result->violation = *p2psim_world_violation(x->world);
		}
	} else {
		run_tasks(x);
		judge(x);
	}
	fill_result(x);
	return x->result->setup_error ? 0 : check_strategy_end(x);
}

int p2psim_scenario_run(const struct p2psim_scenario *scenario, struct p2psim_world *world,
			const struct p2psim_run_options *options, struct p2psim_run_result *result)
{
	static const struct p2psim_run_options no_options;
	struct p2psim_world *entered = p2psim_world_current(), *own = NULL;
	struct p2psim_config config;
	struct execution x = { .scenario = scenario, .options = options ? options : &no_options, .result = result };
	int error;

	memset(result, 0, sizeof(*result));
	config = x.options->config ? *x.options->config : scenario->config;
	if (x.options->trace_events)
		config.trace_events = x.options->trace_events;
	if (!world)
		world = own = p2psim_world_create(&config);
	if (!world)
		return -ENOMEM;
	x.world = world;
	x.key = p2psim_replay_key(scenario->name, &config, x.options->fail_nth);
	p2psim_world_enter(world);
	error = own ? 0 : p2psim_world_reconfigure(world, &config);
	if (!error)
		error = choose_strategy(&x);
	if (!error) {
		p2psim_inject_fail_nth(world, x.options->fail_nth);
		p2psim_world_set_schedule_text(world, schedule_text, &x);
		error = execute(&x);
		p2psim_world_set_schedule_text(world, NULL, NULL);
		p2psim_inject_fail_nth(world, 0);
	}
	p2psim_world_enter(entered);
	p2psim_world_destroy(own);
	return error;
}
