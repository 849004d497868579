/* SPDX-License-Identifier: MIT */
/* --check-determinism: a scenario that is not a function of its decisions is told so, with the first step that differs. */
#include "core_world.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <p2psim/explore.h>
#include <p2psim/step.h>

static void takes_steps(void *state)
{
	(void)state;
	p2psim_step("one");
	p2psim_step("two");
}

/* What a hash of a pointer or a tree ordered by addresses comes to. */
static void looks_at_an_address(void *state)
{
	static void *seen;

	if (!seen)
		seen = state;
	p2psim_step("one");
	p2psim_step(state == seen ? "here" : "elsewhere");
}

/* Waits for the clock of the machine to move, as a loop with a timeout in real time would. */
static void looks_at_the_time(void *state)
{
	static struct timespec before;
	struct timespec now;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!before.tv_sec)
		before = now;
	else
		p2psim_step("late");
	p2psim_step("one");
}

static void goes_on_counting(void *state)
{
	static int count;

	p2psim_step("one");
	*(int *)state = ++count;
}

static bool is_odd(void *state)
{
	return *(int *)state & 1;
}

static int check(const struct p2psim_scenario *scenario, struct p2psim_explore_result *result)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_NAIVE, .check_determinism = true };

	return p2psim_explore(scenario, &options, result);
}

static int check_run(const struct p2psim_scenario *scenario, struct p2psim_run_result *result)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_RANDOM, .seed = 3, .check_determinism = true };

	return p2psim_scenario_run(scenario, NULL, &options, result);
}

static void test_a_deterministic_scenario_passes_with_the_same_counts(void **state)
{
	struct p2psim_scenario good = { .name = "test/good", .state_size = 8,
					.tasks = { { "a", takes_steps }, { "b", takes_steps } } };
	struct p2psim_explore_result result;
	struct p2psim_run_result run;

	(void)state;
	assert_int_equal(check(&good, &result), 0);
	assert_int_equal(result.executions, 6);
	assert_true(result.complete);
	assert_int_equal(check_run(&good, &run), 0);
	assert_int_equal(run.steps, 4);
}

static void test_an_address_that_is_looked_at_is_told_with_the_step(void **state)
{
	struct p2psim_scenario bad = { .name = "test/address", .state_size = 8,
				       .tasks = { { "a", takes_steps }, { "b", looks_at_an_address } } };
	struct p2psim_explore_result result;

	(void)state;
	assert_int_equal(check(&bad, &result), -EILSEQ);
	assert_non_null(strstr(result.error, "not deterministic: step 4 of b is step \"here\" the first time"));
	assert_non_null(strstr(result.error, "step \"elsewhere\" the second; did it look at an address"));
}

static void test_the_time_that_is_looked_at_is_told_with_the_step(void **state)
{
	struct p2psim_scenario bad = { .name = "test/time", .state_size = 8, .tasks = { { "a", looks_at_the_time } } };
	struct p2psim_run_result run;

	(void)state;
	assert_int_equal(check_run(&bad, &run), -EILSEQ);
	assert_non_null(strstr(run.error, "not deterministic: step 1 of a is step \"one\" the first time, step \"late\""));
}

static void test_another_end_after_the_same_steps_is_told(void **state)
{
	struct p2psim_scenario bad = { .name = "test/left-over", .state_size = 8, .exists = is_odd,
				       .tasks = { { "a", goes_on_counting } } };
	struct p2psim_run_result run;

	(void)state;
	assert_int_equal(check_run(&bad, &run), -EILSEQ);
	assert_non_null(strstr(run.error, "after the same steps its verdict is another one"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_deterministic_scenario_passes_with_the_same_counts),
		cmocka_unit_test(test_an_address_that_is_looked_at_is_told_with_the_step),
		cmocka_unit_test(test_the_time_that_is_looked_at_is_told_with_the_step),
		cmocka_unit_test(test_another_end_after_the_same_steps_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
