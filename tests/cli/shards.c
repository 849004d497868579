/* SPDX-License-Identifier: MIT */
/*
 * Shards of an exploration, each a command of its own, and their sum.  usage: shards P2PSIM
 */
#include "cli_tool.h"

static const char scenario[] = "mail/000-trial-call";

struct scratch {
	char dir[32];
	char path[3][64];
};

static int set_up(void **state)
{
	struct scratch *s = test_calloc(1, sizeof(*s));
	int i;

	*state = s;
	strcpy(s->dir, "/tmp/p2psim-test-XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	for (i = 0; i < 3; i++)
		snprintf(s->path[i], sizeof(s->path[i]), "%s/%d.json", s->dir, i + 1);
	return 0;
}

static int tear_down(void **state)
{
	struct scratch *s = *state;
	int i;

	for (i = 0; i < 3; i++)
		unlink(s->path[i]);
	rmdir(s->dir);
	test_free(s);
	return 0;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* What explore --json prints, into a file. */
static void explore_shard(const char *path, const char *shard, const char *strategy)
{
	struct tool_run run = tool("explore", scenario, "--strategy", strategy, "--shard", shard, "--json");

	assert_int_equal(run.status, 0);
	write_file(path, run.out);
	tool_free(&run);
}

static void test_shards_are_merged_to_the_count_of_the_whole(void **state)
{
	struct scratch *s = *state;
	struct tool_run whole = tool("explore", scenario, "--strategy", "dpor", "--jobs", "2", "--json");
	char hash[64];

	assert_int_equal(sscanf(strstr(whole.out, "\"traces_hash\""), "%40[^,]", hash), 1);
	tool_free(&whole);
	explore_shard(s->path[0], "1/3", "dpor");
	explore_shard(s->path[1], "2/3", "dpor");
	explore_shard(s->path[2], "3/3", "dpor");
	assert_tool(0, "mail/000-trial-call: NEVER: 0 of 809 traces, complete, ", NULL, "merge", s->path[2], s->path[0],
		    s->path[1]);
	assert_tool(0, hash, NULL, "merge", "--json", s->path[0], s->path[1], s->path[2]);
}

static void test_what_does_not_add_up_is_refused(void **state)
{
	struct scratch *s = *state;

	explore_shard(s->path[0], "1/2", "dpor");
	explore_shard(s->path[1], "2/3", "dpor");
	write_file(s->path[2], "{\"schema\":\"p2psim.exploration\",\"strategy\":\"icb\",\"shard\":1,\"shards\":2}\n");
	assert_tool(2, NULL, "shard 2 of 2 is missing", "merge", s->path[0]);
	assert_tool(2, NULL, "1.json: this shard was there already", "merge", s->path[0], s->path[0]);
	assert_tool(2, NULL, "2.json: this is a shard of another exploration", "merge", s->path[0], s->path[1]);
	assert_tool(2, NULL, "3.json: only shards of dpor and of sleep add up", "merge", s->path[2]);
	assert_tool(2, NULL, "merge takes the results", "merge");
}

static void test_what_is_no_result_is_refused(void **state)
{
	struct scratch *s = *state;

	write_file(s->path[0], "{\"schema\":\"p2psim.scenario\"}\n");
	assert_tool(2, NULL, "1.json: this is no result of explore --json", "merge", s->path[0]);
	assert_tool(2, NULL, "2.json: No such file or directory", "merge", s->path[1]);
	write_file(s->path[1], "shards\n");
	assert_tool(2, NULL, "2.json: this is no JSON, or cannot be read", "merge", s->path[1]);
	assert_tool(2, NULL, "--shard is I/N", "explore", scenario, "--shard", "3/2");
}

/* A result that somebody has edited, or that another version wrote: nothing in it is taken for 0. */
static void test_a_field_that_is_missing_or_of_another_type_is_told_by_its_name(void **state)
{
	static const char *const edits[][2] = {
		{ "\"traces\":", "\"tracks\":" },	{ "\"complete\":true", "\"complete\":\"yes\"" },
		{ "\"exists\":", "\"exists\":-1" }, { "\"schema_version\":1", "\"schema_version\":2" },
	};
	static const char *const told[] = { "its \"traces\" is missing or wrong", "its \"complete\" is missing or wrong",
					    "its \"exists\" is missing or wrong", "its schema_version is not 1" };
	struct tool_run run = tool("explore", scenario, "--strategy", "dpor", "--shard", "1/1", "--json");
	struct scratch *s = *state;
	size_t i;

	for (i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		char text[4096], *at = strstr(run.out, edits[i][0]);

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - run.out), run.out, edits[i][1], at + strlen(edits[i][0]));
		write_file(s->path[0], text);
		assert_tool(2, NULL, told[i], "merge", s->path[0]);
	}
	tool_free(&run);
}

/* Each shard looks at its part only: even a complete one is no proof. */
static void test_a_shard_alone_proves_nothing(void **state)
{
	(void)state;
	assert_tool(0, "complete, shard 1 of 2, ", NULL, "explore", scenario, "--strategy", "dpor", "--shard", "1/2");
	assert_tool(0, "  proved: nothing by itself; merge adds all 2 shards up", NULL, "explore", scenario, "--strategy",
		    "dpor", "--shard", "1/2");
}

#define shards_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		shards_test(test_shards_are_merged_to_the_count_of_the_whole),
		shards_test(test_what_does_not_add_up_is_refused),
		shards_test(test_what_is_no_result_is_refused),
		shards_test(test_a_field_that_is_missing_or_of_another_type_is_told_by_its_name),
		shards_test(test_a_shard_alone_proves_nothing),
	};

	if (argc != 2)
		return 2;
	tool_path = argv[1];
	return cmocka_run_group_tests_name("shards", tests, NULL, NULL);
}
