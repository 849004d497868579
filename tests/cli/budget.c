/* SPDX-License-Identifier: MIT */
/* Budgets of time: they end an exploration between two executions.  No test here asks how long anything took. */
#include "core_world.h"

#include <p2psim/explore.h>
#include <p2psim/step.h>

/* Three tasks of 40 steps each: more interleavings than anybody has time for. */
static void many_steps(void *state)
{
	int i;

	(void)state;
	for (i = 0; i < 40; i++)
		p2psim_step("step");
}

static void one_step(void *state)
{
	(void)state;
	p2psim_step("step");
}

static const struct p2psim_scenario endless = {
	.name = "budget/endless",
	.tasks = { { "a", many_steps }, { "b", many_steps }, { "c", many_steps } },
	.expect = P2PSIM_NEVER,
};

static const struct p2psim_scenario tiny = {
	.name = "budget/tiny",
	.tasks = { { "a", one_step }, { "b", one_step } },
	.expect = P2PSIM_NEVER,
};

static void explore(const struct p2psim_scenario *scenario, enum p2psim_strategy_kind strategy, uint64_t budget_ms,
		    struct p2psim_explore_result *result)
{
	struct p2psim_explore_options options = { .strategy = strategy, .budget_ms = budget_ms };

	assert_int_equal(p2psim_explore(scenario, &options, result), 0);
}

static void test_a_search_that_runs_out_of_time_is_not_complete(void **state)
{
	struct p2psim_explore_result result;

	(void)state;
	explore(&endless, P2PSIM_EXPLORE_NAIVE, 5, &result);
	assert_false(result.complete);
	assert_true(result.executions >= 1);
	assert_int_equal(result.verdict, P2PSIM_NEVER);
}

static void test_samples_go_on_until_the_time_is_over(void **state)
{
	struct p2psim_explore_result result;

	(void)state;
	explore(&endless, P2PSIM_EXPLORE_RANDOM, 5, &result);
	assert_false(result.complete);
	assert_true(result.executions >= 1);
}

static void test_auto_keeps_to_the_time_in_all_its_stages(void **state)
{
	struct p2psim_explore_result result;

	(void)state;
	explore(&endless, P2PSIM_EXPLORE_AUTO, 5, &result);
	assert_false(result.complete);
	assert_true(result.executions >= 1);
}

static void test_a_search_with_time_to_spare_is_complete(void **state)
{
	struct p2psim_explore_result result;

	(void)state;
	explore(&tiny, P2PSIM_EXPLORE_NAIVE, 3600000, &result);
	assert_true(result.complete);
	assert_int_equal(result.executions, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_search_that_runs_out_of_time_is_not_complete),
		cmocka_unit_test(test_samples_go_on_until_the_time_is_over),
		cmocka_unit_test(test_auto_keeps_to_the_time_in_all_its_stages),
		cmocka_unit_test(test_a_search_with_time_to_spare_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
