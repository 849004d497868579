/* SPDX-License-Identifier: MIT */
/*
 * explore --coverage and --progress, and the coverage of shards.  usage: covered P2PSIM
 */
#include "cli_tool.h"

#include <json-c/json.h>

static const char scenario[] = "mail/000-trial-call";

static void test_coverage_counts_orders_of_conflict_pairs(void **state)
{
	(void)state;
	assert_tool(0, "110 of 135 orders of 70 conflict pairs; the others cannot happen:\n", NULL, "explore", scenario,
		    "--strategy", "dpor", "--coverage");
	assert_tool(0, "59 of 111 orders of 58 conflict pairs; never seen:\n", NULL, "explore", scenario, "--strategy", "naive",
		    "--budget", "1", "--coverage");
}

static void test_without_the_option_there_is_none(void **state)
{
	struct tool_run run = tool("explore", scenario, "--strategy", "dpor");

	(void)state;
	assert_null(strstr(run.out, "coverage"));
	assert_string_equal(run.err, "");
	tool_free(&run);
}

static void test_progress_goes_to_standard_error(void **state)
{
	struct tool_run with = tool("explore", scenario, "--strategy", "dpor", "--progress");
	struct tool_run without = tool("explore", scenario, "--strategy", "dpor");

	(void)state;
	assert_int_equal(with.status, 0);
	assert_string_equal(with.out, without.out);
	assert_says(with.err, "\rdpor: 809 executions, ");
	assert_int_equal(with.err[strlen(with.err) - 1], '\n');
	tool_free(&with);
	tool_free(&without);
}

/* The "coverage" of what a command prints; to be put. */
static struct json_object *coverage_of(struct tool_run run)
{
	struct json_object *o = json_tokener_parse(run.out), *coverage;

	assert_int_equal(run.status, 0);
	assert_non_null(o);
	coverage = json_object_get(json_object_object_get(o, "coverage"));
	assert_non_null(coverage);
	json_object_put(o);
	tool_free(&run);
	return coverage;
}

static void write_shard(const char *path, const char *shard, bool covered)
{
	struct tool_run run = covered ?
		tool("explore", scenario, "--strategy", "dpor", "--shard", shard, "--json", "--coverage") :
		tool("explore", scenario, "--strategy", "dpor", "--shard", shard, "--json");
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(run.out, file);
	assert_int_equal(fclose(file), 0);
	tool_free(&run);
}

static void test_shards_cover_what_the_whole_does(void **state)
{
	char dir[] = "/tmp/p2psim-covered-XXXXXX", one[64], two[64];
	struct json_object *whole, *sum;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(one, sizeof(one), "%s/1.json", dir);
	snprintf(two, sizeof(two), "%s/2.json", dir);
	write_shard(one, "1/2", true);
	write_shard(two, "2/2", true);
	whole = coverage_of(tool("explore", scenario, "--strategy", "dpor", "--json", "--coverage"));
	sum = coverage_of(tool("merge", "--json", one, two));
	assert_true(json_object_equal(whole, sum));
	json_object_put(whole);
	json_object_put(sum);
	assert_tool(0, "110 of 135 orders of 70 conflict pairs\n", NULL, "merge", one, two);
	write_shard(two, "2/2", false);
	assert_tool(2, NULL, "only 1 of 2 shards were explored with --coverage", "merge", one, two);
	unlink(one);
	unlink(two);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_coverage_counts_orders_of_conflict_pairs),
		cmocka_unit_test(test_without_the_option_there_is_none),
		cmocka_unit_test(test_progress_goes_to_standard_error),
		cmocka_unit_test(test_shards_cover_what_the_whole_does),
	};

	if (argc != 2)
		return 2;
	tool_path = argv[1];
	return cmocka_run_group_tests_name("covered", tests, NULL, NULL);
}
