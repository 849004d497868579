/* SPDX-License-Identifier: MIT */
/* Quirks on the command line: D1..D14 and R1..R13 are listed with sentence and source, and can be switched on. */
#include "cli_tool.h"

#include <json-c/json.h>

#define SCENARIO "mail/004-reason"

static void test_each_quirk_is_listed_with_a_sentence_and_a_source(void **state)
{
	struct tool_run run = tool("list", "--quirks");
	char id[16];
	int i;

	assert_int_equal(run.status, 0);
	for (i = 1; i <= 14; i++) {
		snprintf(id, sizeof(id), "\nD%d-", i);
		assert_says(run.out, id);
	}
	for (i = 1; i <= 13; i++) {
		snprintf(id, sizeof(id), "\nR%d-", i);
		assert_says(run.out, id);
	}
	tool_free(&run);
}

static void test_the_list_of_quirks_is_an_object_for_each(void **state)
{
	static const char *const keys[] = { "schema", "id", "name", "sentence", "source" };
	struct tool_run run = tool("list", "--quirks", "--json");
	char *line, *rest = NULL;
	size_t lines = 0, k;

	for (line = strtok_r(run.out, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
		struct json_object *object = json_tokener_parse(line), *value;

		assert_non_null(object);
		for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			assert_true(json_object_object_get_ex(object, keys[k], &value) &&
				    json_object_get_string_len(value));
		json_object_put(object);
	}
	assert_int_equal(lines, 14 + 13);
	tool_free(&run);
}

static void test_an_unknown_quirk_is_a_usage_error(void **state)
{
	assert_tool(2, NULL, "there is no quirk \"D15\"", "run", SCENARIO, "--quirk", "D15");
	assert_tool(2, NULL, "list has no option --quirk", "list", "--quirk", "D1");
}

static void test_a_quirk_has_two_names_and_is_told_in_the_replay_command(void **state)
{
	assert_tool(0, " --quirk D1 --quirk R2\n", NULL, "run", SCENARIO, "--quirk", "d1-aba", "--quirk", "R2",
		    "--quirk", "D1");
}

static void test_the_race_check_is_switched_on_and_told_in_the_replay_command(void **state)
{
	assert_tool(0, " --races\n", NULL, "run", SCENARIO, "--races");
	assert_tool(2, NULL, "list has no option --races", "list", "--races");
}

static void test_a_replay_string_of_another_set_of_quirks_is_refused(void **state)
{
	struct tool_run run = tool("run", SCENARIO, "--quirk", "D1");
	char *string = strstr(run.out, "p2p1-"), *end;

	assert_non_null(string);
	end = strpbrk(string, " \n");
	assert_non_null(end);
	*end = 0;
	assert_tool(2, NULL, "another configuration", "replay", SCENARIO, string);
	assert_tool(0, string, NULL, "replay", SCENARIO, string, "--quirk", "D1");
	tool_free(&run);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_quirk_is_listed_with_a_sentence_and_a_source),
		cmocka_unit_test(test_the_list_of_quirks_is_an_object_for_each),
		cmocka_unit_test(test_an_unknown_quirk_is_a_usage_error),
		cmocka_unit_test(test_a_quirk_has_two_names_and_is_told_in_the_replay_command),
		cmocka_unit_test(test_the_race_check_is_switched_on_and_told_in_the_replay_command),
		cmocka_unit_test(test_a_replay_string_of_another_set_of_quirks_is_refused),
	};

	if (argc != 2)
		return 1;
	tool_path = argv[1];
	return cmocka_run_group_tests_name("quirks on the command line", tests, NULL, NULL);
}
