/* SPDX-License-Identifier: MIT */
/*
 * The bug patterns, bare and padded with steps that have nothing to do with them: found by auto, brought to the simplest
 * schedule, with a certificate and a string of at most 32 characters; and the correct ones never fail, proven.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <p2psim/explore.h>
#include <p2psim/minimise.h>

#include "padded.h"
#include "patterns/patterns.h"
#include "patterns/pins.h"

static void replays(const struct p2psim_scenario *scenario, const struct p2psim_minimal *minimal)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_REPLAY, .replay = minimal->schedule };
	struct p2psim_run_result run;

	assert_in_range(strlen(minimal->schedule), 1, 32);
	assert_int_equal(p2psim_scenario_run(scenario, NULL, &options, &run), 0);
	assert_int_equal(run.verdict, minimal->verdict);
	assert_int_equal(run.violation.oracle, minimal->violation.oracle);
	assert_int_equal(run.steps, minimal->steps);
}

/* auto finds it, and what it found comes down to the pinned one. */
static struct p2psim_minimal simplest(const struct p2psim_scenario *scenario, uint64_t *executions)
{
	struct p2psim_minimise_options options = {};
	struct p2psim_explore_result found;
	struct p2psim_minimal minimal;

	assert_int_equal(p2psim_explore(scenario, NULL, &found), 0);
	assert_in_range(strlen(found.schedule), 1, 32);
	*executions = found.executions;
	options.schedule = found.schedule;
	assert_int_equal(p2psim_minimise(scenario, &options, &minimal), 0);
	assert_true(minimal.certified);
	replays(scenario, &minimal);
	return minimal;
}

static void test_broken(const struct p2psim_scenario *scenario)
{
	const struct pin *pin = pin_of(scenario);
	uint64_t found;
	struct p2psim_minimal minimal = simplest(scenario, &found);

	if (!pin->name || minimal.preemptions != pin->preemptions || minimal.switches != pin->switches ||
	    minimal.exhausted_executions != pin->fewer || found != pin->found || minimal.needless != pin->needless ||
	    minimal.claim != pin->claim || minimal.order_count != pin->orders)
		fail_msg("	{ \"%s\", %u, %u, %lu, 0, %lu, %u, %u, %u },", scenario->name, minimal.preemptions,
			 minimal.switches, (unsigned long)minimal.exhausted_executions, (unsigned long)found,
			 minimal.needless, minimal.claim, minimal.order_count);
}

/* Padding adds schedules, no traces: it takes as many preemptions as before. */
static void test_broken_and_padded(const struct p2psim_scenario *scenario)
{
	const struct pin *pin = pin_of(scenario);
	uint64_t found;
	struct p2psim_minimal minimal = simplest(padded(scenario), &found);

	if (minimal.preemptions != pin->preemptions || minimal.exhausted_executions != pin->fewer_padded)
		fail_msg("	%s: %u preemptions, %lu", scenario->name, minimal.preemptions,
			 (unsigned long)minimal.exhausted_executions);
}

static void test_correct_and_padded(const struct pattern *pattern)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR };
	struct p2psim_explore_result result;

	assert_int_equal(p2psim_explore(padded(&pattern->scenario), &options, &result), 0);
	assert_int_equal(result.verdict, P2PSIM_NEVER);
	assert_true(result.complete);
	assert_int_equal(result.traces, pattern->traces);
}

static void test_pattern(void **state)
{
	const struct pattern *pattern = *state;

	if (pattern->scenario.expect == P2PSIM_NEVER) {
		test_correct_and_padded(pattern);
		return;
	}
	test_broken(&pattern->scenario);
	test_broken_and_padded(&pattern->scenario);
}

int main(void)
{
	return patterns_run("bug patterns, bare and padded", test_pattern);
}
