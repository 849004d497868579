/* SPDX-License-Identifier: MIT */
/*
 * The race check of all plain accesses: drivers compiled with -fsanitize=thread against libp2psim-tsan, explored.
 * The rules: docs/memory-model.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <p2psim/explore.h>

#include "gadget.h"

static struct p2psim_explore_result explored(const struct story *story, enum p2psim_strategy_kind strategy, bool races)
{
	struct p2psim_scenario scenario = { .name = story->name, .question = "Is it a race?", .setup = gadget_setup,
		.state_size = sizeof(struct gadget), .tasks = { { "a", story->a }, { "b", story->b } },
		.config = { .races = races } };
	struct p2psim_explore_options options = { .strategy = strategy, .keep_going = true };
	struct p2psim_explore_result result;

	assert_int_equal(p2psim_explore(&scenario, &options, &result), 0);
	assert_true(result.complete);
	return result;
}

static void as_told(const struct story *story)
{
	struct p2psim_explore_result result;

	for (; story->name; story++) {
		result = explored(story, P2PSIM_EXPLORE_DPOR, true);
		if (result.violation.oracle != story->caught)
			fail_msg("%s: %s %s", story->name, p2psim_oracle_name(result.violation.oracle),
				 result.violation.sentence);
		assert_int_equal(result.verdict, story->caught ? P2PSIM_VIOLATION : P2PSIM_NEVER);
	}
}

static void test_each_primitive_orders_plain_accesses_and_without_it_they_race(void **state)
{
	(void)state;
	as_told(edges);
}

static void test_each_kind_of_access_and_of_memory_is_seen(void **state)
{
	(void)state;
	as_told(shapes);
}

static const struct story *shape(const char *name)
{
	const struct story *story = shapes;

	while (strcmp(story->name, name))
		story++;
	return story;
}

/* Of x++ gcc tells the read and the write, clang the write. */
static void test_a_race_names_both_places_tasks_sizes_and_the_memory(void **state)
{
	struct p2psim_explore_result result = explored(shape("unmarked sharing"), P2PSIM_EXPLORE_NAIVE, true);
	const char *sentence = result.violation.sentence;

	(void)state;
	assert_non_null(strstr(sentence, "s 4 bytes of the scenario's state (adds_bare() shapes.c:"));
	assert_non_null(strstr(sentence, "which a wrote (adds_bare() shapes.c:"));
	assert_non_null(strstr(sentence, "nothing orders them"));
	assert_true(result.schedule[0] != '\0');
	result = explored(shape("memcpy() and its target's tail"), P2PSIM_EXPLORE_NAIVE, true);
	assert_non_null(strstr(result.violation.sentence, "which a wrote (80 bytes) (copies() shapes.c:"));
	result = explored(shape("static variable"), P2PSIM_EXPLORE_NAIVE, true);
	assert_non_null(strstr(result.violation.sentence, "s 4 bytes of opened (opens() shapes.c:"));
}

/* Two tasks with a read and a write each: 4! / (2! 2!) = 6 interleavings, with the check and without. */
static void test_marked_accesses_are_steps_and_plain_ones_are_not(void **state)
{
	struct p2psim_explore_result marked = explored(shape("marked on both sides"), P2PSIM_EXPLORE_NAIVE, true);
	struct p2psim_explore_result bare = explored(shape("unmarked sharing"), P2PSIM_EXPLORE_NAIVE, false);
	struct p2psim_explore_result without = explored(shape("marked on both sides"), P2PSIM_EXPLORE_NAIVE, false);
	struct p2psim_explore_result raw = explored(shape("volatile"), P2PSIM_EXPLORE_NAIVE, true);

	(void)state;
	assert_int_equal(marked.executions, 6);
	assert_int_equal(without.executions, 6);
	assert_int_equal(without.steps, marked.steps);
	assert_int_equal(bare.executions, 1);
	assert_int_equal(raw.executions, 2);
}

static void test_a_race_of_one_interleaving_is_found_in_that_one(void **state)
{
	struct p2psim_explore_result result = explored(shape("only when the flag is seen"), P2PSIM_EXPLORE_DPOR, true);

	(void)state;
	assert_true(result.violations > 0);
	assert_true(result.violations < result.executions);
}

static void test_without_the_option_nothing_is_checked(void **state)
{
	(void)state;
	assert_int_equal(explored(shape("unmarked sharing"), P2PSIM_EXPLORE_NAIVE, false).verdict, P2PSIM_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_primitive_orders_plain_accesses_and_without_it_they_race),
		cmocka_unit_test(test_each_kind_of_access_and_of_memory_is_seen),
		cmocka_unit_test(test_a_race_names_both_places_tasks_sizes_and_the_memory),
		cmocka_unit_test(test_marked_accesses_are_steps_and_plain_ones_are_not),
		cmocka_unit_test(test_a_race_of_one_interleaving_is_found_in_that_one),
		cmocka_unit_test(test_without_the_option_nothing_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
