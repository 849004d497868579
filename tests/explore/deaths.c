/* SPDX-License-Identifier: MIT */
/*
 * Drivers under test that die or hang (dying.h): alone in a process of its own, an execution, or an exploration, tells of
 * it as of any other violation, with the step and the schedule; what does not die comes out the same as without.
 */
#include "core_world.h"
#include "dying.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p2psim/explore.h>
#include <p2psim/minimise.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "explore/child.h"

#define HANG_MS 1000

static bool dying_always(void *state)
{
	(void)state;
	return true;
}

static const struct p2psim_explore_options every = {
	.strategy = P2PSIM_EXPLORE_DPOR, .keep_going = true, .isolate = true, .hang_ms = HANG_MS,
};

static struct p2psim_explore_result explored(const struct p2psim_scenario *scenario,
					     const struct p2psim_explore_options *options)
{
	struct p2psim_explore_result result;

	assert_int_equal(p2psim_explore(scenario, options, &result), 0);
	return result;
}

static void test_an_isolated_exploration_tells_of_a_death(void **state)
{
	struct p2psim_scenario scenario = dying_scenario(dying_by_signal, P2PSIM_CRASH);
	struct p2psim_explore_result result = explored(&scenario, &every);

	(void)state;
	assert_true(result.as_expected);
	assert_int_equal(result.executions, 3);
	assert_int_equal(result.crashes, 1);
	assert_string_equal(result.violation.task, "victim");
	assert_int_equal(result.violation.step, 3);
	assert_non_null(strstr(result.violation.sentence, "the program dies after a step of victim: signal 9 ("));
}

static void test_a_task_that_takes_no_step_is_told_of_with_its_step(void **state)
{
	struct p2psim_scenario scenario = dying_scenario(dying_never, P2PSIM_PROGRESS);
	struct p2psim_explore_options options = every;
	struct p2psim_explore_result result;

	(void)state;
	for (options.jobs = 0; options.jobs <= 2; options.jobs++) {
		result = explored(&scenario, &options);
		assert_true(result.as_expected);
		assert_int_equal(result.executions, 3);
		assert_int_equal(result.crashes, 1);
		assert_string_equal(result.violation.sentence, "victim runs on for 1000 ms and comes to no other step");
		assert_int_equal(result.violation.step, 3);
	}
}

static void test_samples_die_too(void **state)
{
	struct p2psim_scenario scenario = dying_scenario(dying_by_exit, P2PSIM_CRASH);
	struct p2psim_explore_options options = every;
	struct p2psim_explore_result result;

	(void)state;
	options.keep_going = false;
	for (options.strategy = P2PSIM_EXPLORE_RANDOM; options.strategy <= P2PSIM_EXPLORE_POS; options.strategy++) {
		result = explored(&scenario, &options);
		assert_true(result.as_expected);
		assert_non_null(strstr(result.violation.sentence, "victim: it exits with status 0"));
	}
}

/* Not one count differs, and pct draws the same samples. */
static void test_what_does_not_die_comes_out_the_same_isolated(void **state)
{
	struct p2psim_scenario scenario = dying_scenario(dying_write, P2PSIM_NO_ORACLE);
	struct p2psim_explore_options options = { .count_traces = true, .budget = 500 };
	int kind;

	(void)state;
	scenario.expect = P2PSIM_NEVER;
	for (kind = P2PSIM_EXPLORE_AUTO; kind <= P2PSIM_EXPLORE_POS; kind++) {
		struct p2psim_explore_result here, there;

		options.strategy = (enum p2psim_strategy_kind)kind;
		options.isolate = false;
		here = explored(&scenario, &options);
		options.isolate = true;
		there = explored(&scenario, &options);
		assert_memory_equal(&here, &there, sizeof(here));
	}
}

static struct p2psim_run_result run_alone(const struct p2psim_scenario *scenario, struct p2psim_world *world,
					  const char *schedule)
{
	const struct p2psim_run_options options = { .policy = P2PSIM_POLICY_REPLAY, .replay = schedule, .isolate = true,
						    .hang_ms = HANG_MS };
	struct p2psim_run_result result;

	assert_int_equal(p2psim_scenario_run(scenario, world, &options, &result), 0);
	assert_true(result.died);
	return result;
}

static void test_a_replay_of_a_death_is_a_verdict_at_the_same_step(void **state)
{
	static const struct {
		void (*fn)(void *);
		enum p2psim_oracle oracle;
	} ways[] = { { dying_by_signal, P2PSIM_CRASH }, { dying_by_exit, P2PSIM_CRASH }, { dying_never, P2PSIM_PROGRESS } };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct p2psim_scenario scenario = dying_scenario(ways[i].fn, ways[i].oracle);
		struct p2psim_explore_result found = explored(&scenario, &every);
		struct p2psim_run_result result = run_alone(&scenario, NULL, found.schedule);

		assert_true(result.as_expected);
		assert_string_equal(result.schedule, found.schedule);
		assert_string_equal(result.violation.sentence, found.violation.sentence);
		assert_int_equal(result.violation.step, found.violation.step);
	}
}

/* The last steps of the trace are those before the death, and the mark stands in the column of the one that died. */
static void test_the_picture_ends_with_the_step_of_the_death(void **state)
{
	struct p2psim_scenario scenario = dying_scenario(dying_by_signal, P2PSIM_CRASH);
	struct p2psim_explore_result found = explored(&scenario, &every);
	const struct p2psim_event *mark, *step;
	size_t count;

	scenario.config.trace_events = 64;
	run_alone(&scenario, *state, found.schedule);
	count = p2psim_trace_count(*state);
	mark = p2psim_trace_at(*state, count - 1);
	step = p2psim_trace_at(*state, count - 2);
	assert_int_equal(mark->type, P2PSIM_EVENT_NOTE);
	assert_int_equal(mark->task, 2);
	assert_int_equal(step->type, P2PSIM_EVENT_STEP);
	assert_int_equal(step->kind, P2PSIM_STEP_READ);
	assert_int_equal(step->task, 2);
}

static void test_a_setup_that_dies_or_hangs_is_a_verdict(void **state)
{
	struct p2psim_scenario scenario = dying_scenario(dying_write, P2PSIM_CRASH);
	const struct p2psim_run_options options = { .isolate = true, .hang_ms = HANG_MS };
	struct p2psim_run_result result;

	(void)state;
	scenario.setup = dying_in_setup;
	assert_int_equal(p2psim_scenario_run(&scenario, NULL, &options, &result), 0);
	assert_non_null(strstr(result.violation.sentence, "dies before its first step: signal 6 ("));
	assert_true(explored(&scenario, &every).as_expected);
	scenario.setup = dying_never_in_setup;
	scenario.oracle = P2PSIM_PROGRESS;
	assert_int_equal(p2psim_scenario_run(&scenario, NULL, &options, &result), 0);
	assert_string_equal(result.violation.sentence, "setup runs for 1000 ms and comes to no step");
	assert_true(explored(&scenario, &every).as_expected);
}

static void test_what_lives_runs_as_if_it_were_not_isolated(void **state)
{
	struct p2psim_scenario scenario = dying_scenario(dying_by_signal, P2PSIM_CRASH);
	const struct p2psim_run_options alone = { .isolate = true }, twice = { .isolate = true, .check_determinism = true };
	struct p2psim_run_result plain, isolated, checked;

	(void)state;
	assert_int_equal(p2psim_scenario_run(&scenario, NULL, NULL, &plain), 0);
	assert_int_equal(p2psim_scenario_run(&scenario, NULL, &alone, &isolated), 0);
	assert_int_equal(p2psim_scenario_run(&scenario, NULL, &twice, &checked), 0);
	assert_int_equal(plain.verdict, P2PSIM_NEVER);
	assert_memory_equal(&plain, &isolated, sizeof(plain));
	assert_memory_equal(&plain, &checked, sizeof(plain));
}

static void test_a_death_on_the_way_to_the_simplest_failure_is_survived(void **state)
{
	struct p2psim_scenario scenario = dying_scenario(dying_by_signal, P2PSIM_CRASH);
	const struct p2psim_minimise_options options = { .isolate = true };
	struct p2psim_minimal minimal;

	(void)state;
	assert_int_equal(p2psim_minimise(&scenario, &options, &minimal), -ECANCELED);
	assert_non_null(strstr(minimal.error, "an execution on the way to the simplest one dies: signal 9 ("));
}

static void test_a_minimal_failure_is_the_same_isolated(void **state)
{
	struct p2psim_scenario scenario = dying_scenario(dying_write, P2PSIM_NO_ORACLE);
	struct p2psim_minimise_options options = {};
	struct p2psim_minimal here, there;

	(void)state;
	scenario.exists = dying_always;
	assert_int_equal(p2psim_minimise(&scenario, &options, &here), 0);
	options.isolate = true;
	assert_int_equal(p2psim_minimise(&scenario, &options, &there), 0);
	assert_string_equal(here.schedule, there.schedule);
	assert_int_equal(here.executions, there.executions);
	assert_int_equal(here.exhausted_executions, there.exhausted_executions);
	assert_int_equal(here.claim, there.claim);
}

static void test_options_that_do_not_fit_the_strategy_are_refused(void **state)
{
	static const struct {
		struct p2psim_explore_options options;
		const char *why;
	} cases[] = {
		{ { .strategy = P2PSIM_EXPLORE_DPOR, .preemptions = 1 }, "preemptions is an option of icb, not of dpor" },
		{ { .strategy = P2PSIM_EXPLORE_RANDOM, .depth = 3 }, "depth is an option of pct, not of random" },
		{ { .strategy = P2PSIM_EXPLORE_NAIVE, .seed = 3 },
		  "seed is an option of auto, random, pct, pos, not of naive" },
		{ { .shard = 1, .shards = 2 }, "shard is an option of dpor, sleep, not of auto" },
		{ { .strategy = P2PSIM_EXPLORE_PCT, .depth = 17 }, "the depth of pct is at most 16" },
		{ { .strategy = (enum p2psim_strategy_kind)8, .seed = 1 }, "there is no strategy number 8" },
	};
	struct p2psim_scenario scenario = dying_scenario(dying_write, P2PSIM_NO_ORACLE);
	struct p2psim_explore_result result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(p2psim_explore(&scenario, &cases[i].options, &result), -EINVAL);
		assert_string_equal(result.error, cases[i].why);
	}
}

static void on_execution(const struct p2psim_explored *explored, void *arg)
{
	(void)explored;
	(void)arg;
}

static void test_what_needs_another_process_is_refused_without_one(void **state)
{
	struct p2psim_scenario scenario = dying_scenario(dying_write, P2PSIM_NO_ORACLE);
	struct p2psim_explore_options options = { .hang_ms = HANG_MS };
	const struct p2psim_run_options run = { .hang_ms = HANG_MS };
	struct p2psim_explore_result result;
	struct p2psim_run_result once;

	(void)state;
	assert_int_equal(p2psim_explore(&scenario, &options, &result), -EINVAL);
	assert_string_equal(result.error, "a time limit needs worker processes: jobs, shards or isolate");
	assert_int_equal(p2psim_scenario_run(&scenario, NULL, &run, &once), -EINVAL);
	assert_string_equal(once.error, "a time limit needs a process of its own: isolate");
	options = (struct p2psim_explore_options){ .on_execution = on_execution };
	for (options.jobs = 0; options.jobs <= 1; options.jobs++) {
		options.isolate = !options.jobs;
		assert_int_equal(p2psim_explore(&scenario, &options, &result), -EINVAL);
		assert_string_equal(result.error, "executions in worker processes cannot be told of");
	}
}

/* As of a driver that only the worker has loaded: its line is not told, and nobody reads where it was. */
static void test_a_place_that_is_not_in_this_process_is_none(void **state)
{
	static const struct p2psim_site here = { __FILE__, "here", __LINE__ };
	struct p2psim_site *elsewhere = test_malloc(sizeof(*elsewhere));

	(void)state;
	assert_ptr_equal(p2psim_child_site(&here), &here);
	assert_null(p2psim_child_site(elsewhere));
	assert_null(p2psim_child_site(NULL));
	test_free(elsewhere);
}

static void yields_on_and_on(void *state)
{
	(void)state;
	for (;;)
		p2psim_yield();
}

/* The far end of `fd` closes when the last worker is gone. */
static void explore_for_ever(int fd, bool isolate)
{
	const struct p2psim_scenario scenario = {
		.name = "for-ever", .tasks = { { "a", yields_on_and_on }, { "b", yields_on_and_on } }, .expect = P2PSIM_NEVER,
	};
	const struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_NAIVE, .isolate = isolate,
							.jobs = isolate ? 0 : 2 };
	struct p2psim_explore_result result;

	if (write(fd, "!", 1) == 1)
		p2psim_explore(&scenario, &options, &result);
	_exit(0);
}

/* A CI that kills the tool must not be left with workers that explore for nobody. */
static void test_workers_go_when_their_parent_is_killed(void **state)
{
	int isolate, fds[2];
	char byte;
	pid_t pid;

	(void)state;
	for (isolate = 0; isolate < 2; isolate++) {
		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (!pid) {
			close(fds[0]);
			explore_for_ever(fds[1], isolate);
		}
		close(fds[1]);
		assert_int_equal(read(fds[0], &byte, 1), 1);
		usleep(200000); /* so that it has workers */
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_int_equal(poll(&(struct pollfd){ .fd = fds[0], .events = POLLIN }, 1, 30000), 1);
		assert_int_equal(read(fds[0], &byte, 1), 0);
		close(fds[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_isolated_exploration_tells_of_a_death),
		cmocka_unit_test(test_a_task_that_takes_no_step_is_told_of_with_its_step),
		cmocka_unit_test(test_samples_die_too),
		cmocka_unit_test(test_what_does_not_die_comes_out_the_same_isolated),
		cmocka_unit_test(test_a_replay_of_a_death_is_a_verdict_at_the_same_step),
		cmocka_unit_test_setup_teardown(test_the_picture_ends_with_the_step_of_the_death, core_setup,
						core_teardown_rubble),
		cmocka_unit_test(test_a_setup_that_dies_or_hangs_is_a_verdict),
		cmocka_unit_test(test_what_lives_runs_as_if_it_were_not_isolated),
		cmocka_unit_test(test_a_death_on_the_way_to_the_simplest_failure_is_survived),
		cmocka_unit_test(test_a_minimal_failure_is_the_same_isolated),
		cmocka_unit_test(test_options_that_do_not_fit_the_strategy_are_refused),
		cmocka_unit_test(test_what_needs_another_process_is_refused_without_one),
		cmocka_unit_test(test_a_place_that_is_not_in_this_process_is_none),
		cmocka_unit_test(test_workers_go_when_their_parent_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
