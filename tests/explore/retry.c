/* SPDX-License-Identifier: MIT */
/*
 * Retry loops: justified or not, livelocks, starvation, and what collapses when retries without effect are not explored.
 */
#include "core_world.h"
#include "cr.h"

#include <p2psim/explore.h>
#include <p2psim/linux/kernel.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/sched.h>
#include <p2psim/retry.h>
#include <p2psim/step.h>

static struct p2psim_explore_result explored(const struct p2psim_scenario *scenario, enum p2psim_strategy_kind strategy,
					     bool pure)
{
	struct p2psim_explore_options options = { .strategy = strategy, .keep_going = true, .pure_retry = pure };
	struct p2psim_explore_result result;

	assert_int_equal(p2psim_explore(scenario, &options, &result), 0);
	return result;
}

static struct p2psim_scenario cr_scenario(int n, void (*fault)(void *))
{
	struct p2psim_scenario scenario = { .name = "CR", .state_size = sizeof(struct cr), .setup = cr_setup,
					    .exists = cr_stale, .tasks = { { "inval", cr_inval } } };

	for (; n; n--) {
		scenario.tasks[n].name = "fault";
		scenario.tasks[n].fn = fault;
	}
	return scenario;
}

/* ---- justified or not ---- */

struct gate {
	struct mutex lock;
	struct p2psim_object obj;
	int seq, page, done;
};

static int gate_setup(void *state)
{
	struct gate *g = state;

	mutex_init(&g->lock);
	p2psim_object_init(&g->obj, "gate");
	return 0;
}

static void gate_moves(void *state)
{
	WRITE_ONCE(((struct gate *)state)->seq, 1);
}

/* `label`: where "again" leads, behind the reading of the sequence or before it. */
static void gate_goes(struct gate *g, bool stale)
{
	struct p2psim_retry again;
	int seq = READ_ONCE(g->seq);

	p2psim_retry_begin(&again);
	for (;;) {
		WRITE_ONCE(g->page, seq);
		if (READ_ONCE(g->seq) == seq)
			return;
		p2psim_retry(&again, (uint64_t)seq);
		if (!stale)
			seq = READ_ONCE(g->seq);
	}
}

static void gate_goes_right(void *state)
{
	gate_goes(state, false);
}

static void gate_goes_stale(void *state)
{
	gate_goes(state, true);
}

static void test_a_retry_after_a_change_is_justified(void **state)
{
	const struct p2psim_scenario scenario = { .name = "gate", .state_size = sizeof(struct gate), .setup = gate_setup,
						  .tasks = { { "mover", gate_moves }, { "goer", gate_goes_right } } };
	struct p2psim_explore_result result = explored(&scenario, P2PSIM_EXPLORE_DPOR, false);

	(void)state;
	assert_true(result.complete && result.as_expected);
	assert_int_equal(result.traces, 3);
}

static void test_a_retry_with_an_old_sequence_is_not(void **state)
{
	const struct p2psim_scenario scenario = { .name = "gate!stale", .state_size = sizeof(struct gate),
						  .setup = gate_setup, .expect = P2PSIM_VIOLATION,
						  .oracle = P2PSIM_PROGRESS,
						  .tasks = { { "mover", gate_moves }, { "goer", gate_goes_stale } } };
	struct p2psim_explore_result result = explored(&scenario, P2PSIM_EXPLORE_AUTO, false);

	(void)state;
	assert_true(result.as_expected);
	assert_int_equal(result.preemptions_min, 1);
	assert_non_null(strstr(result.violation.sentence, "unjustified retry: goer goes round again for 0"));
}

static void test_outside_of_tasks_a_retry_is_judged_too(void **state)
{
	struct p2psim_retry again;

	p2psim_retry_begin(&again);
	p2psim_retry(&again, 7);
	assert_null(p2psim_world_violation(*state));
	p2psim_retry(&again, 8);
	assert_null(p2psim_world_violation(*state));
	p2psim_retry(&again, 8);
	assert_violation(*state, P2PSIM_PROGRESS, "for 8");
}

/* ---- livelocks ---- */

/* Takes the page; the other does too.  `tries` 0: never gives up. */
static void take_page(struct gate *g, int me, int tries, bool polite)
{
	struct p2psim_retry again;
	int n, page;

	p2psim_retry_begin(&again);
	for (n = 1;; n++) {
		WRITE_ONCE(g->page, me);
		if (polite)
			p2psim_yield();
		page = READ_ONCE(g->page);
		if (page == me || n == tries || READ_ONCE(g->done))
			return;
		p2psim_retry(&again, (uint64_t)(tries ? n : 0) << 8 | (uint64_t)page);
	}
}

static void first_takes(void *state)
{
	take_page(state, 1, 0, false);
}

static void second_takes(void *state)
{
	take_page(state, 2, 0, false);
}

static void first_takes_and_yields(void *state)
{
	take_page(state, 1, 0, true);
}

static void second_takes_and_yields(void *state)
{
	take_page(state, 2, 0, true);
}

static void first_tries(void *state)
{
	take_page(state, 1, 3, true);
}

static void second_tries(void *state)
{
	take_page(state, 2, 3, true);
}

static void calls_it_off(void *state)
{
	WRITE_ONCE(((struct gate *)state)->done, 1);
}

#define COMMA(a, b) a, b
#define LIVELOCK(first, second, third)                                                                                 \
	{ .name = "livelock", .state_size = sizeof(struct gate), .setup = gate_setup, .expect = P2PSIM_VIOLATION,      \
	  .oracle = P2PSIM_PROGRESS, .tasks = { { "first", first }, { "second", second }, third } }

static void test_two_that_take_turns_for_ever_are_a_livelock(void **state)
{
	const struct p2psim_scenario scenario = LIVELOCK(first_takes_and_yields, second_takes_and_yields, {});
	struct p2psim_explore_result result = explored(&scenario, P2PSIM_EXPLORE_AUTO, false);
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_REPLAY, .trace_events = 1024 };
	struct p2psim_run_result again;

	(void)state;
	assert_true(result.as_expected);
	assert_int_equal(result.preemptions_min, 0);
	assert_non_null(strstr(result.violation.sentence, "livelock"));
	assert_non_null(strstr(result.violation.sentence, "(first, second)"));
	assert_in_range(result.violation.cause_step, 1, result.violation.step - 1);
	options.replay = result.schedule;
	assert_int_equal(p2psim_scenario_run(&scenario, NULL, &options, &again), 0);
	assert_int_equal(again.steps, result.violation.step);
}

static void test_a_livelock_is_found_by_preemption_alone(void **state)
{
	const struct p2psim_scenario scenario = LIVELOCK(first_takes, second_takes, {});
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_ICB, .preemptions = 8 };
	struct p2psim_explore_result result;

	(void)state;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_true(result.as_expected);
	assert_int_equal(result.preemptions_min, 8);
	options.strategy = P2PSIM_EXPLORE_DPOR;
	options.preemptions = 0;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_true(result.as_expected);
}

static void test_who_gives_up_at_some_time_is_none(void **state)
{
	struct p2psim_scenario scenario = LIVELOCK(first_tries, second_tries, {});
	struct p2psim_explore_result result;

	(void)state;
	scenario.expect = P2PSIM_NEVER;
	result = explored(&scenario, P2PSIM_EXPLORE_DPOR, false);
	assert_true(result.complete && result.as_expected);
	assert_int_equal(result.traces, 12);
}

/* What repeats only as long as a third task is kept from running is the scheduler's fault. */
static void test_an_unfair_circle_is_no_livelock(void **state)
{
	struct p2psim_scenario scenario = LIVELOCK(first_takes_and_yields, second_takes_and_yields,
						   { COMMA("third", calls_it_off) });
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_NAIVE, .budget = 2000 };
	struct p2psim_explore_result result;

	(void)state;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.violations, 0);
	assert_int_equal(result.executions, 2000);
	assert_false(result.complete);
}

/* At each back edge the memory is as it was, but the task that makes it so is further on, in its locals. */
static bool is_flippers_turn(void *state)
{
	return !((struct gate *)state)->done;
}

static void flips(void *state)
{
	struct gate *g = state;
	int n;

	for (n = 0; n < 6; n++) {
		p2psim_step_await(&g->obj, is_flippers_turn, g);
		WRITE_ONCE(g->page, n < 5);
		WRITE_ONCE(g->done, 1);
	}
}

static bool is_waiters_turn(void *state)
{
	return ((struct gate *)state)->done;
}

static void waits_for_zero(void *state)
{
	struct p2psim_retry again;
	struct gate *g = state;
	int page;

	p2psim_retry_begin(&again);
	for (;;) {
		p2psim_step_await(&g->obj, is_waiters_turn, g);
		page = READ_ONCE(g->page);
		WRITE_ONCE(g->done, 0);
		if (!page)
			return;
		p2psim_retry(&again, 1);
	}
}

static void test_a_task_that_gets_on_makes_no_circle(void **state)
{
	struct p2psim_scenario scenario = LIVELOCK(flips, waits_for_zero, {});
	struct p2psim_explore_result result;

	(void)state;
	scenario.expect = P2PSIM_NEVER;
	result = explored(&scenario, P2PSIM_EXPLORE_NAIVE, false);
	assert_true(result.as_expected && result.complete);
	assert_int_equal(result.executions, 1);
}

static void counts_for_ever(void *state)
{
	struct p2psim_retry again;
	struct gate *g = state;

	p2psim_retry_begin(&again);
	for (;;) {
		WRITE_ONCE(g->seq, g->seq + 1);
		p2psim_retry(&again, (uint64_t)g->seq);
	}
}

static void test_what_never_repeats_is_too_long_and_no_livelock(void **state)
{
	const struct p2psim_scenario scenario = { .name = "counter", .state_size = sizeof(struct gate),
						  .setup = gate_setup, .tasks = { { "counter", counts_for_ever } } };
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .max_depth = 3000 };
	struct p2psim_explore_result result;

	(void)state;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.cut, 1);
	assert_int_equal(result.violations, 0);
	assert_false(result.complete);
}

/* ---- one CPU ---- */

static bool is_done(void *state)
{
	return ((struct gate *)state)->done;
}

static void spins_unmarked(void *state)
{
	while (!READ_ONCE(((struct gate *)state)->done))
		;
}

static void spins_marked(void *state)
{
	p2psim_spin_until(&((struct gate *)state)->obj, is_done, state);
}

static void yields_until_done(void *state)
{
	while (!READ_ONCE(((struct gate *)state)->done))
		cond_resched();
}

static struct p2psim_scenario on_one_cpu(void (*waiter)(void *))
{
	return (struct p2psim_scenario){ .name = "one cpu", .state_size = sizeof(struct gate), .setup = gate_setup,
					 .config = { .nonpreemptive = true }, .expect = P2PSIM_VIOLATION,
					 .tasks = { { "waiter", waiter }, { "other", calls_it_off } } };
}

static void test_who_spins_on_the_only_cpu_starves_the_others(void **state)
{
	struct p2psim_scenario scenario = on_one_cpu(spins_marked);
	struct p2psim_explore_result result = explored(&scenario, P2PSIM_EXPLORE_ICB, false);

	(void)state;
	assert_int_equal(result.executions, 2);
	assert_int_equal(result.violations, 1);
	assert_string_equal(result.violation.sentence,
			    "starvation: waiter spins on gate and keeps the CPU; other is ready, but waits for it");
	scenario = on_one_cpu(spins_unmarked);
	result = explored(&scenario, P2PSIM_EXPLORE_ICB, false);
	assert_int_equal(result.executions, 2);
	assert_int_equal(result.violations, 1);
	assert_string_equal(result.violation.sentence,
			    "lockup: waiter has kept the CPU for 20000 steps without waiting or yielding; other is ready "
			    "for it");
}

static void test_a_spinner_is_no_longer_than_asked_for(void **state)
{
	struct p2psim_scenario scenario = on_one_cpu(spins_unmarked);
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .max_depth = 100 };
	struct p2psim_explore_result result;

	(void)state;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.cut, 1);
	assert_int_equal(result.violations, 0);
	scenario.tasks[1].fn = NULL;
	options.max_depth = 50000;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.cut, 1); /* nobody waits for the CPU */
}

static void test_who_yields_the_cpu_does_not(void **state)
{
	struct p2psim_scenario scenario = on_one_cpu(yields_until_done);
	struct p2psim_run_result result;

	(void)state;
	assert_int_equal(p2psim_scenario_run(&scenario, NULL, NULL, &result), 0);
	assert_int_equal(result.verdict, P2PSIM_NEVER);
}

static void takes_two_blocks(void *state)
{
	struct gate *g = state;
	int seq;

	mutex_lock(&g->lock);
	seq = READ_ONCE(g->seq);
	WRITE_ONCE(g->seq, seq + 1);
	mutex_unlock(&g->lock);
	p2psim_yield();
	WRITE_ONCE(g->page, READ_ONCE(g->seq));
}

static void test_without_preemption_every_order_of_blocks_is_tried(void **state)
{
	const struct p2psim_scenario scenario = {
		.name = "blocks", .state_size = sizeof(struct gate), .setup = gate_setup,
		.config = { .nonpreemptive = true },
		.tasks = { { "first", takes_two_blocks }, { "second", takes_two_blocks }, { "third", takes_two_blocks } },
	};
	struct p2psim_explore_result naive = explored(&scenario, P2PSIM_EXPLORE_NAIVE, false);
	struct p2psim_explore_result dpor = explored(&scenario, P2PSIM_EXPLORE_DPOR, false);
	struct p2psim_explore_result sleep = explored(&scenario, P2PSIM_EXPLORE_SLEEP, false);

	(void)state;
	assert_true(naive.complete && dpor.complete && sleep.complete);
	assert_int_equal(naive.executions, 90); /* 6! / 2!^3: two blocks each */
	assert_int_equal(dpor.executions, 90);
	assert_true(dpor.traces_hash == sleep.traces_hash);
}

/* ---- pure retries ---- */

static void test_pure_retries_leave_the_orders_of_whole_rounds(void **state)
{
	static const unsigned int traces[] = { 0, 2, 6, 24, 120 }, collapsed[] = { 0, 4, 44, 516, 7104 };
	int n;

	(void)state;
	for (n = 1; n <= 4; n++) {
		struct p2psim_scenario scenario = cr_scenario(n, cr_fault);
		struct p2psim_explore_result dpor = explored(&scenario, P2PSIM_EXPLORE_DPOR, true);

		assert_int_equal(dpor.traces, traces[n]);
		assert_int_equal(dpor.executions, traces[n]);
		assert_int_equal(dpor.collapsed, collapsed[n]);
		assert_true(dpor.complete && dpor.as_expected);
	}
}

static void test_sleep_and_naive_agree_on_pure_retries(void **state)
{
	int n;

	(void)state;
	for (n = 1; n <= 3; n++) {
		struct p2psim_scenario scenario = cr_scenario(n, cr_fault);
		struct p2psim_explore_result dpor = explored(&scenario, P2PSIM_EXPLORE_DPOR, true);
		struct p2psim_explore_result sleep = explored(&scenario, P2PSIM_EXPLORE_SLEEP, true);

		assert_true(dpor.traces_hash == sleep.traces_hash);
		assert_int_equal(dpor.traces, sleep.traces);
		if (n > 1)
			continue;
		sleep = explored(&scenario, P2PSIM_EXPLORE_NAIVE, true);
		assert_int_equal(sleep.exists, 0);
		assert_int_equal(sleep.executions, 4);
		assert_int_equal(sleep.collapsed, 55);
	}
}

static void test_the_missing_check_is_found_without_retries(void **state)
{
	struct p2psim_scenario scenario = cr_scenario(2, cr_fault_unchecked);
	struct p2psim_explore_result result;

	(void)state;
	scenario.tasks[2].fn = cr_fault;
	result = explored(&scenario, P2PSIM_EXPLORE_DPOR, true);
	assert_int_equal(result.verdict, P2PSIM_SOMETIMES);
	assert_int_equal(result.traces, 16);
	assert_int_equal(result.failing_traces, 3);
	result = explored(&scenario, P2PSIM_EXPLORE_AUTO, true);
	assert_int_equal(result.preemptions_min, 1);
}

/* The gate's round writes the page: it has an effect, and is explored as it is. */
static void test_a_round_that_writes_does_not_collapse(void **state)
{
	const struct p2psim_scenario scenario = { .name = "gate", .state_size = sizeof(struct gate), .setup = gate_setup,
						  .tasks = { { "mover", gate_moves }, { "goer", gate_goes_right } } };
	struct p2psim_explore_result result = explored(&scenario, P2PSIM_EXPLORE_DPOR, true);

	(void)state;
	assert_int_equal(result.traces, 3);
	assert_int_equal(result.collapsed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_retry_after_a_change_is_justified),
		cmocka_unit_test(test_a_retry_with_an_old_sequence_is_not),
		core_test(test_outside_of_tasks_a_retry_is_judged_too),
		cmocka_unit_test(test_two_that_take_turns_for_ever_are_a_livelock),
		cmocka_unit_test(test_a_livelock_is_found_by_preemption_alone),
		cmocka_unit_test(test_who_gives_up_at_some_time_is_none),
		cmocka_unit_test(test_an_unfair_circle_is_no_livelock),
		cmocka_unit_test(test_a_task_that_gets_on_makes_no_circle),
		cmocka_unit_test(test_what_never_repeats_is_too_long_and_no_livelock),
		cmocka_unit_test(test_who_spins_on_the_only_cpu_starves_the_others),
		cmocka_unit_test(test_a_spinner_is_no_longer_than_asked_for),
		cmocka_unit_test(test_who_yields_the_cpu_does_not),
		cmocka_unit_test(test_without_preemption_every_order_of_blocks_is_tried),
		cmocka_unit_test(test_pure_retries_leave_the_orders_of_whole_rounds),
		cmocka_unit_test(test_sleep_and_naive_agree_on_pure_retries),
		cmocka_unit_test(test_the_missing_check_is_found_without_retries),
		cmocka_unit_test(test_a_round_that_writes_does_not_collapse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
