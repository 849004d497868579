/* SPDX-License-Identifier: MIT */
/*
 * Exact counts.  They belong to the scenario, not to the tool: interleavings, traces, the longest run, runs within k
 * preemptions.
 *
 * CR(N) is in cr.h.
 */
#include "core_world.h"
#include "cr.h"

#include <errno.h>

#include <p2psim/explore.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/step.h>

struct inc {
	struct mutex lock;
	struct p2psim_object x_obj;
	int x;
};

static int inc_setup(void *state)
{
	struct inc *inc = state;

	mutex_init(&inc->lock);
	p2psim_object_init(&inc->x_obj, "x");
	return 0;
}

static void inc_task(void *state)
{
	struct inc *inc = state;
	int x;

	mutex_lock(&inc->lock);
	rd(&inc->x_obj);
	x = inc->x;
	wr(&inc->x_obj);
	inc->x = x + 1;
	mutex_unlock(&inc->lock);
}

static struct p2psim_explore_result explore_n(struct p2psim_scenario scenario, void (*first)(void *), void (*rest)(void *),
					      int n, enum p2psim_strategy_kind strategy, unsigned int preemptions)
{
	struct p2psim_explore_options options = { .strategy = strategy, .preemptions = preemptions, .keep_going = true };
	struct p2psim_explore_result result;
	int i = 0;

	if (first) {
		scenario.tasks[i].name = "inval";
		scenario.tasks[i++].fn = first;
	}
	while (n--) {
		scenario.tasks[i].name = "fault";
		scenario.tasks[i++].fn = rest;
	}
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	return result;
}

static const struct p2psim_scenario cr_base = { .name = "CR", .state_size = sizeof(struct cr), .setup = cr_setup,
						.exists = cr_stale, .expect = P2PSIM_NEVER };
static const struct p2psim_scenario inc_base = { .name = "INC", .state_size = sizeof(struct inc), .setup = inc_setup,
						 .expect = P2PSIM_NEVER };

static struct p2psim_explore_result cr_n(int n, enum p2psim_strategy_kind strategy, unsigned int preemptions)
{
	return explore_n(cr_base, cr_inval, cr_fault, n, strategy, preemptions);
}

static void test_naive_counts_every_interleaving(void **state)
{
	static const int factorial[] = { 1, 1, 2, 6, 24 };
	struct p2psim_explore_result result = cr_n(1, P2PSIM_EXPLORE_NAIVE, 0);
	int n;

	(void)state;
	assert_int_equal(result.executions, 135);
	assert_int_equal(result.steps_max, 19);
	assert_true(result.complete && result.as_expected);
	for (n = 2; n <= 4; n++) {
		result = explore_n(inc_base, NULL, inc_task, n, P2PSIM_EXPLORE_NAIVE, 0);
		assert_int_equal(result.executions, factorial[n]);
		result = explore_n(inc_base, NULL, inc_task, n, P2PSIM_EXPLORE_DPOR, 0);
		assert_int_equal(result.traces, factorial[n]);
	}
}

static void test_sleep_and_dpor_agree_on_the_traces(void **state)
{
	static const struct {
		unsigned int traces, steps, redundant_sleep;
	} expected[] = { { 0 }, { 6, 19, 6 }, { 98, 30, 284 }, { 3504, 41, 15474 } };
	int n;

	(void)state;
	for (n = 1; n <= 3; n++) {
		struct p2psim_explore_result sleep = cr_n(n, P2PSIM_EXPLORE_SLEEP, 0);
		struct p2psim_explore_result dpor = cr_n(n, P2PSIM_EXPLORE_DPOR, 0);

		assert_int_equal(sleep.traces, expected[n].traces);
		assert_int_equal(sleep.redundant, expected[n].redundant_sleep);
		assert_int_equal(dpor.traces, expected[n].traces);
		assert_int_equal(dpor.executions, expected[n].traces);
		assert_true(dpor.traces_hash == sleep.traces_hash);
		assert_int_equal(dpor.steps_max, expected[n].steps);
		assert_true(dpor.complete && dpor.as_expected);
	}
}

static void test_icb_is_exact(void **state)
{
	static const unsigned int cr1[] = { 2, 6, 19, 45, 80, 112, 130 }, cr2[] = { 6, 68, 436, 2646 };
	unsigned int k;

	(void)state;
	for (k = 0; k < 7; k++)
		assert_int_equal(cr_n(1, P2PSIM_EXPLORE_ICB, k).executions, cr1[k]);
	for (k = 0; k < 4; k++)
		assert_int_equal(cr_n(2, P2PSIM_EXPLORE_ICB, k).executions, cr2[k]);
	assert_int_equal(cr_n(3, P2PSIM_EXPLORE_ICB, 1).executions, 840);
}

/* The same protocol with the kernel's wait queue in place of an await: more steps, and a wake-up that can be lost. */
static void test_CR_with_a_wait_queue_has_its_own_counts(void **state)
{
	static const unsigned int traces[] = { 0, 19, 9908 }, steps[] = { 0, 28, 47 };
	struct p2psim_explore_result result =
		explore_n(cr_base, cr_inval_waking, cr_fault_sleeping, 1, P2PSIM_EXPLORE_NAIVE, 0);
	int n;

	(void)state;
	assert_true(result.complete && result.as_expected);
	assert_int_equal(result.executions, 13104);
	for (n = 1; n <= 2; n++) {
		result = explore_n(cr_base, cr_inval_waking, cr_fault_sleeping, n, P2PSIM_EXPLORE_DPOR, 0);
		assert_true(result.complete && result.as_expected);
		assert_int_equal(result.traces, traces[n]);
		assert_int_equal(result.executions, traces[n]);
		assert_int_equal(result.steps_max, steps[n]);
	}
	result = explore_n(cr_base, cr_inval_waking, cr_fault_sleeping, 1, P2PSIM_EXPLORE_SLEEP, 0);
	assert_int_equal(result.traces, traces[1]);
}

static void test_a_wake_up_before_its_condition_is_lost(void **state)
{
	struct p2psim_explore_result result =
		explore_n(cr_base, cr_inval_waking_early, cr_fault_sleeping, 1, P2PSIM_EXPLORE_DPOR, 0);

	(void)state;
	assert_true(result.complete);
	assert_int_equal(result.verdict, P2PSIM_VIOLATION);
	assert_int_equal(result.violations, result.deadlocks);
	assert_true(result.deadlocks && result.deadlocks < result.executions);
}

/* Rows of the table that take seconds. */
static void test_the_long_rows(void **state)
{
	(void)state;
	assert_int_equal(cr_n(2, P2PSIM_EXPLORE_NAIVE, 0).executions, 2374576);
	assert_int_equal(cr_n(3, P2PSIM_EXPLORE_ICB, 2).executions, 11310);
	assert_int_equal(cr_n(3, P2PSIM_EXPLORE_ICB, 3).executions, 149460);
}

static void test_the_missing_retry_check_is_found_with_one_preemption(void **state)
{
	static const unsigned int traces[] = { 0, 6, 50, 540 }, failing[] = { 0, 2, 18, 192 };
	struct p2psim_explore_result result;
	int n;

	(void)state;
	result = explore_n(cr_base, cr_inval, cr_fault_unchecked, 1, P2PSIM_EXPLORE_NAIVE, 0);
	assert_int_equal(result.executions, 59);
	assert_int_equal(result.exists, 45);
	for (n = 1; n <= 3; n++) {
		result = explore_n(cr_base, cr_inval, cr_fault_unchecked, n, P2PSIM_EXPLORE_DPOR, 0);
		assert_int_equal(result.traces, traces[n]);
		assert_int_equal(result.failing_traces, failing[n]);
	}
	result = explore_n(cr_base, cr_inval, cr_fault_unchecked, 1, P2PSIM_EXPLORE_AUTO, 0);
	assert_int_equal(result.verdict, P2PSIM_SOMETIMES);
	assert_false(result.as_expected);
	assert_int_equal(result.preemptions_min, 1);
	assert_true(strlen(result.schedule) <= 32);
}

static void test_sampling_finds_it_too_and_never_claims_to_be_complete(void **state)
{
	enum p2psim_strategy_kind kind;

	(void)state;
	for (kind = P2PSIM_EXPLORE_RANDOM; kind <= P2PSIM_EXPLORE_POS; kind++) {
		struct p2psim_explore_result result =
			explore_n(cr_base, cr_inval, cr_fault_unchecked, 1, kind, 0);

		assert_in_range(result.exists, 500, 9000);
		assert_int_equal(result.executions, 10000);
		assert_false(result.complete);
	}
}

static void test_a_found_schedule_replays(void **state)
{
	struct p2psim_scenario scenario = cr_base;
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_REPLAY };
	struct p2psim_explore_result found;
	struct p2psim_run_result result;

	(void)state;
	scenario.tasks[0].name = "inval";
	scenario.tasks[0].fn = cr_inval;
	scenario.tasks[1].name = "fault";
	scenario.tasks[1].fn = cr_fault_unchecked;
	assert_int_equal(p2psim_explore(&scenario, NULL, &found), 0);
	options.replay = found.schedule;
	assert_int_equal(p2psim_scenario_run(&scenario, NULL, &options, &result), 0);
	assert_int_equal(result.verdict, P2PSIM_ALWAYS);
}


static void steps_yields_steps(void *state)
{
	(void)state;
	p2psim_step("a");
	p2psim_yield();
	p2psim_step("b");
}

static void steps_thrice(void *state)
{
	(void)state;
	p2psim_step("a");
	p2psim_step("no yield");
	p2psim_step("b");
}

static void steps_once(void *state)
{
	(void)state;
	p2psim_step("other");
}

/*
 *	a . y . b	a step of another at the second dot comes where the task could go on, at the first where it
 *			yields: that one is free.  In front and behind all are.  Two others, since the default is one of
 *			them.
 */
static void test_icb_charges_nothing_for_a_switch_at_a_yield(void **state)
{
	static const struct {
		void (*fn)(void *state);
		unsigned int with[3];	/* at most 0, 1, 2 preemptions */
	} shapes[] = { { steps_yields_steps, { 12, 20, 20 } }, { steps_thrice, { 6, 18, 20 } } };
	struct p2psim_scenario scenario = {
		.name = "yield", .expect = P2PSIM_NEVER, .tasks = { {}, { "other", steps_once }, { "third", steps_once } },
	};
	const struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_ICB, .preemptions = 2 };
	struct p2psim_explore_result result;
	unsigned int bound;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		scenario.tasks[0].name = "task";
		scenario.tasks[0].fn = shapes[i].fn;
		assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
		for (bound = 0; bound < 3; bound++)
			assert_int_equal(result.stages[bound].executions, shapes[i].with[bound]);
	}
}

static int executions;

static void changes_its_mind(void *state)
{
	(void)state;
	p2psim_step("a");
	if (executions++ % 3)
		p2psim_step("b");
	p2psim_step("c");
}

static void test_a_scenario_that_does_not_repeat_itself_is_an_error(void **state)
{
	struct p2psim_scenario scenario = { .name = "moody", .expect = P2PSIM_NEVER,
					    .tasks = { { "t1", changes_its_mind }, { "t2", changes_its_mind } } };
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_NAIVE };
	struct p2psim_explore_result result;

	(void)state;
	executions = 0;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), -EINVAL);
	assert_non_null(strstr(result.error, "does not repeat itself"));
}

static void test_long_executions_are_cut_and_said_so(void **state)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .max_depth = 10 };
	struct p2psim_scenario scenario = cr_base;
	struct p2psim_explore_result result;

	(void)state;
	scenario.tasks[0].name = "inval";
	scenario.tasks[0].fn = cr_inval;
	scenario.tasks[1].name = "fault";
	scenario.tasks[1].fn = cr_fault;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_true(result.cut > 0);
	assert_false(result.complete);
	options.max_depth = 0;
	options.budget = 3;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.executions, 3);
	assert_false(result.complete);
}

static void many_steps(void *state)
{
	struct cr *cr = state;
	unsigned int i;

	for (i = 0; i <= UINT16_MAX; i++)
		rd(&cr->page_obj);
}

/* A clock counts to 65,535: where dpor needs clocks, an execution ends there; naive needs none. */
static void test_more_steps_than_a_clock_counts_are_cut_and_said_so(void **state)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR };
	struct p2psim_scenario scenario = cr_base;
	struct p2psim_explore_result result;

	(void)state;
	scenario.tasks[0].name = "reader";
	scenario.tasks[0].fn = many_steps;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.cut, 1);
	assert_false(result.complete);
	options.strategy = P2PSIM_EXPLORE_NAIVE;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.steps_max, UINT16_MAX + 1);
	assert_true(result.complete);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest many[] = { cmocka_unit_test(test_the_long_rows) };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_naive_counts_every_interleaving),
		cmocka_unit_test(test_sleep_and_dpor_agree_on_the_traces),
		cmocka_unit_test(test_icb_is_exact),
		cmocka_unit_test(test_CR_with_a_wait_queue_has_its_own_counts),
		cmocka_unit_test(test_a_wake_up_before_its_condition_is_lost),
		cmocka_unit_test(test_the_missing_retry_check_is_found_with_one_preemption),
		cmocka_unit_test(test_sampling_finds_it_too_and_never_claims_to_be_complete),
		cmocka_unit_test(test_a_found_schedule_replays),
		cmocka_unit_test(test_icb_charges_nothing_for_a_switch_at_a_yield),
		cmocka_unit_test(test_a_scenario_that_does_not_repeat_itself_is_an_error),
		cmocka_unit_test(test_long_executions_are_cut_and_said_so),
		cmocka_unit_test(test_more_steps_than_a_clock_counts_are_cut_and_said_so),
	};

	if (argc > 1 && !strcmp(argv[1], "--many"))
		return cmocka_run_group_tests_name("many", many, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
