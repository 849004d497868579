/* SPDX-License-Identifier: MIT */
/* replay --step: a schedule walked by commands on standard input.  usage: walk P2PSIM */
#include "cli_tool.h"

static const char twin[] = "mail/001-bar-defrag!no-retry-check";
static char schedule[128];

/* Finds the schedule that is walked: the simplest one. */
static int find_schedule(void **state)
{
	struct tool_run run = tool("explore", twin, "--json");
	char *at = run.out, *last = NULL;

	(void)state;
	while ((at = strstr(at, "\"p2p1-")))
		last = at++;
	assert_non_null(last);
	snprintf(schedule, sizeof(schedule), "%.*s", (int)strcspn(last + 1, "\""), last + 1);
	tool_free(&run);
	return 0;
}

static struct tool_run walk(const char *commands)
{
	char path[] = "/tmp/p2psim-walk-XXXXXX";
	int fd = mkstemp(path);
	struct tool_run run;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, commands, strlen(commands)), (long)strlen(commands));
	close(fd);
	tool_input = path;
	run = tool("replay", twin, schedule, "--step");
	tool_input = "/dev/null";
	unlink(path);
	assert_int_equal(run.status, 0);
	return run;
}

static void walks(const char *commands, const char *out, const char *err)
{
	struct tool_run run = walk(commands);

	assert_says(run.out, out);
	assert_says(run.err, err);
	tool_free(&run);
}

static void test_next_shows_the_step_and_what_happens_in_it(void **state)
{
	(void)state;
	walks("n 9\nq\n", "nic0         unlock mmu_notifier subscriptions\n                         read_begin() = 1\n", "");
	walks("\n\n", "   86  nic0         tlb nic0 page table[20] (nic:translate)\n   87  nic0 ", "57 steps");
}

static void test_back_is_the_execution_one_step_shorter(void **state)
{
	struct tool_run there = walk("n 4\nb\nn\nq\n"), plain = walk("n 4\ng 88\nn\nq\n");

	(void)state;
	assert_string_equal(there.out, plain.out);
	tool_free(&there);
	tool_free(&plain);
	walks("n 3\nb 99\n", "(before the first step)", "");
}

static void test_until_stops_at_a_step_or_a_note_that_says_so(void **state)
{
	(void)state;
	walks("u nic:zap\nw\n", "(nic:zap)\n       nic0         can go on: lock nic0.update\n"
	      "       gpu0         can go on: unlock nic0.update\n", "");
	walks("u no such thing\n", "<== CONTRACT\n       (the end)\n", "");
}

static void test_switch_stops_where_another_task_goes_on(void **state)
{
	(void)state;
	walks("s\nw\n", "nic:lock\n       nic0         can go on: lock nic0.update\n", "");
	walks("u set_seq\nn\nw\n", "nic:zap", "");
	walks("u callback.enter\nn 2\nb 1\nw\n", "       gpu0         can go on: seq.write nic0 (seq:set_seq)\n", "");
}

static void test_continue_comes_to_the_end_and_stays_there(void **state)
{
	(void)state;
	walks("c\nw\n", "<== CONTRACT\n       nic0         takes no further step\n", "");
	walks("c\nn\n", "       (the end)\n", "");
	walks("p\nq\n", "\n  nic0 ", "");
}

static void test_words_that_are_no_commands_are_told(void **state)
{
	(void)state;
	walks("dance\n", "", "\"dance\" is no command here");
	walks("u\n", "", "\"u\" is no command here");
	walks("n many\n", "", "\"many\" is no number of steps");
	walks("h\n", "  u TEXT   on to a step", "");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_shows_the_step_and_what_happens_in_it),
		cmocka_unit_test(test_back_is_the_execution_one_step_shorter),
		cmocka_unit_test(test_until_stops_at_a_step_or_a_note_that_says_so),
		cmocka_unit_test(test_switch_stops_where_another_task_goes_on),
		cmocka_unit_test(test_continue_comes_to_the_end_and_stays_there),
		cmocka_unit_test(test_words_that_are_no_commands_are_told),
	};

	if (argc != 2)
		return 2;
	tool_path = argv[1];
	return cmocka_run_group_tests(tests, find_schedule, NULL);
}
