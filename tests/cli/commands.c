/* SPDX-License-Identifier: MIT */
/* The p2psim program: its commands, what it says and its exit status.  usage: commands P2PSIM */
#include "cli_tool.h"
#include "widest.h"

static const char good[] = "mail/001-bar-defrag", twin[] = "mail/001-bar-defrag!no-retry-check";

/* The last word of an output: the replay string. */
static void last_word(const char *text, char *word, size_t size)
{
	size_t end = strlen(text), start;

	while (end && text[end - 1] == '\n')
		end--;
	for (start = end; start && text[start - 1] != ' '; start--)
		;
	assert_in_range(end - start, 1, size - 1);
	snprintf(word, size, "%.*s", (int)(end - start), text + start);
}

static void schedule_of(const char *scenario, char *word, size_t size)
{
	struct tool_run run = tool("run", scenario);

	last_word(run.out, word, size);
	tool_free(&run);
}

/* ---- Help and words that are wrong ---- */

static int tool_spawn_without_arguments(void)
{
	static const char *const none[] = { NULL };
	struct tool_run run = tool_spawn(none);
	int status = run.status;

	assert_string_equal(run.out, "");
	assert_says(run.err, "usage: ");
	tool_free(&run);
	return status;
}

static void test_help_names_every_command_and_the_exit_statuses(void **state)
{
	(void)state;
	assert_tool(0, "\n  list ", NULL, "--help");
	assert_tool(0, "\n  run SCENARIO", NULL, "-h");
	assert_tool(0, "\n  replay SCENARIO S", NULL, "help");
	assert_tool(0, "usage: p2psim run SCENARIO", NULL, "run", "--help");
	assert_tool(0, "options that belong to some strategies:", NULL, "help", "explore");
	assert_tool(0, "\n  conform PATH...", NULL, "--help");
	assert_tool(0, "exit status: 0 as expected, 1 an unexpected verdict", NULL, "--help");
	assert_int_equal(tool_spawn_without_arguments(), 2);
	assert_tool(0, "(mirrors Linux 6.1; PCI peer-to-peer 6.12)\n", NULL, "--version");
}

static void test_every_line_of_the_help_fits_in_a_terminal(void **state)
{
	static const char *const commands[] = { "help", "list", "run", "replay", "explore", "conform", "merge", "litmus" };
	struct tool_run run;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		run = tool(commands[i], "--help");
		assert_int_equal(run.status, 0);
		assert_in_range(widest(run.out), 40, 80);
		tool_free(&run);
	}
}

/* An exploration that comes to no end has seen nothing: it must not pass for what is expected. */
static void test_where_no_execution_ends_nothing_is_as_expected(void **state)
{
	(void)state;
	assert_tool(1, "NEVER, NOT as expected: 0 of 0 executions, not complete", NULL, "explore", good, "--max-depth", "5");
}

static void test_unknown_words_are_usage_errors(void **state)
{
	(void)state;
	assert_tool(2, NULL, "unknown command \"dance\"", "dance");
	assert_tool(2, NULL, "quiz: this version cannot do that", "quiz", good);
	assert_tool(2, NULL, "--faster: unknown option", "run", good, "--faster");
	assert_tool(2, NULL, "--seed: missing argument", "run", good, "--seed");
	assert_tool(2, NULL, "many: invalid numeric value", "run", good, "--seed", "many");
	assert_tool(2, NULL, "run has no option --strategy", "run", good, "--strategy", "dpor");
	assert_tool(2, NULL, "explore has no option --trace", "explore", good, "--trace", "json");
	assert_tool(2, NULL, "--trace is text or json, not \"colour\"", "run", good, "--trace", "colour");
}

static void test_a_wrong_number_of_arguments_is_a_usage_error(void **state)
{
	(void)state;
	assert_tool(2, NULL, "run takes one scenario", "run");
	assert_tool(2, NULL, "run takes one scenario", "run", good, good);
	assert_tool(2, NULL, "replay takes a scenario and a replay string", "replay", good);
	assert_tool(2, NULL, "explore takes one scenario, or all", "explore");
	assert_tool(2, NULL, "list takes no argument", "list", good);
}

static void test_an_unknown_scenario_brings_suggestions(void **state)
{
	(void)state;
	assert_tool(2, NULL, "no scenario \"mail/001-bardefrag\"\n  did you mean mail/001-bar-defrag?\n", "run",
		    "mail/001-bardefrag");
	assert_tool(2, NULL, "  did you mean mail/002-doorbell!fishes-the-pfn?\n", "explore", "doorbell!fish");
	assert_tool(2, NULL, "p2psim: there is no scenario \"xyz\"\n", "run", "xyz");
	assert_tool(2, NULL, "p2psim: there is no scenario \"\"\n", "run", "");
}

static void test_strategies_and_budgets_that_are_none_are_usage_errors(void **state)
{
	(void)state;
	assert_tool(2, NULL, "--strategy is one of auto, icb, dpor", "explore", good, "--strategy", "magic");
	assert_tool(2, NULL, "not \"0\"", "explore", good, "--budget", "0");
	assert_tool(2, NULL, "not \"10h\"", "explore", good, "--budget", "10h");
	assert_tool(2, NULL, "not \"-1\"", "explore", good, "--budget", "-1");
	assert_tool(2, NULL, "not \"99999999999999999999999\"", "explore", good, "--budget", "99999999999999999999999");
	assert_tool(2, NULL, "--preemptions is a number from 0 on, not -1", "explore", good, "--preemptions", "-1");
	assert_tool(2, NULL, "--depth is at most 16", "explore", good, "--strategy", "pct", "--depth", "17");
	assert_tool(2, NULL, "--max-depth is a number from 0 on, not -1", "explore", good, "--max-depth", "-1");
	assert_tool(2, NULL, "three: invalid numeric value", "explore", good, "--depth", "three");
	assert_tool(2, NULL, "--minimize and --no-minimize exclude each other", "explore", twin, "--minimize",
		    "--no-minimize");
}

static void test_schedule_and_seed_exclude_each_other(void **state)
{
	(void)state;
	assert_tool(2, NULL, "--schedule and --seed exclude each other", "run", good, "--seed", "1", "--schedule", "nic0");
}

static void test_a_schedule_that_cannot_be_followed_says_why(void **state)
{
	(void)state;
	assert_tool(2, NULL, "nobody", "run", good, "--schedule", "nobody");
	assert_tool(2, NULL, "p2psim: mail/001-bar-defrag: ", "run", good, "--schedule", "nic0>no-such-step");
}

/* ---- One execution ---- */

static void test_run_draws_the_picture_the_verdict_and_the_replay_string(void **state)
{
	struct tool_run run = tool("run", good);

	(void)state;
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_says(run.out, "mail/001-bar-defrag\n");
	assert_says(run.out, "\n  nic0 ");
	assert_says(run.out, "\nmail/001-bar-defrag: NEVER, as expected\n");
	assert_says(run.out, "\np2psim replay 'mail/001-bar-defrag' p2p1-");
	assert_in_range(widest(run.out), 60, 76);
	tool_free(&run);
}

static void test_a_broken_twin_that_is_caught_is_as_expected(void **state)
{
	(void)state;
	assert_tool(0, "<== CONTRACT", NULL, "run", twin);
	assert_tool(0, "\n  Cause: step ", NULL, "run", twin);
	assert_tool(0, ": VIOLATION CONTRACT, as expected", NULL, "run", twin);
}

/* One task after the other: nothing collides, the broken twin is not caught. */
static void test_a_broken_twin_that_is_not_caught_is_a_surprise(void **state)
{
	(void)state;
	assert_tool(1, ": NEVER, NOT as expected", NULL, "run", twin, "--schedule", "nic0 gpu0");
}

static void test_a_replay_comes_to_the_same_violation(void **state)
{
	char schedule[160];
	struct tool_run first = tool("run", twin), second, third;

	(void)state;
	last_word(first.out, schedule, sizeof(schedule));
	second = tool("replay", twin, schedule);
	third = tool("run", twin, "--schedule", schedule);
	assert_int_equal(second.status, 0);
	assert_string_equal(first.out, second.out);
	assert_string_equal(first.out, third.out);
	tool_free(&first);
	tool_free(&second);
	tool_free(&third);
}

static void test_replay_strings_that_do_not_fit_are_refused_with_the_reason(void **state)
{
	char schedule[160], damaged[160];

	(void)state;
	schedule_of(twin, schedule, sizeof(schedule));
	assert_tool(2, NULL, "belongs to another scenario", "replay", good, schedule);
	strcpy(damaged, schedule);
	damaged[14] = damaged[14] == '2' ? '3' : '2';
	assert_tool(2, NULL, "damaged: its checksum does not fit", "replay", twin, damaged);
	schedule[12] = '\0';
	assert_tool(2, NULL, "cut off or has a part too many", "replay", twin, schedule);
	assert_tool(2, NULL, "this is no replay string", "replay", twin, "again, please");
}

/* With stdin at its end, --step walks nowhere and waits for nothing. */
static void test_step_ends_with_its_input(void **state)
{
	char schedule[160];
	struct tool_run plain, stepped;

	(void)state;
	schedule_of(good, schedule, sizeof(schedule));
	plain = tool("replay", good, schedule);
	stepped = tool("replay", good, schedule, "--step");
	assert_string_equal(plain.out, stepped.out);
	assert_says(stepped.err, " steps; n next, b back");
	tool_free(&plain);
	tool_free(&stepped);
}

static void test_output_goes_to_a_file_or_says_why_not(void **state)
{
	char path[] = "/tmp/p2psim-test-XXXXXX";
	struct tool_run run = tool("run", good);
	int fd = mkstemp(path);
	char *text;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_tool(0, NULL, NULL, "run", good, "-o", path);
	text = tool_slurp(fopen(path, "r"));
	assert_string_equal(text, run.out);
	free(text);
	unlink(path);
	tool_free(&run);
	assert_tool(2, NULL, "/no/such/folder/x: No such file or directory", "run", good, "-o", "/no/such/folder/x");
	assert_tool(3, NULL, "/dev/full cannot be written", "run", good, "-o", "/dev/full");
}

/* ---- All executions ---- */

static void test_explore_counts_and_proves(void **state)
{
	(void)state;
	assert_tool(0, ": NEVER, as expected: 0 of ", NULL, "explore", good, "--strategy", "dpor");
	assert_tool(0, " traces, complete", NULL, "explore", good, "--strategy", "dpor");
	assert_tool(0, ": VIOLATION CONTRACT, as expected: 1 of ", NULL, "explore", twin);
	assert_tool(0, "  1 preemption: p2psim replay 'mail/001-bar-defrag!no-retry-check' p2p1-", NULL, "explore", twin);
}

static void test_what_explore_finds_can_be_replayed(void **state)
{
	struct tool_run run = tool("explore", twin);
	char schedule[160];

	(void)state;
	last_word(run.out, schedule, sizeof(schedule));
	assert_tool(0, "<== CONTRACT", NULL, "replay", twin, schedule);
	tool_free(&run);
}

static void test_a_budget_that_is_too_small_is_a_surprise_for_a_broken_twin(void **state)
{
	(void)state;
	assert_tool(1, ": NEVER, NOT as expected: 0 of 1 traces, not complete", NULL, "explore", twin, "--strategy",
		    "dpor", "--budget", "1");
}

static void test_too_long_is_no_livelock_and_pure_retries_prove_less(void **state)
{
	(void)state;
	assert_tool(1, "  too long: ", NULL, "explore", good, "--strategy", "dpor", "--max-depth", "10");
	assert_tool(1, " cut after 10 steps; they may be endless or not", NULL, "explore", good, "--strategy", "dpor",
		    "--max-depth", "10");
	assert_tool(1, "\"max_depth\":10", NULL, "explore", good, "--strategy", "dpor", "--max-depth", "10", "--json");
	assert_tool(0, "within this model; livelocks were not looked for\n", NULL, "explore", good, "--strategy", "dpor",
		    "--pure-retry");
	assert_tool(0, "\"pure_retry\":true,\"collapsed\":", NULL, "explore", good, "--strategy", "dpor", "--pure-retry",
		    "--json");
}

static void test_every_scenario_is_as_expected_within_a_small_budget(void **state)
{
	struct tool_run run = tool("explore", "all", "--budget", "100");

	(void)state;
	if (run.status)
		print_error("%s%s", run.out, run.err);
	assert_int_equal(run.status, 0);
	assert_null(strstr(run.out, "NOT as expected"));
	tool_free(&run);
}

static void test_a_budget_of_time_is_taken(void **state)
{
	(void)state;
	assert_tool(0, ": VIOLATION CONTRACT, as expected", NULL, "explore", twin, "--budget", "10m");
	assert_tool(0, "not complete", NULL, "explore", "mail/003-many-vmas", "--strategy", "naive", "--budget", "1ms");
}

/* ---- What holds for every output ---- */

static void assert_twice(const char *const *args)
{
	struct tool_run first = tool_spawn(args), second;

	setenv("NO_COLOR", "1", 1);
	second = tool_spawn(args);
	unsetenv("NO_COLOR");
	assert_int_equal(first.status, second.status);
	assert_string_equal(first.out, second.out);
	assert_string_equal(first.err, second.err);
	if (strpbrk(first.out, "\033\r\a\b") || strpbrk(first.err, "\033\r\a\b"))
		fail_msg("an escape byte in the output of %s", args[0]);
	tool_free(&first);
	tool_free(&second);
}

#define TWICE(...) assert_twice((const char *const[]){ __VA_ARGS__, NULL })

static void test_every_output_is_the_same_twice_and_holds_no_escape_bytes(void **state)
{
	(void)state;
	TWICE("list");
	TWICE("list", "--json");
	TWICE("list", "--quirks");
	TWICE("run", twin);
	TWICE("run", good, "--seed", "7", "--steps");
	TWICE("run", good, "--seed", "7", "--trace", "json");
	TWICE("explore", "all", "--budget", "20");
	TWICE("explore", good, "--strategy", "pct", "--seed", "3", "--budget", "20", "--json");
	TWICE("--help");
	TWICE("run", "nothing");
}

static void test_an_adversary_is_part_of_the_command(void **state)
{
	(void)state;
	assert_tool(2, NULL, "--adversary is allocation, trylock, wakeup, timer or other", "explore", good, "--adversary", "bad");
	assert_tool(2, NULL, "not \"wakeup=0\"", "explore", good, "--adversary", "wakeup=0");
	assert_tool(2, NULL, "not \"wakeup=300\"", "explore", good, "--adversary", "wakeup=300");
	assert_tool(2, NULL, "--adversary timer is given twice", "run", good, "--adversary", "timer", "--adversary", "timer=2");
	assert_tool(0, " --adversary allocation=2\n", NULL, "run", good, "--adversary", "allocation=2");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help_names_every_command_and_the_exit_statuses),
		cmocka_unit_test(test_every_line_of_the_help_fits_in_a_terminal),
		cmocka_unit_test(test_where_no_execution_ends_nothing_is_as_expected),
		cmocka_unit_test(test_unknown_words_are_usage_errors),
		cmocka_unit_test(test_a_wrong_number_of_arguments_is_a_usage_error),
		cmocka_unit_test(test_an_unknown_scenario_brings_suggestions),
		cmocka_unit_test(test_strategies_and_budgets_that_are_none_are_usage_errors),
		cmocka_unit_test(test_schedule_and_seed_exclude_each_other),
		cmocka_unit_test(test_a_schedule_that_cannot_be_followed_says_why),
		cmocka_unit_test(test_run_draws_the_picture_the_verdict_and_the_replay_string),
		cmocka_unit_test(test_a_broken_twin_that_is_caught_is_as_expected),
		cmocka_unit_test(test_a_broken_twin_that_is_not_caught_is_a_surprise),
		cmocka_unit_test(test_a_replay_comes_to_the_same_violation),
		cmocka_unit_test(test_replay_strings_that_do_not_fit_are_refused_with_the_reason),
		cmocka_unit_test(test_step_ends_with_its_input),
		cmocka_unit_test(test_output_goes_to_a_file_or_says_why_not),
		cmocka_unit_test(test_explore_counts_and_proves),
		cmocka_unit_test(test_what_explore_finds_can_be_replayed),
		cmocka_unit_test(test_too_long_is_no_livelock_and_pure_retries_prove_less),
		cmocka_unit_test(test_a_budget_that_is_too_small_is_a_surprise_for_a_broken_twin),
		cmocka_unit_test(test_every_scenario_is_as_expected_within_a_small_budget),
		cmocka_unit_test(test_a_budget_of_time_is_taken),
		cmocka_unit_test(test_every_output_is_the_same_twice_and_holds_no_escape_bytes),
		cmocka_unit_test(test_an_adversary_is_part_of_the_command),
	};

	if (argc != 2)
		return 2;
	tool_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
