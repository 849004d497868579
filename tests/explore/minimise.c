/* SPDX-License-Identifier: MIT */
/* A failing schedule becomes the simplest one, with what it needs, what it hangs on, and how that is known. */
#include "core_world.h"
#include "stale_pte.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <p2psim/explore.h>
#include <p2psim/minimise.h>

static void fault(void *state)
{
	struct page_and_pte *s = state;
	int v = READ_ONCE(s->page);

	enters(s, v);
}

static void looks_on(void *state)
{
	struct page_and_pte *s = state;
	int i;

	for (i = 0; i < 6; i++)
		WRITE_ONCE(s->other, i);
}

static const struct p2psim_scenario stale = {
	.name = "test/stale",
	.state_size = sizeof(struct page_and_pte),
	.setup = set_up_page,
	.tasks = { { "inval", inval }, { "onlooker", looks_on }, { "fault", fault } },
	.exists = is_stale,
	.expect = P2PSIM_NEVER,
};

static void test_the_minimal_schedule_has_the_fewest_preemptions_and_a_certificate(void **state)
{
	struct p2psim_minimal minimal;

	(void)state;
	assert_int_equal(p2psim_minimise(&stale, NULL, &minimal), 0);
	assert_int_equal(minimal.verdict, P2PSIM_ALWAYS);
	assert_int_equal(minimal.preemptions, 1);
	assert_true(minimal.certified);
	assert_int_equal(minimal.exhausted, 1);
	assert_int_equal(minimal.exhausted_executions, 6); /* three tasks one after the other, in any order */
	assert_int_equal(minimal.switches, 3);
	assert_string_equal(minimal.error, "");
}

static void test_a_task_that_is_not_needed_is_named(void **state)
{
	struct p2psim_minimal minimal;

	(void)state;
	assert_int_equal(p2psim_minimise(&stale, NULL, &minimal), 0);
	assert_int_equal(minimal.needless, 1u << 1);
}

/* The page is read before it is replaced, and installed after the entry was taken. */
static void test_the_critical_order_is_exact_over_all_traces(void **state)
{
	struct p2psim_minimal m;

	(void)state;
	assert_int_equal(p2psim_minimise(&stale, NULL, &m), 0);
	assert_int_equal(m.claim, P2PSIM_ORDER_EXACT);
	assert_true(m.over_traces);
	assert_int_equal(m.looked_at, 3);
	assert_int_equal(m.order_count, 2);
	assert_string_equal(m.orders[0].first.task, "fault");
	assert_non_null(strstr(m.orders[0].first.what, "read"));
	assert_non_null(strstr(m.orders[1].second.what, "lock"));
}

/* Forty random ones, most with many preemptions, all come down to the same. */
static void test_any_failing_schedule_comes_down_to_the_same(void **state)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_RANDOM };
	struct p2psim_minimise_options minimise = {};
	struct p2psim_minimal minimal, first;
	struct p2psim_run_result run;
	int found;

	(void)state;
	assert_int_equal(p2psim_minimise(&stale, NULL, &first), 0);
	for (found = 0; found < 40; options.seed++) {
		assert_int_equal(p2psim_scenario_run(&stale, NULL, &options, &run), 0);
		if (run.verdict != P2PSIM_ALWAYS || !run.schedule[0])
			continue;
		found++;
		minimise.schedule = run.schedule;
		assert_int_equal(p2psim_minimise(&stale, &minimise, &minimal), 0);
		assert_string_equal(minimal.schedule, first.schedule);
	}
}

/* Too few executions for looking at all: the schedule itself is shortened, and nothing is claimed that is not known. */
static void test_a_small_budget_shortens_and_claims_less(void **state)
{
	struct p2psim_explore_options explore = { .strategy = P2PSIM_EXPLORE_RANDOM };
	struct p2psim_minimise_options minimise = { .budget = 40 };
	struct p2psim_explore_result found;
	struct p2psim_minimal minimal;
	unsigned int before = 0, after = 0;

	(void)state;
	for (; explore.seed < 20; explore.seed++) {
		assert_int_equal(p2psim_explore(&stale, &explore, &found), 0);
		minimise.schedule = found.schedule;
		assert_int_equal(p2psim_minimise(&stale, &minimise, &minimal), 0);
		assert_in_range(minimal.preemptions, 1, found.preemptions_min);
		before += found.preemptions_min;
		after += minimal.preemptions;
		assert_true(minimal.executions <= 60);
	}
	assert_true(2 * after < before);
	minimise.budget = 5;
	assert_int_equal(p2psim_minimise(&stale, &minimise, &minimal), 0);
	assert_false(minimal.certified);
}

static void test_the_string_replays_the_minimal_failure(void **state)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_REPLAY };
	struct p2psim_minimal minimal;
	struct p2psim_run_result run;

	(void)state;
	assert_int_equal(p2psim_minimise(&stale, NULL, &minimal), 0);
	options.replay = minimal.schedule;
	assert_int_equal(p2psim_scenario_run(&stale, NULL, &options, &run), 0);
	assert_int_equal(run.verdict, P2PSIM_ALWAYS);
	assert_int_equal(run.steps, minimal.steps);
	assert_in_range(strlen(minimal.schedule), 1, 32);
}

static void test_what_does_not_fail_or_does_not_fit_is_refused(void **state)
{
	struct p2psim_minimise_options minimise = {};
	struct p2psim_scenario other = stale;
	struct p2psim_minimal minimal;
	struct p2psim_run_result run;

	(void)state;
	assert_int_equal(p2psim_scenario_run(&stale, NULL, NULL, &run), 0);
	minimise.schedule = run.schedule; /* the default policy */
	assert_int_equal(p2psim_minimise(&stale, &minimise, &minimal), -EINVAL);
	assert_string_equal(minimal.error, "the schedule does not fail");
	other.name = "test/other";
	assert_int_equal(p2psim_minimise(&other, &minimise, &minimal), -EINVAL);
	assert_non_null(strstr(minimal.error, "another scenario"));
	other.tasks[0].fn = looks_on;
	assert_int_equal(p2psim_minimise(&other, NULL, &minimal), -ENOENT);
}

/* ---- Deadlocks ---- */

struct two_locks {
	struct mutex a, b;
};

static int init_locks(void *state)
{
	struct two_locks *s = state;

	mutex_init(&s->a);
	mutex_init(&s->b);
	return 0;
}

static void takes_a_then_b(void *state)
{
	struct two_locks *s = state;

	mutex_lock(&s->a);
	mutex_lock(&s->b);
	mutex_unlock(&s->b);
	mutex_unlock(&s->a);
}

static void takes_b_then_a(void *state)
{
	struct two_locks *s = state;

	mutex_lock(&s->b);
	mutex_lock(&s->a);
	mutex_unlock(&s->a);
	mutex_unlock(&s->b);
}

/* A step that is waited for until the end counts as coming last. */
static void test_a_deadlock_hangs_on_steps_that_are_never_taken(void **state)
{
	static const struct p2psim_scenario abba = {
		.name = "test/abba",
		.state_size = sizeof(struct two_locks),
		.setup = init_locks,
		.tasks = { { "ab", takes_a_then_b }, { "ba", takes_b_then_a } },
		.expect = P2PSIM_VIOLATION,
		.oracle = P2PSIM_DEADLOCK,
		.config = { .oracles_off = 1u << P2PSIM_LOCKGRAPH },
	};
	struct p2psim_minimal m;

	(void)state;
	assert_int_equal(p2psim_minimise(&abba, NULL, &m), 0);
	assert_int_equal(m.violation.oracle, P2PSIM_DEADLOCK);
	assert_int_equal(m.preemptions, 1);
	assert_int_equal(m.claim, P2PSIM_ORDER_EXACT);
	assert_int_equal(m.order_count, 2);
	assert_int_equal(m.orders[0].second.step, 0);
	assert_int_equal(m.orders[1].second.step, 0);
	assert_int_equal(m.needless, 0);
}

static void fails_at_once(void *state)
{
	p2psim_step("once");
	P2PSIM_CHECK(!state);
}

static void test_what_always_fails_hangs_on_no_order(void **state)
{
	static const struct p2psim_scenario hopeless = {
		.name = "test/hopeless",
		.tasks = { { "one", fails_at_once }, { "two", fails_at_once } },
		.expect = P2PSIM_VIOLATION,
	};
	struct p2psim_minimal m;

	(void)state;
	assert_int_equal(p2psim_minimise(&hopeless, NULL, &m), 0);
	assert_int_equal(m.claim, P2PSIM_ORDER_ANY);
	assert_int_equal(m.order_count, 0);
	assert_int_equal(m.preemptions, 0);
	assert_int_equal(m.needless, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_minimal_schedule_has_the_fewest_preemptions_and_a_certificate),
		cmocka_unit_test(test_a_task_that_is_not_needed_is_named),
		cmocka_unit_test(test_the_critical_order_is_exact_over_all_traces),
		cmocka_unit_test(test_any_failing_schedule_comes_down_to_the_same),
		cmocka_unit_test(test_a_small_budget_shortens_and_claims_less),
		cmocka_unit_test(test_the_string_replays_the_minimal_failure),
		cmocka_unit_test(test_what_does_not_fail_or_does_not_fit_is_refused),
		cmocka_unit_test(test_a_deadlock_hangs_on_steps_that_are_never_taken),
		cmocka_unit_test(test_what_always_fails_hangs_on_no_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
