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
 *		p2psim_scenario_test(&populate_munmap),
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
#include <p2psim/report.h>
#include <p2psim/scenario.h>
#include <p2psim/world.h>

#define P2PSIM_CMOCKA_TRACE 4096

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

#define p2psim_scenario_test(scenario)                                                                                 \
	{ (scenario)->name, p2psim_cmocka_run_scenario, NULL, NULL, (void *)(uintptr_t)(scenario) }

#endif
