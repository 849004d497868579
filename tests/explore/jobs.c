/* SPDX-License-Identifier: MIT */
/*
 * Worker processes: the counts of CR(N) (counts.c has its text) come out the same from any number of workers and over
 * the sum of shards, and a driver that dies is a verdict with its schedule.
 */
#include "core_world.h"
#include "cr.h"
#include "dying.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p2psim/explore.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/step.h>

static struct p2psim_scenario cr_n(int n)
{
	struct p2psim_scenario scenario = {
		.name = "CR", .question = "Does a stale entry stay?", .state_size = sizeof(struct cr), .setup = cr_setup,
		.exists = cr_stale, .expect = P2PSIM_NEVER, .tasks = { { "inval", cr_inval } },
	};
	int i;

	for (i = 1; i <= n; i++) {
		scenario.tasks[i].name = "fault";
		scenario.tasks[i].fn = cr_fault;
	}
	return scenario;
}

static void test_traces_are_the_same_with_workers(void **state)
{
	static const unsigned int traces[] = { 0, 6, 98, 3504, 224088 };
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR };
	struct p2psim_explore_result alone, workers;
	int n;

	(void)state;
	for (n = 1; n <= 4; n++) {
		struct p2psim_scenario scenario = cr_n(n);

		options.jobs = 0;
		assert_int_equal(p2psim_explore(&scenario, &options, &alone), 0);
		options.jobs = 2;
		assert_int_equal(p2psim_explore(&scenario, &options, &workers), 0);
		assert_int_equal(workers.traces, traces[n]);
		assert_int_equal(workers.executions, traces[n]);
		assert_true(workers.traces_hash == alone.traces_hash);
		assert_true(workers.complete);
	}
}

static void test_pure_retries_collapse_the_same_with_workers(void **state)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .pure_retry = true };
	struct p2psim_scenario scenario = cr_n(3);
	struct p2psim_explore_result alone, workers;

	(void)state;
	assert_int_equal(p2psim_explore(&scenario, &options, &alone), 0);
	options.jobs = 2;
	assert_int_equal(p2psim_explore(&scenario, &options, &workers), 0);
	assert_int_equal(alone.traces, 24);
	assert_int_equal(workers.traces, 24);
	assert_true(workers.traces_hash == alone.traces_hash);
	assert_true(workers.complete && workers.collapsed > 0);
}

static void test_shards_add_up(void **state)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .shards = 3 };
	struct p2psim_scenario scenario = cr_n(4);
	struct p2psim_explore_result whole, shard;
	uint64_t traces = 0, hash = 0, redundant = 0;

	(void)state;
	for (options.shard = 1; options.shard <= 3; options.shard++) {
		assert_int_equal(p2psim_explore(&scenario, &options, &shard), 0);
		assert_true(shard.traces > 500);
		traces += shard.traces;
		hash += shard.traces_hash;
		redundant += shard.redundant;
	}
	options.shards = 0;
	options.jobs = 2;
	assert_int_equal(p2psim_explore(&scenario, &options, &whole), 0);
	assert_int_equal(traces, 224088);
	assert_true(hash == whole.traces_hash);
	assert_int_equal(redundant, whole.redundant);
}

static void test_icb_and_naive_are_exact_with_workers(void **state)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_NAIVE, .jobs = 2, .count_traces = true };
	struct p2psim_scenario scenario = cr_n(1);
	struct p2psim_explore_result result;

	(void)state;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.executions, 135);
	assert_int_equal(result.traces, 6);
	options.strategy = P2PSIM_EXPLORE_ICB;
	options.preemptions = 2;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.executions, 19);
	options.strategy = P2PSIM_EXPLORE_POS;
	options.preemptions = 0;
	options.budget = 1000;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.executions, 1000);
}

static void test_a_driver_that_dies_is_a_verdict_with_its_schedule(void **state)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .keep_going = true };
	struct p2psim_scenario scenario = dying_scenario(dying_by_signal, P2PSIM_CRASH);
	struct p2psim_explore_result result;

	(void)state;
	for (options.jobs = 1; options.jobs <= 2; options.jobs++) {
		assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
		assert_true(result.as_expected);
		assert_int_equal(result.executions, 3);
		assert_int_equal(result.crashes, 1);
		assert_non_null(strstr(result.violation.sentence, "after a step of victim: signal 9"));
		assert_true(result.schedule[0]);
	}
}

static void test_the_schedule_of_a_death_leads_there(void **state)
{
	struct p2psim_explore_options options = { .jobs = 1 };
	struct p2psim_run_options run = { .policy = P2PSIM_POLICY_REPLAY, .replay_prefix = true };
	struct p2psim_scenario scenario = dying_scenario(dying_by_exit, P2PSIM_CRASH);
	struct p2psim_explore_result result;
	struct p2psim_run_result replayed;
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_non_null(strstr(result.violation.sentence, "exits with status 0"));
	run.replay = result.schedule;
	child = fork();
	if (!child) {
		p2psim_scenario_run(&scenario, NULL, &run, &replayed);
		_exit(7); /* it lives */
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

static void test_a_setup_that_dies_is_a_verdict_too(void **state)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_RANDOM, .jobs = 2 };
	struct p2psim_scenario scenario = dying_scenario(dying_by_exit, P2PSIM_CRASH);
	struct p2psim_explore_result result;

	(void)state;
	scenario.setup = dying_in_setup;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_int_equal(result.executions, 1);
	assert_non_null(strstr(result.violation.sentence, "before its first step"));
	options.strategy = P2PSIM_EXPLORE_DPOR;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_true(result.as_expected);
}

static void test_what_workers_cannot_do_is_refused(void **state)
{
	struct p2psim_explore_options options = { .shards = 2, .shard = 3 };
	struct p2psim_scenario scenario = cr_n(1);
	struct p2psim_explore_result result;

	(void)state;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), -EINVAL);
	assert_non_null(strstr(result.error, "no such shard"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_traces_are_the_same_with_workers),
		cmocka_unit_test(test_pure_retries_collapse_the_same_with_workers),
		cmocka_unit_test(test_shards_add_up),
		cmocka_unit_test(test_icb_and_naive_are_exact_with_workers),
		cmocka_unit_test(test_a_driver_that_dies_is_a_verdict_with_its_schedule),
		cmocka_unit_test(test_the_schedule_of_a_death_leads_there),
		cmocka_unit_test(test_a_setup_that_dies_is_a_verdict_too),
		cmocka_unit_test(test_what_workers_cannot_do_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
