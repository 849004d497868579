/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong by itself: each kind finds a bug that no order of steps shows, and its twin is right.  Strategies, workers,
 * replay strings and minimal schedules treat such a decision like a switch.
 */
#include "explored.h"

#include <errno.h>
#include <stdio.h>

#include <p2psim/adversary.h>
#include <p2psim/linux/completion.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/wait.h>
#include <p2psim/minimise.h>
#include <p2psim/trace.h>

struct state {
	struct mutex lock;
	struct completion asked, *request;
	wait_queue_head_t wq;
	int ready, users;
	bool used_early;
};

static int begin(void *state)
{
	struct state *s = state;

	mutex_init(&s->lock);
	init_completion(&s->asked);
	init_waitqueue_head(&s->wq);
	return 0;
}

/* ---- allocation: who forgets the first when the second fails ---- */

static void takes_two(struct state *s, bool careful)
{
	char *one = kmalloc(16, GFP_KERNEL), *two;

	if (!one)
		return;
	two = kmalloc(16, GFP_KERNEL);
	if (two || careful)
		kfree(one);
	kfree(two);
}

static void takes_two_and_forgets(void *state)
{
	takes_two(state, false);
}

static void takes_two_with_care(void *state)
{
	takes_two(state, true);
}

/* ---- wakeup: who looks once ---- */

static void sleeps_once(void *state)
{
	struct state *s = state;
	DEFINE_WAIT(wait);

	prepare_to_wait(&s->wq, &wait, TASK_UNINTERRUPTIBLE);
	if (!READ_ONCE(s->ready))
		schedule();
	finish_wait(&s->wq, &wait);
	s->used_early = !READ_ONCE(s->ready);
}

static void sleeps_until(void *state)
{
	struct state *s = state;

	wait_event(s->wq, READ_ONCE(s->ready));
	s->used_early = !READ_ONCE(s->ready);
}

static void makes_ready(void *state)
{
	struct state *s = state;

	WRITE_ONCE(s->ready, 1);
	wake_up_all(&s->wq);
}

static bool is_used_early(void *state)
{
	return ((struct state *)state)->used_early;
}

/* ---- timer: who frees what the late one still completes ---- */

static void asks_and_frees(struct state *s, bool careful)
{
	struct completion *answered = kmalloc(sizeof(*answered), GFP_KERNEL | __GFP_NOFAIL);

	init_completion(answered);
	s->request = answered;
	complete(&s->asked);
	if (!wait_for_completion_timeout(answered, 10) && careful)
		wait_for_completion(answered);
	kfree(answered);
}

static void gives_up(void *state)
{
	asks_and_frees(state, false);
}

static void gives_up_with_care(void *state)
{
	asks_and_frees(state, true);
}

static void answers(void *state)
{
	struct state *s = state;

	wait_for_completion(&s->asked);
	complete(s->request);
}

/* ---- trylock: who counts on a lock that nobody holds ---- */

static void uses_unless_busy(struct state *s, bool careful)
{
	s->users++;
	if (mutex_trylock(&s->lock)) {
		s->users--;
		mutex_unlock(&s->lock);
	} else if (careful) {
		s->users--;
	}
}

static void forgets_its_use(void *state)
{
	uses_unless_busy(state, false);
}

static void drops_its_use(void *state)
{
	uses_unless_busy(state, true);
}

static bool is_in_use(void *state)
{
	return ((struct state *)state)->users;
}

/* ---- */

#define SCENARIO(what, kind, ...)                                                                                      \
	{                                                                                                              \
		.name = "adverse/" what, .question = "Does it go wrong?", .source = "invented",                        \
		.state_size = sizeof(struct state), .setup = begin, .config = { .adversary = { [kind] = 1 } },         \
		__VA_ARGS__,                                                                                           \
	}
#define WAITER(fn) .tasks = { { "driver", fn }, { "device", makes_ready } }, .exists = is_used_early
#define ASKER(fn) .tasks = { { "driver", fn }, { "device", answers } }

/* The bug, and its twin that is right. */
static const struct p2psim_scenario bugs[][2] = {
	{ SCENARIO("two!forgets", P2PSIM_ADVERSE_ALLOCATION, .tasks = { { "driver", takes_two_and_forgets } },
		   .expect = P2PSIM_VIOLATION, .oracle = P2PSIM_LEAK),
	  SCENARIO("two", P2PSIM_ADVERSE_ALLOCATION, .tasks = { { "driver", takes_two_with_care } }, .expect = P2PSIM_NEVER) },
	{ SCENARIO("wait!once", P2PSIM_ADVERSE_WAKEUP, WAITER(sleeps_once), .expect = P2PSIM_SOMETIMES),
	  SCENARIO("wait", P2PSIM_ADVERSE_WAKEUP, WAITER(sleeps_until), .expect = P2PSIM_NEVER) },
	{ SCENARIO("ask!frees", P2PSIM_ADVERSE_TIMER, ASKER(gives_up), .expect = P2PSIM_VIOLATION, .oracle = P2PSIM_UAF),
	  SCENARIO("ask", P2PSIM_ADVERSE_TIMER, ASKER(gives_up_with_care), .expect = P2PSIM_NEVER) },
	{ SCENARIO("use!forgets", P2PSIM_ADVERSE_TRYLOCK, .tasks = { { "driver", forgets_its_use } }, .exists = is_in_use,
		   .expect = P2PSIM_SOMETIMES),
	  SCENARIO("use", P2PSIM_ADVERSE_TRYLOCK, .tasks = { { "driver", drops_its_use } }, .exists = is_in_use,
		   .expect = P2PSIM_NEVER) },
};

static const enum p2psim_strategy_kind whole[] = { P2PSIM_EXPLORE_NAIVE, P2PSIM_EXPLORE_SLEEP, P2PSIM_EXPLORE_DPOR };

static void test_each_kind_finds_its_bug_and_its_twin_is_right(void **state)
{
	struct p2psim_explore_result result;
	unsigned int i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bugs); i++)
		for (k = 0; k < ARRAY_SIZE(whole); k++) {
			struct p2psim_explore_options options = { .strategy = whole[k], .keep_going = true };

			explore_as_expected(&bugs[i][0], &options, &result);
			assert_true(result.complete && result.violations + result.exists < result.executions);
			explore_as_expected(&bugs[i][1], &options, &result);
			assert_true(result.complete);
		}
}

static void test_without_a_budget_nothing_goes_wrong(void **state)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_NAIVE, .keep_going = true };
	struct p2psim_explore_result result;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		struct p2psim_scenario scenario = bugs[i][0];

		memset(&scenario.config, 0, sizeof(scenario.config));
		scenario.expect = P2PSIM_NEVER;
		explore_as_expected(&scenario, &options, &result);
		assert_true(result.complete);
	}
}

/* It costs no preemption: the lowest level of icb finds three of them, and samples find them too. */
static void test_bounded_and_sampling_strategies_find_them(void **state)
{
	static const enum p2psim_strategy_kind samples[] = { P2PSIM_EXPLORE_RANDOM, P2PSIM_EXPLORE_PCT, P2PSIM_EXPLORE_POS };
	struct p2psim_explore_result result;
	unsigned int i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_ICB, .preemptions = 1, .keep_going = true };

		explore_as_expected(&bugs[i][0], &options, &result);
		assert_true(result.preemptions_min == 0);
		for (k = 0; k < ARRAY_SIZE(samples); k++) {
			options = (struct p2psim_explore_options){ .strategy = samples[k], .budget = 400, .keep_going = true };
			explore_as_expected(&bugs[i][0], &options, &result);
		}
	}
}

/* ---- budgets: one of three allocations, two of them, all ---- */

static void allocates_three(void *state)
{
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		kfree(kmalloc(8, GFP_KERNEL));
}

static void test_a_budget_is_of_each_execution(void **state)
{
	static const unsigned int executions[] = { 1, 4, 7, 8, 8 };
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR };
	struct p2psim_explore_result result;
	uint8_t budget;

	(void)state;
	for (budget = 0; budget < ARRAY_SIZE(executions); budget++) {
		const struct p2psim_scenario scenario = {
			.name = "adverse/three", .question = "?", .state_size = sizeof(struct state), .setup = begin,
			.tasks = { { "driver", allocates_three } }, .expect = P2PSIM_NEVER,
			.config = { .adversary = { [P2PSIM_ADVERSE_ALLOCATION] = budget } },
		};

		assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
		assert_int_equal(result.executions, executions[budget]);
		assert_int_equal(result.redundant, 0);
	}
}

static int begin_with_memory(void *state)
{
	kfree(kmalloc(8, GFP_KERNEL));
	return p2psim_adverse(P2PSIM_ADVERSE_OTHER, "never here") ? -EINVAL : begin(state);
}

static void test_setup_is_left_alone(void **state)
{
	const struct p2psim_scenario scenario = {
		.name = "adverse/setup", .question = "?", .state_size = sizeof(struct state), .setup = begin_with_memory,
		.tasks = { { "driver", allocates_three } }, .expect = P2PSIM_NEVER,
		.config = { .adversary = { [P2PSIM_ADVERSE_ALLOCATION] = 9, [P2PSIM_ADVERSE_OTHER] = 9 } },
	};
	struct p2psim_explore_result result;

	(void)state;
	explore_traces(&scenario, &result);
	assert_int_equal(result.executions, 8);
}

/* ---- replay, workers, minimal ---- */

/* 0 or what p2psim_scenario_run() says. */
static int replay(const struct p2psim_scenario *scenario, const char *schedule, struct p2psim_run_result *run)
{
	const struct p2psim_run_options options = { .policy = P2PSIM_POLICY_REPLAY, .replay = schedule };
	struct p2psim_world *world = p2psim_world_create(&scenario->config);
	int error = p2psim_scenario_run(scenario, world, &options, run);

	p2psim_world_destroy(world);
	return error;
}

static void test_a_string_replays_what_went_wrong(void **state)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR };
	struct p2psim_explore_result result;
	struct p2psim_run_result run;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		struct p2psim_scenario other = bugs[i][0];

		assert_int_equal(p2psim_explore(&bugs[i][0], &options, &result), 0);
		assert_in_range(strlen(result.schedule), 18, 32);
		assert_int_equal(replay(&bugs[i][0], result.schedule, &run), 0);
		assert_int_equal(run.verdict, bugs[i][0].oracle ? P2PSIM_VIOLATION : P2PSIM_ALWAYS);
		other.config.adversary[P2PSIM_ADVERSE_OTHER] = 1;
		assert_int_equal(replay(&other, result.schedule, &run), -EINVAL);
		assert_non_null(strstr(run.error, "another configuration"));
	}
}

static void test_workers_count_the_same(void **state)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .keep_going = true };
	struct p2psim_explore_result alone, workers;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		options.jobs = 0;
		assert_int_equal(p2psim_explore(&bugs[i][0], &options, &alone), 0);
		options.jobs = 2;
		assert_int_equal(p2psim_explore(&bugs[i][0], &options, &workers), 0);
		assert_int_equal(alone.failing_traces, workers.failing_traces);
		assert_string_equal(alone.schedule, workers.schedule);
		if (bugs[i][0].oracle != P2PSIM_UAF) /* who comes too late for freed memory ends it before a step that races */
			assert_true(alone.traces_hash == workers.traces_hash);
	}
}

static void test_the_simplest_schedule_is_found_with_its_proof(void **state)
{
	struct p2psim_minimal minimal;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		assert_int_equal(p2psim_minimise(&bugs[i][0], NULL, &minimal), 0);
		assert_int_equal(minimal.preemptions, 0);
		assert_int_equal(minimal.adversities, 1);
		assert_true(minimal.certified);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_finds_its_bug_and_its_twin_is_right),
		cmocka_unit_test(test_without_a_budget_nothing_goes_wrong),
		cmocka_unit_test(test_bounded_and_sampling_strategies_find_them),
		cmocka_unit_test(test_a_budget_is_of_each_execution),
		cmocka_unit_test(test_setup_is_left_alone),
		cmocka_unit_test(test_a_string_replays_what_went_wrong),
		cmocka_unit_test(test_workers_count_the_same),
		cmocka_unit_test(test_the_simplest_schedule_is_found_with_its_proof),
	};

	return cmocka_run_group_tests_name("adverse", tests, NULL, NULL);
}
