/* SPDX-License-Identifier: MIT */
/*
 * p2psim in CMocka tests.  Header-only: the library itself does not link CMocka.
 *
 *	static void test_munmap_reaches_the_nic(void **state)
 *	{
 *		struct p2psim_world *world = *state;
 *		...
 *	}
 *
 *	const struct CMUnitTest tests[] = {
 *		cmocka_unit_test_setup_teardown(test_munmap_reaches_the_nic, p2psim_cmocka_setup, p2psim_cmocka_teardown),
 *		p2psim_scenario_test(&populate_munmap),		its own schedule, once
 *		p2psim_explore_test(&populate_munmap),		every interleaving
 *	};
 *
 * Violations are kept until the test has returned to task 0: nothing longjmps
 * over a foreign stack.
 */
#ifndef P2PSIM_CMOCKA_H
#define P2PSIM_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <p2psim/check.h>
#include <p2psim/explore.h>
#include <p2psim/minimise.h>
#include <p2psim/report.h>
#include <p2psim/scenario.h>
#include <p2psim/world.h>

#define P2PSIM_CMOCKA_TRACE 4096
#ifndef P2PSIM_CMOCKA_BUDGET
#define P2PSIM_CMOCKA_BUDGET 100000
#endif

/* A world of its own for each test, in *state. */
static inline int p2psim_cmocka_setup(void **state)
{
	struct p2psim_config config = {};

	config.trace_events = P2PSIM_CMOCKA_TRACE;
	*state = p2psim_world_create(&config);
	return *state ? 0 : -1;
}

/* Fails the test when an oracle fired, or when something is left over. */
static inline int p2psim_cmocka_teardown(void **state)
{
	struct p2psim_world *world = (struct p2psim_world *)*state;
	const struct p2psim_violation *violation;
	int failed;

	p2psim_world_check_quiescent(world);
	violation = p2psim_world_violation(world);
	failed = violation != NULL;
	if (failed) {
		p2psim_report_text(world, stderr, P2PSIM_REPORT_SETUP);
		p2psim_report_violation(violation, stderr);
	}
	p2psim_world_destroy(world);
	return failed ? -1 : 0;
}

/* Runs the scenario in *state once, as its own schedule says; a surprise prints the two columns and how to replay it. */
static inline void p2psim_cmocka_run_scenario(void **state)
{
	const struct p2psim_scenario *scenario = (const struct p2psim_scenario *)*state;
	struct p2psim_world *world = p2psim_world_create(&scenario->config);
	struct p2psim_run_options options = {};
	struct p2psim_run_result result;
	int error;

	assert_non_null(world);
	options.trace_events = P2PSIM_CMOCKA_TRACE;
	error = p2psim_scenario_run(scenario, world, &options, &result);
	if (error || !result.as_expected) {
		p2psim_report_text(world, stderr, P2PSIM_REPORT_NO_FLAGS);
		if (result.verdict == P2PSIM_VIOLATION)
			p2psim_report_violation(&result.violation, stderr);
		fprintf(stderr, "replay: p2psim replay '%s' %s\n", scenario->name, result.schedule);
	}
	p2psim_world_destroy(world);
	if (error || !result.as_expected)
		fail_msg("%s: %s %s", scenario->name, p2psim_verdict_name(result.verdict), result.error);
}

/* The two columns of a schedule, and how to see them again. */
static inline void p2psim_cmocka_draw(const struct p2psim_scenario *scenario, const char *schedule)
{
	struct p2psim_world *world = p2psim_world_create(&scenario->config);
	struct p2psim_run_options options = {};
	struct p2psim_run_result result;

	assert_non_null(world);
	options.policy = P2PSIM_POLICY_REPLAY;
	options.replay = schedule;
	options.trace_events = P2PSIM_CMOCKA_TRACE;
	if (!p2psim_scenario_run(scenario, world, &options, &result)) {
		p2psim_report_text(world, stderr, P2PSIM_REPORT_NO_FLAGS);
		if (result.verdict == P2PSIM_VIOLATION)
			p2psim_report_violation(&result.violation, stderr);
	}
	fprintf(stderr, "replay: p2psim replay '%s' %s\n", scenario->name, schedule);
	p2psim_world_destroy(world);
}

/*
 * Explores the scenario in *state (auto; at most P2PSIM_CMOCKA_BUDGET executions of each search).  Anything but its
 * expected verdict fails the test and prints the simplest failing schedule as two columns, with the command that replays it.
 */
static inline void p2psim_cmocka_explore_scenario(void **state)
{
	const struct p2psim_scenario *scenario = (const struct p2psim_scenario *)*state;
	struct p2psim_explore_options options = {};
	struct p2psim_minimise_options minimise = {};
	struct p2psim_explore_result result;
	struct p2psim_minimal minimal;
	int error;

	options.budget = P2PSIM_CMOCKA_BUDGET;
	error = p2psim_explore(scenario, &options, &result);
	if (!error && result.as_expected)
		return;
	if (result.schedule[0])
		minimise.schedule = result.schedule;
	if (!error && !p2psim_minimise(scenario, &minimise, &minimal))
		p2psim_cmocka_draw(scenario, minimal.schedule);
	else if (!error && result.schedule[0])
		p2psim_cmocka_draw(scenario, result.schedule);
	fail_msg("%s: %s, %llu of %llu executions %s", scenario->name, p2psim_verdict_name(result.verdict),
		 (unsigned long long)(result.violations + result.exists), (unsigned long long)result.executions,
		 result.error);
}

#define p2psim_scenario_test(scenario)                                                                                 \
	{ (scenario)->name, p2psim_cmocka_run_scenario, NULL, NULL, (void *)(uintptr_t)(scenario) }
#define p2psim_explore_test(scenario)                                                                                  \
	{ (scenario)->name, p2psim_cmocka_explore_scenario, NULL, NULL, (void *)(uintptr_t)(scenario) }

#endif
