/* SPDX-License-Identifier: MIT */
/* <p2psim/cmocka.h>: a scenario explored as a test.  usage: adaptor EXPLORES */
#include "cli_tool.h"

/* In CMocka's own words, whatever this test itself speaks. */
static struct tool_run explores(void)
{
	const char *output = getenv("CMOCKA_MESSAGE_OUTPUT");
	char *mine = output ? strdup(output) : NULL;
	struct tool_run run;

	unsetenv("CMOCKA_MESSAGE_OUTPUT");
	run = tool_spawn((const char *const[]){ NULL });
	if (mine)
		setenv("CMOCKA_MESSAGE_OUTPUT", mine, 1);
	free(mine);
	return run;
}

static void test_a_scenario_that_fails_says_its_verdict_and_counts(void **state)
{
	struct tool_run run = explores();

	(void)state;
	assert_int_equal(run.status, 1); /* one of two fails */
	assert_says(run.out, "OK ] counter/right");
	assert_says(run.err, "counter/wrong: SOMETIMES, 1 of 2 executions");
	tool_free(&run);
}

static void test_the_minimal_schedule_is_drawn_in_two_columns_above_its_replay_command(void **state)
{
	struct tool_run run = explores();
	const char *columns = strstr(run.err, "  first ");
	const char *replay = strstr(run.err, "replay: p2psim replay 'counter/wrong' p2p1-");

	(void)state;
	assert_non_null(columns);
	assert_non_null(replay);
	assert_true(columns < replay);
	assert_says(columns, "second\n");
	assert_says(columns, "  it was 0\n");
	assert_null(strstr(columns, "it was 1"));
	tool_free(&run);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_scenario_that_fails_says_its_verdict_and_counts),
		cmocka_unit_test(test_the_minimal_schedule_is_drawn_in_two_columns_above_its_replay_command),
	};

	if (argc != 2)
		return 2;
	tool_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
