/* SPDX-License-Identifier: MIT */
/*
 * Exploration: one execution after the other in one world, counted and judged.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "explore/exploration.h"
#include "explore/samples.h"

#define SAMPLES_DEFAULT 10000

static const char *const strategy_names[] = { "auto", "icb", "dpor", "sleep", "naive", "random", "pct", "pos" };

const char *p2psim_strategy_name(enum p2psim_strategy_kind kind)
{
	return (unsigned int)kind < sizeof(strategy_names) / sizeof(strategy_names[0]) ? strategy_names[kind] : "?";
}

/* Keeps the simplest counterexample: fewest preemptions, then fewest steps. */
static void keep_counterexample(struct p2psim_exploration *e, unsigned int preemptions)
{
	struct p2psim_explore_result *result = e->result;
	uint64_t steps = p2psim_world_steps(e->x.world);

	if (preemptions > result->preemptions_min ||
	    (preemptions == result->preemptions_min && steps >= e->best_steps))
		return;
	result->preemptions_min = preemptions;
	e->best_steps = steps;
	if (p2psim_world_violation(e->x.world))
		result->violation = *p2psim_world_violation(e->x.world);
	if (p2psim_execution_schedule(&e->x, !e->x.crash, result->schedule, sizeof(result->schedule)) < 0)
		result->schedule[0] = '\0';
}

static bool is_surprise(const struct p2psim_exploration *e)
{
	const struct p2psim_scenario *scenario = e->x.scenario;
	const struct p2psim_violation *violation = p2psim_world_violation(e->x.world);

	if (violation)
		return true; /* expected or not: found */
	return (scenario->expect == P2PSIM_NEVER && e->x.verdict == P2PSIM_ALWAYS) ||
	       (scenario->expect == P2PSIM_ALWAYS && e->x.verdict == P2PSIM_NEVER);
}

static void tell(struct p2psim_exploration *e, uint64_t trace)
{
	struct p2psim_explored explored = {
		.state = e->x.state,
		.verdict = e->x.verdict,
		.violation = p2psim_world_violation(e->x.world),
		.trace = trace,
		.preemptions = p2psim_search_preemptions(&e->search),
		.steps = p2psim_world_steps(e->x.world),
	};

	if (e->options->on_execution)
		e->options->on_execution(&explored, e->options->on_execution_arg);
}

static int count_trace(struct p2psim_exploration *e, uint64_t hash, bool failing)
{
	if (p2psim_hash_set_add(&e->traces, hash) < 0 || (failing && p2psim_hash_set_add(&e->failing, hash) < 0))
		return -ENOMEM;
	return 0;
}

/* What one execution adds. */
static int count(struct p2psim_exploration *e)
{
	struct p2psim_explore_result *result = e->result;
	const struct p2psim_violation *violation = p2psim_world_violation(e->x.world);
	uint64_t steps = p2psim_world_steps(e->x.world);
	bool failing = violation || e->x.verdict == P2PSIM_ALWAYS;
	uint64_t trace;

	result->steps += steps;
	if (p2psim_world_collapsed(e->x.world)) {
		result->collapsed++;
		return 0;
	}
	if (e->search.cut) {
		result->cut++;
		return 0;
	}
	result->executions++;
	result->exists += e->x.verdict == P2PSIM_ALWAYS;
	result->violations += violation != NULL;
	result->deadlocks += violation && violation->oracle == P2PSIM_DEADLOCK;
	result->crashes += e->x.crash != NULL;
	if (steps > result->steps_max)
		result->steps_max = steps;
	if (failing)
		keep_counterexample(e, p2psim_search_preemptions(&e->search));
	e->found |= is_surprise(e);
	trace = e->search.want_clocks ? p2psim_search_trace(&e->search) : 0;
	tell(e, trace);
	if (e->options->coverage && p2psim_coverage_execution(e->options->coverage, &e->search))
		return -ENOMEM;
	return e->search.want_clocks ? count_trace(e, trace, failing) : 0;
}

static int refuse(struct p2psim_exploration *e, const char *why, int error)
{
	snprintf(e->result->error, sizeof(e->result->error), "%s", why);
	return error;
}

/* Executions that were given up have no end to compare. */
static int check_determinism(struct p2psim_exploration *e)
{
	int error;

	if (!e->options->check_determinism || e->search.redundant || e->search.cut || e->search.skipped || e->x.crash)
		return 0;
	error = p2psim_determinism_repeat(&e->determinism, &e->x);
	return error == -EILSEQ ? refuse(e, e->determinism.error, error) : error;
}

static int execute(struct p2psim_exploration *e, struct p2psim_strategy *strategy)
{
	int error;

	p2psim_world_reset(e->x.world);
	if (e->options->check_determinism)
		strategy = p2psim_determinism_record(&e->determinism, strategy);
	e->x.strategy = strategy;
	error = p2psim_execution_run(&e->x);
	if (error)
		return error;
	if (e->x.setup_error)
		return refuse(e, "the scenario's setup fails", -EINVAL);
	if (e->search.no_memory)
		return refuse(e, "more than 32 tasks, or no memory for the search tree", -ENOMEM);
	if (!e->x.crash && (e->search.diverged || e->search.depth < e->search.fixed))
		return refuse(e, "the scenario does not repeat itself: the same decisions led to another choice", -EINVAL);
	return check_determinism(e);
}

bool p2psim_exploration_out_of_time(const struct p2psim_exploration *e)
{
	return e->deadline_ms && p2psim_now_ms() >= e->deadline_ms;
}

uint64_t p2psim_exploration_samples(const struct p2psim_exploration *e)
{
	if (e->options->budget)
		return e->options->budget;
	return e->deadline_ms ? UINT64_MAX : SAMPLES_DEFAULT;
}

bool p2psim_exploration_may_go_on(struct p2psim_exploration *e)
{
	p2psim_progress_tell(e);
	if (e->found && !e->options->keep_going)
		return false;
	if (e->options->budget && e->result->executions + e->result->redundant + e->result->collapsed >= e->options->budget)
		e->interrupted = true;
	if (p2psim_exploration_out_of_time(e))
		e->interrupted = true;
	return !e->interrupted;
}

void p2psim_exploration_start(struct p2psim_exploration *e, enum p2psim_strategy_kind kind, unsigned int bound)
{
	p2psim_search_free(&e->search);
	p2psim_search_init(&e->search, kind, bound);
	e->search.want_clocks |= e->options->count_traces;
	e->search.coverage = e->options->coverage;
	if (e->options->max_depth)
		e->search.max_depth = e->options->max_depth;
}

int p2psim_exploration_step(struct p2psim_exploration *e)
{
	int error;

	p2psim_search_begin(&e->search, e->x.world);
	error = execute(e, &e->search.base);
	if (error || e->search.skip)
		return error;
	if (!e->search.redundant)
		return count(e);
	e->result->redundant++;
	return 0;
}

static bool in_workers(const struct p2psim_exploration *e)
{
	return e->options->jobs || e->options->isolate;
}

/* naive, sleep, dpor, or one level of icb. */
static int search_all(struct p2psim_exploration *e, enum p2psim_strategy_kind kind, unsigned int bound)
{
	int error;

	p2psim_progress_stage(e, kind, bound);
	if (in_workers(e))
		return p2psim_jobs_run(e, kind, bound);
	p2psim_exploration_start(e, kind, bound);
	do {
		error = p2psim_exploration_step(e);
		if (error)
			return error;
	} while (p2psim_exploration_may_go_on(e) && p2psim_search_next(&e->search));
	return 0;
}

/* The search tree watches the sampler: it knows preemptions and traces. */
int p2psim_exploration_sample(struct p2psim_exploration *e, enum p2psim_strategy_kind kind, uint64_t from, uint64_t to)
{
	struct p2psim_random_strategy random;
	struct p2psim_sampler sampler;
	uint64_t n;
	int error;

	e->search.want_steps = e->search.want_clocks || e->search.coverage;
	p2psim_sampler_init(&sampler, kind, e->options->depth, e->options->seed);
	for (n = from; n < to && (!e->found || e->options->keep_going) && !(n && p2psim_exploration_out_of_time(e)); n++) {
		p2psim_random_init(&random, e->options->seed * 0x9e3779b97f4a7c15ull + n);
		p2psim_sampler_begin(&sampler, n);
		if (e->before_sample)
			e->before_sample(e->before_sample_arg, n);
		e->search.sampler = kind == P2PSIM_EXPLORE_RANDOM ? &random.base : &sampler.base;
		error = p2psim_exploration_step(e);
		if (error)
			return error;
		p2psim_progress_tell(e);
	}
	return 0;
}

static int sample(struct p2psim_exploration *e, enum p2psim_strategy_kind kind)
{
	int error;

	p2psim_progress_stage(e, kind, 0);
	if (in_workers(e)) {
		error = p2psim_jobs_run(e, kind, UINT_MAX);
	} else {
		p2psim_exploration_start(e, kind, UINT_MAX);
		error = p2psim_exploration_sample(e, kind, 0, p2psim_exploration_samples(e));
	}
	e->interrupted = true; /* a sample proves nothing */
	return error;
}

void p2psim_exploration_add(struct p2psim_exploration *e, const struct p2psim_explore_result *more, uint64_t best_steps)
{
	struct p2psim_explore_result *result = e->result;

	result->executions += more->executions;
	result->redundant += more->redundant;
	result->collapsed += more->collapsed;
	result->cut += more->cut;
	result->exists += more->exists;
	result->violations += more->violations;
	result->deadlocks += more->deadlocks;
	result->crashes += more->crashes;
	result->steps += more->steps;
	if (more->steps_max > result->steps_max)
		result->steps_max = more->steps_max;
	if (more->preemptions_min > result->preemptions_min ||
	    (more->preemptions_min == result->preemptions_min && best_steps >= e->best_steps))
		return;
	result->preemptions_min = more->preemptions_min;
	e->best_steps = best_steps;
	result->violation = more->violation;
	memcpy(result->schedule, more->schedule, sizeof(result->schedule));
}

/* A search has ended: what it was. */
static void note_stage(struct p2psim_exploration *e, enum p2psim_strategy_kind kind, unsigned int bound, uint64_t executions)
{
	struct p2psim_explore_result *result = e->result;
	bool stopped = e->found && !e->options->keep_going;

	if (result->stage_count == P2PSIM_STAGES_MAX)
		memmove(&result->stages[0], &result->stages[1], --result->stage_count * sizeof(result->stages[0]));
	result->stages[result->stage_count++] = (struct p2psim_explore_stage){
		.strategy = kind,
		.preemptions = bound,
		.executions = executions,
		.whole = !e->interrupted && !stopped && !result->cut,
	};
}

/* Another search begins: what it finds holds what the last one found. */
static void forget_counts(struct p2psim_explore_result *result)
{
	result->executions = result->exists = result->violations = result->deadlocks = result->crashes = 0;
	result->collapsed = 0;
}

static int icb(struct p2psim_exploration *e, unsigned int most)
{
	struct p2psim_explore_result *result = e->result;
	unsigned int bound;
	int error = 0;

	for (bound = 0; bound <= most && !error; bound++) {
		forget_counts(result);
		error = search_all(e, P2PSIM_EXPLORE_ICB, bound);
		note_stage(e, P2PSIM_EXPLORE_ICB, bound, result->executions);
		if (e->interrupted || (e->found && !e->options->keep_going))
			break;
	}
	e->interrupted = true; /* longer schedules may hold more */
	return error;
}

static int automatic(struct p2psim_exploration *e)
{
	struct p2psim_explore_result *result = e->result;
	const uint64_t deadline_ms = e->deadline_ms;
	uint64_t before, now;
	int error = icb(e, 2);

	if (error || (e->found && !e->options->keep_going) || p2psim_exploration_out_of_time(e))
		return error;
	e->interrupted = false;
	forget_counts(result);
	now = p2psim_now_ms();
	if (deadline_ms > now)
		e->deadline_ms -= (deadline_ms - now) / 4;
	error = search_all(e, P2PSIM_EXPLORE_DPOR, 0);
	note_stage(e, P2PSIM_EXPLORE_DPOR, 0, result->executions);
	e->deadline_ms = deadline_ms;
	before = result->executions;
	if (error || !e->interrupted || (e->found && !e->options->keep_going))
		return error;
	error = sample(e, P2PSIM_EXPLORE_POS);
	note_stage(e, P2PSIM_EXPLORE_POS, 0, result->executions - before);
	return error;
}

static int explore(struct p2psim_exploration *e)
{
	enum p2psim_strategy_kind kind = e->options->strategy;
	int error;

	if (kind == P2PSIM_EXPLORE_AUTO)
		return automatic(e);
	if (kind == P2PSIM_EXPLORE_ICB)
		return icb(e, e->options->preemptions);
	error = p2psim_is_sampling(kind) ? sample(e, kind) : search_all(e, kind, 0);
	note_stage(e, kind, 0, e->result->executions);
	return error;
}

static void judge(struct p2psim_exploration *e)
{
	struct p2psim_explore_result *result = e->result;
	const struct p2psim_scenario *scenario = e->x.scenario;

	result->traces = e->traces.count + e->traces.has_zero;
	result->traces_hash = p2psim_hash_set_sum(&e->traces);
	result->failing_traces = e->failing.count + e->failing.has_zero;
	result->complete = !e->interrupted && !result->cut && (!e->found || e->options->keep_going);
	if (result->violations)
		result->verdict = P2PSIM_VIOLATION;
	else if (!result->exists)
		result->verdict = P2PSIM_NEVER;
	else
		result->verdict = result->exists == result->executions ? P2PSIM_ALWAYS : P2PSIM_SOMETIMES;
	result->as_expected = result->verdict == scenario->expect && (result->executions || !result->cut) &&
			      (scenario->expect != P2PSIM_VIOLATION || !scenario->oracle ||
			       scenario->oracle == result->violation.oracle);
}

/* Nothing that is asked for is passed over. */
static int check_options(struct p2psim_exploration *e)
{
	const struct p2psim_explore_options *options = e->options;
	const struct {
		const char *option;
		bool given;
	} some[] = { { "preemptions", options->preemptions }, { "depth", options->depth }, { "seed", options->seed },
		     { "shard", options->shards } };
	size_t i;

	if (options->shards && (!options->shard || options->shard > options->shards))
		return refuse(e, "there is no such shard", -EINVAL);
	if (options->depth > P2PSIM_DEPTH_MAX)
		return refuse(e, "the depth of pct is at most 16", -EINVAL);
	if (options->hang_ms && !in_workers(e))
		return refuse(e, "a time limit needs worker processes: jobs, shards or isolate", -EINVAL);
	if (in_workers(e) && options->on_execution)
		return refuse(e, "executions in worker processes cannot be told of", -EINVAL);
	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		if (some[i].given && p2psim_strategy_check(options->strategy, some[i].option, e->result->error,
							   sizeof(e->result->error)))
			return -EINVAL;
	return 0;
}

int p2psim_explore(const struct p2psim_scenario *scenario, const struct p2psim_explore_options *options,
		   struct p2psim_explore_result *result)
{
	static const struct p2psim_explore_options no_options;
	struct p2psim_world *entered = p2psim_world_current();
	struct p2psim_config config = scenario->config;
	struct p2psim_exploration e = { .options = options ? options : &no_options, .result = result };
	struct p2psim_explore_options divided;
	int error;

	memset(result, 0, sizeof(*result));
	result->preemptions_min = UINT_MAX;
	config.trace_events = 0;
	config.pure_retry |= e.options->pure_retry;
	if (e.options->shards && !e.options->jobs) {
		divided = *e.options;
		divided.jobs = 1;
		e.options = &divided;
	}
	error = check_options(&e);
	if (error)
		return error;
	e.x.scenario = scenario;
	e.x.key = p2psim_replay_key(scenario->name, &config, 0);
	e.x.world = p2psim_world_create(&config);
	if (!e.x.world)
		return -ENOMEM;
	if (e.options->budget_ms)
		e.deadline_ms = p2psim_now_ms() + e.options->budget_ms;
	error = e.options->check_determinism ? p2psim_determinism_init(&e.determinism, &config) : 0;
	if (!error)
		error = explore(&e);
	if (!error && e.options->coverage)
		error = p2psim_coverage_sort(e.options->coverage);
	if (!error)
		judge(&e);
	if (!error)
		p2psim_progress_end(&e);
	p2psim_determinism_free(&e.determinism);
	p2psim_search_free(&e.search);
	p2psim_hash_set_free(&e.traces);
	p2psim_hash_set_free(&e.failing);
	p2psim_world_destroy(e.x.world);
	p2psim_world_enter(entered);
	return error;
}
