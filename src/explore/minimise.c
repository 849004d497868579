/* SPDX-License-Identifier: MIT */
/*
 * The simplest schedule that fails in the same way, what it needs, and what its failing hangs on.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "explore/trial.h"

#define BUDGET_DEFAULT 20000
#define PREEMPTIONS_DEFAULT 3
#define TRACE_EVENTS 16384

struct minimiser {
	const struct p2psim_scenario *scenario;
	const struct p2psim_minimise_options *options;
	struct p2psim_minimal *minimal;
	struct p2psim_trials t;
	uint64_t budget;		/* of all phases; t.budget is that of the one at hand */
	bool found;			/* minimal->schedule fails */
	bool fewest_switches;		/* and all with as few preemptions were looked at */
	struct p2psim_guided_strategy guided, trying;
	struct p2psim_critical critical;
};

/* The phase at hand may use up so much of what is left. */
static void allow(struct minimiser *m, unsigned int percent)
{
	uint64_t left = m->t.done < m->budget ? m->budget - m->t.done : 0;

	m->t.budget = m->t.done + left * percent / 100 + 1;
}

/* ---- The simplest one so far ---- */

static bool is_simpler(const struct minimiser *m, unsigned int preemptions, unsigned int adversities, unsigned int switches,
		       uint64_t steps, const char *schedule)
{
	const struct p2psim_minimal *best = m->minimal;

	if (preemptions != best->preemptions)
		return preemptions < best->preemptions;
	if (adversities != best->adversities)
		return adversities < best->adversities;
	if (switches != best->switches)
		return switches < best->switches;
	if (steps != best->steps)
		return steps < best->steps;
	return strlen(schedule) < strlen(best->schedule);
}

/* The execution at hand failed.  True: it is the simplest one so far. */
static bool consider(struct minimiser *m)
{
	unsigned int preemptions = p2psim_search_preemptions(&m->t.search), switches = p2psim_trial_switches(&m->t);
	unsigned int adversities = p2psim_trial_adversities(&m->t);
	uint64_t steps = p2psim_world_steps(m->t.x.world);
	struct p2psim_minimal *best = m->minimal;
	char schedule[sizeof(best->schedule)];

	if (p2psim_execution_schedule(&m->t.x, true, schedule, sizeof(schedule)) < 0)
		return false;
	if (m->found && !is_simpler(m, preemptions, adversities, switches, steps, schedule))
		return false;
	if (!p2psim_blocks_read(&m->guided, &m->t.search))
		m->guided.count = 0; /* too many: it cannot be shortened */
	m->found = true;
	best->preemptions = preemptions;
	best->adversities = adversities;
	best->switches = switches;
	best->steps = steps;
	memcpy(best->schedule, schedule, sizeof(schedule));
	return true;
}

/* ---- The schedule that came in ---- */

static int replay(struct minimiser *m, const char *schedule)
{
	struct p2psim_replay_strategy strategy;
	int error;

	p2psim_replay_init(&strategy, false);
	error = p2psim_replay_decode(schedule, m->t.x.key, strategy.deviations, P2PSIM_REPLAY_MAX, &strategy.count,
				     &strategy.end, m->minimal->error);
	if (error)
		return error;
	p2psim_trials_begin(&m->t, P2PSIM_EXPLORE_RANDOM, UINT_MAX);
	error = p2psim_trial(&m->t, &strategy.base);
	if (error >= 0 && strategy.error[0]) {
		snprintf(m->minimal->error, sizeof(m->minimal->error), "%s", strategy.error);
		return -EINVAL;
	}
	return error;
}

static int replay_given(struct minimiser *m)
{
	int failed;

	m->t.any = true;
	failed = replay(m, m->options->schedule);
	if (failed < 0)
		return failed;
	if (!failed) {
		m->t.error = "the schedule does not fail";
		return -EINVAL;
	}
	consider(m);
	return 0;
}

/* ---- Fewest preemptions, fewest switches ---- */

/* All executions with at most `bound` preemptions: 1 = some fail, 0 = none does, or -errno. */
static int try_level(struct minimiser *m, unsigned int bound)
{
	uint64_t before = m->t.done;
	bool fails = false;
	int failed;

	p2psim_trials_begin(&m->t, P2PSIM_EXPLORE_ICB, bound);
	do {
		failed = p2psim_trial(&m->t, NULL);
		if (failed < 0)
			return failed;
		if (failed)
			consider(m);
		fails |= failed;
	} while (p2psim_trials_next(&m->t));
	if (!fails && !m->t.partial) {
		m->minimal->exhausted = bound + 1;
		m->minimal->exhausted_executions = m->t.done - before;
	}
	m->fewest_switches = fails && !m->t.partial;
	return fails;
}

static int find_fewest_preemptions(struct minimiser *m)
{
	unsigned int most = m->options->preemptions ? m->options->preemptions : PREEMPTIONS_DEFAULT, bound;
	int failed = 0;

	if (m->found)
		most = m->minimal->preemptions;
	m->t.any = !m->found;
	allow(m, 50);
	for (bound = 0; bound <= most && !failed && !m->t.partial; bound++)
		failed = try_level(m, bound);
	if (failed < 0)
		return failed;
	return m->found ? 0 : -ENOENT;
}

/* ---- Where all cannot be looked at: take blocks out, let others run on ---- */

/* 1 = `trying` fails and is simpler; then it is the schedule to go on from. */
static int try_shorter(struct minimiser *m)
{
	int failed;

	if (m->t.done >= m->t.budget)
		return 0;
	p2psim_guided_begin(&m->trying);
	failed = p2psim_trial(&m->t, &m->trying.base);
	return failed > 0 ? consider(m) : failed;
}

static int try_without(struct minimiser *m, size_t at, size_t count)
{
	m->trying = m->guided;
	p2psim_blocks_cut(&m->trying, at, count);
	return try_shorter(m);
}

static int try_running_on(struct minimiser *m, size_t at)
{
	m->trying = m->guided;
	m->trying.blocks[at].steps = UINT32_MAX;
	return try_shorter(m);
}

static int shorten(struct minimiser *m)
{
	size_t count = m->guided.count / 2 + 1, at;
	int better = 0;

	allow(m, 50);
	p2psim_trials_begin(&m->t, P2PSIM_EXPLORE_RANDOM, UINT_MAX);
	while (count && better >= 0 && m->t.done < m->t.budget) {
		better = 0;
		for (at = 0; at + count <= m->guided.count && better >= 0; at++) {
			better = try_without(m, at, count);
			if (!better && count == 1 && at < m->guided.count)
				better = try_running_on(m, at);
			if (better > 0)
				break;
		}
		if (!better)
			count /= 2;
		else if (count > m->guided.count)
			count = m->guided.count;
	}
	return better < 0 ? better : 0;
}

/* ---- Tasks that are not needed ---- */

/* Where an absent task alone makes it fail, it fails always, and that says nothing. */
static bool may_fail_for_want_of_a_task(enum p2psim_oracle oracle)
{
	return oracle == P2PSIM_NO_ORACLE || oracle == P2PSIM_DEADLOCK || oracle == P2PSIM_PROGRESS;
}

/* Does it fail with those tasks left out, within as many preemptions, and not only for want of them? */
static int fails_without(struct minimiser *m, uint32_t tasks)
{
	bool fails = false, passes = !may_fail_for_want_of_a_task(m->t.oracle);
	int failed;

	m->t.x.without = tasks;
	p2psim_trials_begin(&m->t, P2PSIM_EXPLORE_ICB, m->minimal->preemptions);
	do {
		failed = p2psim_trial(&m->t, NULL);
		fails |= failed > 0;
		passes |= !failed;
	} while (failed >= 0 && !(fails && passes) && p2psim_trials_next(&m->t));
	m->t.x.without = 0;
	return failed < 0 ? failed : fails && passes;
}

static int drop_tasks(struct minimiser *m)
{
	unsigned int i, count = 0;
	int failed;

	while (count < P2PSIM_SCENARIO_TASKS && m->scenario->tasks[count].fn)
		count++;
	for (i = 0; i < count; i++) {
		if ((m->minimal->needless | 1u << i) == (1u << count) - 1)
			break; /* one is always needed */
		allow(m, 20);
		failed = fails_without(m, m->minimal->needless | 1u << i);
		if (failed < 0)
			return failed;
		if (failed)
			m->minimal->needless |= 1u << i;
	}
	return 0;
}

/* ---- The critical order ---- */

/* Every execution of the tree; 1 = there are too many. */
static int look_at_all(struct minimiser *m, enum p2psim_strategy_kind kind)
{
	int failed, error = 0;

	p2psim_trials_begin(&m->t, kind, m->minimal->preemptions);
	do {
		failed = p2psim_trial(&m->t, NULL);
		if (failed < 0)
			return failed;
		if (!m->t.search.redundant && !m->t.search.cut)
			error = p2psim_critical_add(&m->critical, &m->t.search, failed);
	} while (!error && p2psim_trials_next(&m->t));
	return error ? error : m->t.partial;
}

/* What the orders are and, for their names, which nodes of the minimal execution. */
static int claim(struct minimiser *m, enum p2psim_strategy_kind kind, size_t at[2 * P2PSIM_ORDERS_MAX])
{
	struct p2psim_minimal *minimal = m->minimal;
	unsigned int chosen[P2PSIM_ORDERS_MAX] = { 0 }, i;
	int error = replay(m, minimal->schedule);
	bool exact;

	if (error < 0)
		return error;
	p2psim_critical_begin(&m->critical, &m->t.search);
	error = look_at_all(m, kind);
	if (error)
		return error;
	minimal->over_traces = kind == P2PSIM_EXPLORE_DPOR;
	minimal->looked_at = m->critical.executions;
	minimal->order_count = 0;
	minimal->claim = P2PSIM_ORDER_ANY;
	if (!m->critical.passing.count && !m->critical.passing.has_zero)
		return 0;
	minimal->order_count = p2psim_critical_solve(&m->critical, chosen, &exact);
	minimal->claim = !minimal->order_count ? P2PSIM_ORDER_UNKNOWN :
			 exact ? P2PSIM_ORDER_EXACT : P2PSIM_ORDER_NECESSARY;
	for (i = 0; i < minimal->order_count; i++) {
		at[2 * i] = m->critical.landmarks[m->critical.orders[chosen[i]].first].at;
		at[2 * i + 1] = m->critical.landmarks[m->critical.orders[chosen[i]].second].at;
	}
	return 0;
}

static int find_critical(struct minimiser *m, size_t at[2 * P2PSIM_ORDERS_MAX])
{
	size_t at_all[2 * P2PSIM_ORDERS_MAX] = { 0 };
	struct p2psim_minimal over_all;
	int error;

	allow(m, 70);
	error = claim(m, P2PSIM_EXPLORE_DPOR, at);
	p2psim_critical_free(&m->critical);
	if (error < 0 || m->minimal->claim >= P2PSIM_ORDER_EXACT)
		return error < 0 ? error : 0;
	over_all = *m->minimal;
	memcpy(at_all, at, sizeof(at_all));
	allow(m, 100);
	error = claim(m, P2PSIM_EXPLORE_ICB, at);
	p2psim_critical_free(&m->critical);
	if (m->minimal->claim <= over_all.claim) {
		*m->minimal = over_all;
		memcpy(at, at_all, sizeof(at_all));
	}
	return error < 0 ? error : 0;
}

/* ---- Names: the minimal execution once more, with a trace ---- */

static int give_names(struct minimiser *m, const size_t at[2 * P2PSIM_ORDERS_MAX])
{
	struct p2psim_config config = m->scenario->config;
	int error;

	config.trace_events = TRACE_EVENTS;
	error = p2psim_world_reconfigure(m->t.x.world, &config);
	if (!error)
		error = replay(m, m->minimal->schedule);
	if (error < 0)
		return error;
	if (!p2psim_blocks_read(&m->trying, &m->t.search))
		return -ENOMEM;
	return p2psim_name_orders(&m->t, &m->trying, at, m->minimal);
}

/* ---- All of it ---- */

static int minimise(struct minimiser *m)
{
	size_t at[2 * P2PSIM_ORDERS_MAX] = { 0 };
	int error = m->options->schedule ? replay_given(m) : 0;

	if (!error)
		error = find_fewest_preemptions(m);
	if (!error && !m->fewest_switches)
		error = shorten(m);
	m->minimal->certified = m->minimal->exhausted == m->minimal->preemptions;
	if (!error)
		error = drop_tasks(m);
	if (!error)
		error = find_critical(m, at);
	return error ? error : give_names(m, at);
}

static int minimise_here(const struct p2psim_scenario *scenario, const struct p2psim_minimise_options *options,
			 struct p2psim_minimal *minimal, struct p2psim_child_place *place)
{
	struct p2psim_world *entered = p2psim_world_current();
	struct p2psim_config config = scenario->config;
	struct minimiser m = { .scenario = scenario, .options = options, .minimal = minimal };
	int error;

	memset(minimal, 0, sizeof(*minimal));
	config.trace_events = 0;
	m.budget = m.options->budget ? m.options->budget : BUDGET_DEFAULT;
	m.t.place = place;
	m.t.x.scenario = scenario;
	m.t.x.key = p2psim_replay_key(scenario->name, &config, 0);
	m.t.x.world = p2psim_world_create(&config);
	if (!m.t.x.world)
		return -ENOMEM;
	error = minimise(&m);
	if (m.t.error && !minimal->error[0])
		snprintf(minimal->error, sizeof(minimal->error), "%s", m.t.error);
	minimal->executions = m.t.done;
	p2psim_search_free(&m.t.search);
	p2psim_world_destroy(m.t.x.world);
	p2psim_world_enter(entered);
	return error;
}

/* What the other process hands over. */
struct handed {
	struct p2psim_child_place place;
	const struct p2psim_scenario *scenario;
	const struct p2psim_minimise_options *options;
	struct p2psim_minimal minimal;
	int error;
};

static void minimise_there(void *arg)
{
	struct handed *handed = arg;

	handed->error = minimise_here(handed->scenario, handed->options, &handed->minimal, &handed->place);
}

static int minimise_isolated(const struct p2psim_scenario *scenario, const struct p2psim_minimise_options *options,
			     struct p2psim_minimal *minimal)
{
	struct handed *handed = p2psim_child_share(sizeof(*handed));
	struct p2psim_death death;
	unsigned int i;
	int error;

	if (!handed)
		return -ENOMEM;
	handed->scenario = scenario;
	handed->options = options;
	error = p2psim_child_try(minimise_there, handed, &handed->place, options->hang_ms, &death);
	*minimal = handed->minimal;
	for (i = 0; i < minimal->order_count; i++) {
		minimal->orders[i].first.site = p2psim_child_site(minimal->orders[i].first.site);
		minimal->orders[i].second.site = p2psim_child_site(minimal->orders[i].second.site);
	}
	if (error > 0)
		snprintf(minimal->error, sizeof(minimal->error), "an execution on the way to the simplest one dies: %s",
			 death.how);
	error = error > 0 ? -ECANCELED : error ? error : handed->error;
	p2psim_child_unshare(handed, sizeof(*handed));
	return error;
}

int p2psim_minimise(const struct p2psim_scenario *scenario, const struct p2psim_minimise_options *options,
		    struct p2psim_minimal *minimal)
{
	static const struct p2psim_minimise_options no_options;

	if (!options)
		options = &no_options;
	if (options->isolate)
		return minimise_isolated(scenario, options, minimal);
	return minimise_here(scenario, options, minimal, NULL);
}
