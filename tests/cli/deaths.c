/* SPDX-License-Identifier: MIT */
/*
 * A driver under test that dies or hangs does not take the program with it: verdict, step, schedule, exit status.
 * usage: deaths PROGRAM (dying_tool.c)
 */
#include "cli_tool.h"

/* Behind "replay 'dies' ", up to a blank or the end of the line. */
static void schedule_of(const char *text, char *schedule, size_t size)
{
	const char *at = strstr(text, "p2p1-");

	assert_non_null(at);
	assert_in_range(strcspn(at, " \n"), 1, size - 1);
	snprintf(schedule, size, "%.*s", (int)strcspn(at, " \n"), at);
}

static void explored_schedule(const char *scenario, char *schedule, size_t size)
{
	struct tool_run run = tool("explore", scenario, "--strategy", "dpor", "--time-limit", "1s");

	schedule_of(run.out, schedule, size);
	tool_free(&run);
}

static void test_an_exploration_tells_of_a_death(void **state)
{
	static const char sentence[] = "the program dies after a step of victim: signal 6 (";

	(void)state;
	assert_tool(0, "dies: VIOLATION CRASH, as expected: 1 of ", NULL, "explore", "dies", "--strategy", "dpor");
	assert_tool(0, sentence, NULL, "explore", "dies");
	assert_tool(0, sentence, NULL, "explore", "dies", "--jobs", "2");
	assert_tool(0, sentence, NULL, "explore", "dies", "--strategy", "random");
	assert_tool(1, "dies/access: VIOLATION CRASH, NOT as expected", NULL, "explore", "dies/access");
	assert_tool(0, "lives: NEVER, as expected", NULL, "explore", "lives");
	assert_tool(0, "\"oracle\":\"CRASH\"", NULL, "explore", "dies", "--json");
}

static void test_a_replay_of_a_death_is_drawn_up_to_its_step(void **state)
{
	char schedule[160];

	(void)state;
	explored_schedule("dies", schedule, sizeof(schedule));
	assert_tool(0, "<== CRASH", NULL, "replay", "dies", schedule);
	assert_tool(0, "dies: VIOLATION CRASH, as expected\n3 steps;", NULL, "replay", "dies", schedule);
	assert_tool(0, schedule, NULL, "run", "dies", "--schedule", schedule);
	assert_tool(0, "\"verdict\":\"VIOLATION\"", NULL, "replay", "dies", schedule, "--trace", "json");
	explored_schedule("dies/access", schedule, sizeof(schedule));
	assert_tool(1, "dies/access: VIOLATION CRASH, NOT as expected", NULL, "replay", "dies/access", schedule);
}

static void test_a_death_can_be_walked_to(void **state)
{
	char schedule[160], path[] = "/tmp/p2psim-walk-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "c\n", 2), 2);
	close(fd);
	explored_schedule("dies", schedule, sizeof(schedule));
	tool_input = path;
	assert_tool(0, "<== CRASH", "3 steps; n next", "replay", "dies", schedule, "--step");
	tool_input = "/dev/null";
	unlink(path);
}

static void test_a_task_that_comes_to_no_step_is_a_verdict(void **state)
{
	static const char sentence[] = "victim runs on for 1000 ms and comes to no other step";
	char schedule[160];

	(void)state;
	explored_schedule("hangs", schedule, sizeof(schedule));
	assert_tool(0, sentence, NULL, "explore", "hangs", "--time-limit", "1s");
	assert_tool(0, sentence, NULL, "explore", "hangs", "--time-limit", "1s", "--jobs", "2");
	assert_tool(0, sentence, NULL, "replay", "hangs", schedule, "--time-limit", "1s");
	assert_tool(0, "<== PROGRESS", NULL, "run", "hangs", "--schedule", schedule, "--time-limit", "1s");
	assert_tool(0, "lives: NEVER", NULL, "run", "lives", "--time-limit", "none");
	assert_tool(2, NULL, "--time-limit is a time (500ms, 10s, 2m) or none, not \"soon\"", "run", "lives", "--time-limit",
		    "soon");
	assert_tool(2, NULL, "--time-limit is a time", "explore", "lives", "--time-limit", "0s");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_exploration_tells_of_a_death),
		cmocka_unit_test(test_a_replay_of_a_death_is_drawn_up_to_its_step),
		cmocka_unit_test(test_a_death_can_be_walked_to),
		cmocka_unit_test(test_a_task_that_comes_to_no_step_is_a_verdict),
	};

	if (argc != 2)
		return 2;
	tool_path = argv[1];
	return cmocka_run_group_tests_name("deaths", tests, NULL, NULL);
}
