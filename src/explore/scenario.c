/* SPDX-License-Identifier: MIT */
/*
 * A single run of a scenario: which strategy, which world, and what came of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <p2psim/inject.h>

#include "explore/determinism.h"

/* All that one run needs; lives on the stack of whoever runs it. */
struct run {
	struct p2psim_execution x;
	const struct p2psim_run_options *options;
	const struct p2psim_config *config;
	struct p2psim_run_result *result;
	union {
		struct p2psim_strategy base;
		struct p2psim_default_strategy plain;
		struct p2psim_random_strategy random;
		struct p2psim_replay_strategy replay;
		struct p2psim_directed_strategy directed;
	} strategy;
	struct p2psim_counting_strategy counting;
	struct p2psim_child_place *place;	/* isolate: shared with the process that it is tried in; else NULL */
	uint64_t stop_at;		/* decisions after which it died there; 0 = it did not, or before the first */
	enum p2psim_policy policy;
	struct p2psim_determinism *determinism;	/* writes down the steps; NULL = they are not to be compared */
};

const char *p2psim_verdict_name(enum p2psim_verdict verdict)
{
	static const char *const names[] = { "NEVER", "SOMETIMES", "ALWAYS", "VIOLATION" };

	return (unsigned int)verdict < 4 ? names[verdict] : "?";
}

static int choose_strategy(struct run *run)
{
	const struct p2psim_run_options *options = run->options;
	struct p2psim_replay_strategy *replay = &run->strategy.replay;
	const char *directed = options->directed;

	run->policy = options->policy;
	if (run->policy == P2PSIM_POLICY_SCENARIO) {
		directed = run->x.scenario->schedule;
		run->policy = directed ? P2PSIM_POLICY_DIRECTED : P2PSIM_POLICY_DEFAULT;
	}
	switch (run->policy) {
	case P2PSIM_POLICY_RANDOM:
		p2psim_random_init(&run->strategy.random, options->seed);
		return 0;
	case P2PSIM_POLICY_REPLAY:
		p2psim_replay_init(replay, options->replay_prefix);
		return p2psim_replay_decode(options->replay ? options->replay : "", run->x.key, replay->deviations,
					    P2PSIM_REPLAY_MAX, &replay->count, &replay->end, run->result->error);
	case P2PSIM_POLICY_DIRECTED:
		p2psim_directed_init(&run->strategy.directed, directed ? directed : "");
		return 0;
	default:
		p2psim_default_init(&run->strategy.plain);
		return 0;
	}
}

static void check_replay_end(struct run *run)
{
	const struct p2psim_replay_strategy *replay = &run->strategy.replay;
	struct p2psim_run_result *result = run->result;

	if (replay->error[0])
		snprintf(result->error, sizeof(result->error), "%s", replay->error);
	else if (replay->prefix)
		return;
	else if (replay->next < replay->count)
		snprintf(result->error, sizeof(result->error),
			 "the replay diverged: the execution ended at step %llu with %zu of %zu decisions still to come",
			 (unsigned long long)result->steps, replay->count - replay->next, replay->count);
	else if (replay->end && replay->end != p2psim_execution_end_mark(&run->x))
		snprintf(result->error, sizeof(result->error),
			 "the replay diverged: it took the same decisions but came to another end (step %llu)",
			 (unsigned long long)result->steps);
}

static int check_strategy_end(struct run *run)
{
	if (run->policy == P2PSIM_POLICY_REPLAY) {
		check_replay_end(run);
	} else if (run->policy == P2PSIM_POLICY_DIRECTED) {
		if (run->result->verdict != P2PSIM_VIOLATION)
			p2psim_directed_finish(&run->strategy.directed);
		snprintf(run->result->error, sizeof(run->result->error), "%s", run->strategy.directed.error);
	}
	return run->result->error[0] ? -EINVAL : 0;
}

static bool is_expected(const struct p2psim_scenario *scenario, const struct p2psim_run_result *result)
{
	if (result->setup_error)
		return false;
	if (scenario->expect == P2PSIM_VIOLATION)
		return result->verdict == P2PSIM_VIOLATION &&
		       (!scenario->oracle || scenario->oracle == result->violation.oracle);
	return result->verdict != P2PSIM_VIOLATION &&
	       (scenario->expect == P2PSIM_SOMETIMES || result->verdict == scenario->expect);
}

static void fill_result(struct run *run)
{
	struct p2psim_run_result *result = run->result;
	const struct p2psim_world *world = run->x.world;

	result->setup_error = run->x.setup_error;
	result->verdict = run->x.verdict;
	if (p2psim_world_violation(world))
		result->violation = *p2psim_world_violation(world);
	result->steps = p2psim_world_steps(world);
	result->trace_hash = p2psim_world_trace_hash(world);
	result->end_hash = p2psim_world_end_hash(world);
	result->as_expected = is_expected(run->x.scenario, result);
	result->died = run->x.crash != NULL;
	if (p2psim_execution_schedule(&run->x, !run->x.crash, result->schedule, sizeof(result->schedule)) < 0)
		result->schedule[0] = '\0';
}

/* In a world that is entered and has just been reset. */
static int run_once(struct run *run)
{
	int error = choose_strategy(run);

	if (error)
		return error;
	run->x.strategy = &run->strategy.base;
	if (run->determinism)
		run->x.strategy = p2psim_determinism_record(run->determinism, run->x.strategy);
	if (run->place) {
		p2psim_counting_init(&run->counting, run->x.strategy, &run->place->decisions, run->stop_at);
		run->x.strategy = &run->counting.base;
	}
	p2psim_inject_fail_nth(run->x.world, run->options->fail_nth);
	error = p2psim_execution_run(&run->x);
	p2psim_inject_fail_nth(run->x.world, 0);
	if (error)
		return error;
	fill_result(run);
	return run->x.setup_error || run->x.crash ? 0 : check_strategy_end(run);
}

/* The same, twice. */
static int run_checked(struct run *run, const struct p2psim_config *config)
{
	struct p2psim_determinism determinism;
	int error = p2psim_determinism_init(&determinism, config);

	run->determinism = &determinism;
	if (!error)
		error = run_once(run);
	if (!error) {
		p2psim_inject_fail_nth(determinism.second, run->options->fail_nth);
		error = p2psim_determinism_repeat(&determinism, &run->x);
	}
	if (error == -EILSEQ)
		snprintf(run->result->error, sizeof(run->result->error), "%s", determinism.error);
	p2psim_determinism_free(&determinism);
	return error;
}

/* As the options say: once, or twice. */
static int run_as_asked(struct run *run)
{
	return run->options->check_determinism ? run_checked(run, run->config) : run_once(run);
}

static void try_it(void *run)
{
	run_as_asked(run);
}

/* In another process first.  If that dies, this one goes as far, and no further. */
static int run_isolated(struct run *run)
{
	struct p2psim_death death;
	int died, error;

	run->place = p2psim_child_share(sizeof(*run->place));
	if (!run->place)
		return -ENOMEM;
	died = p2psim_child_try(try_it, run, run->place, run->options->hang_ms, &death);
	if (died > 0) {
		run->stop_at = run->place->decisions;
		run->x.crash = &death;
		run->x.crash_early = !run->stop_at;
		run->x.crash_task = &run->counting.stopped_task;
	}
	if (died < 0)
		error = died;
	else
		error = died ? run_once(run) : run_as_asked(run);
	p2psim_child_unshare(run->place, sizeof(*run->place));
	return error;
}

int p2psim_scenario_run(const struct p2psim_scenario *scenario, struct p2psim_world *world,
			const struct p2psim_run_options *options, struct p2psim_run_result *result)
{
	static const struct p2psim_run_options no_options;
	struct p2psim_world *entered = p2psim_world_current(), *own = NULL;
	struct run run = { .options = options ? options : &no_options, .result = result };
	struct p2psim_config config = run.options->config ? *run.options->config : scenario->config;
	int error;

	memset(result, 0, sizeof(*result));
	if (run.options->hang_ms && !run.options->isolate) {
		snprintf(result->error, sizeof(result->error), "a time limit needs a process of its own: isolate");
		return -EINVAL;
	}
	if (run.options->trace_events)
		config.trace_events = run.options->trace_events;
	if (!world)
		world = own = p2psim_world_create(&config);
	if (!world)
		return -ENOMEM;
	run.x.scenario = scenario;
	run.x.world = world;
	run.config = &config;
	run.x.key = p2psim_replay_key(scenario->name, &config, run.options->fail_nth);
	p2psim_world_enter(world);
	error = own ? 0 : p2psim_world_reconfigure(world, &config);
	if (!error)
		error = run.options->isolate ? run_isolated(&run) : run_as_asked(&run);
	p2psim_world_enter(entered);
	p2psim_world_destroy(own);
	return error;
}
