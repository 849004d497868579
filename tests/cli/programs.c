/* SPDX-License-Identifier: MIT */
/*
 * A litmus program where a scenario is expected: explored under any strategy, drawn, replayed.  usage: programs P2PSIM
 */
#include "cli_tool.h"

struct scratch {
	char dir[32];
	char path[64];
};

/* Both threads take both locks, in opposite orders. */
static const char crossed[] = "program crossed\nlock A\nlock B\nvar X 0\n"
			      "thread T0\nlock A\nlock B\nwrite X 1\nunlock B\nunlock A\nend\n"
			      "thread T1\nlock B\nlock A\nread X r0\nunlock A\nunlock B\nend\n"
			      "expect deadlock_traces 1\n";
/* Two increments, read and write apart. */
static const char lost_update[] = "program lost\nvar X 0\nthread T0\nread X r0\nwrite X 1\nend\n"
				  "thread T1\nread X r1\nwrite X 1\nend\nfinal T0.r0 == 1 or T1.r1 == 1\n"
				  "expect failing_traces 2\n";

static int set_up(void **state)
{
	struct scratch *s = test_calloc(1, sizeof(*s));

	*state = s;
	strcpy(s->dir, "/tmp/p2psim-test-XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/program.txt", s->dir);
	return 0;
}

static int tear_down(void **state)
{
	struct scratch *s = *state;

	unlink(s->path);
	rmdir(s->dir);
	test_free(s);
	return 0;
}

static void write_program(const struct scratch *s, const char *text)
{
	FILE *file = fopen(s->path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void test_a_program_is_explored_under_any_strategy(void **state)
{
	static const char *const strategies[] = { "naive", "sleep", "dpor", "icb", "auto", "random", "pct", "pos" };
	struct scratch *s = *state;
	size_t i;

	write_program(s, lost_update);
	for (i = 0; i < sizeof(strategies) / sizeof(strategies[0]); i++)
		assert_tool(0, ": SOMETIMES, as expected: ", NULL, "explore", s->path, "--strategy", strategies[i],
			    "--budget", "200");
}

static void test_a_program_is_expected_to_do_what_its_answers_say(void **state)
{
	struct scratch *s = *state;

	write_program(s, crossed);
	assert_tool(0, ": VIOLATION DEADLOCK, as expected", NULL, "explore", s->path);
	write_program(s, "program quiet\nvar X 0\nthread T\nwrite X 1\nend\n");
	assert_tool(0, ": NEVER, as expected: 0 of 1 traces, complete", NULL, "explore", s->path);
	write_program(s, "program wrong\nvar X 0\nthread T\nwrite X 1\nend\nfinal X == 0\n");
	assert_tool(1, ": ALWAYS, NOT as expected", NULL, "explore", s->path);
}

/* The last word of an output: the replay string. */
static void last_word(const char *text, char *word, size_t size)
{
	size_t end = strlen(text), start;

	while (end && text[end - 1] == '\n')
		end--;
	for (start = end; start && text[start - 1] != ' '; start--)
		;
	snprintf(word, size, "%.*s", (int)(end - start), text + start);
}

static void test_a_program_is_drawn_and_replayed(void **state)
{
	struct scratch *s = *state;
	char schedule[64];
	struct tool_run run;

	write_program(s, crossed);
	run = tool("explore", s->path);
	last_word(run.out, schedule, sizeof(schedule));
	tool_free(&run);
	run = tool("replay", s->path, schedule);
	assert_int_equal(run.status, 0);
	assert_says(run.out, "  lock A\n                                        lock B\n");
	assert_says(run.out, "DEADLOCK by ");
	tool_free(&run);
	write_program(s, lost_update);
	assert_tool(2, NULL, "program.txt: ", "replay", s->path, schedule);
}

static void test_a_program_that_is_wrong_is_refused(void **state)
{
	struct scratch *s = *state;

	assert_tool(2, NULL, "program.txt: No such file or directory", "run", s->path);
	write_program(s, "program p\nthread T\nswim X\nend\n");
	assert_tool(2, NULL, "program.txt:3: ", "run", s->path);
}

#define programs_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		programs_test(test_a_program_is_explored_under_any_strategy),
		programs_test(test_a_program_is_expected_to_do_what_its_answers_say),
		programs_test(test_a_program_is_drawn_and_replayed),
		programs_test(test_a_program_that_is_wrong_is_refused),
	};

	if (argc != 2)
		return 2;
	tool_path = argv[1];
	return cmocka_run_group_tests_name("programs", tests, NULL, NULL);
}
