/* SPDX-License-Identifier: MIT */
/* What the program writes as JSON: lines, a schema first, names that stay, integers only.  usage: json P2PSIM */
#include "cli_tool.h"

#include <json-c/json.h>

static const char twin[] = "mail/001-bar-defrag!no-retry-check";

static void refuse_floats(struct json_object *value)
{
	size_t i;

	assert_int_not_equal(json_object_get_type(value), json_type_double);
	if (json_object_is_type(value, json_type_array))
		for (i = 0; i < json_object_array_length(value); i++)
			refuse_floats(json_object_array_get_idx(value, i));
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, child) {
			(void)key;
			refuse_floats(child);
		}
	}
}

/* One line as an object; the caller puts it. */
static struct json_object *parse(const char *line, size_t length)
{
	char *copy = strndup(line, length);
	struct json_object *object = json_tokener_parse(copy);

	if (!object)
		fail_msg("no JSON: %s", copy);
	free(copy);
	assert_true(json_object_is_type(object, json_type_object));
	refuse_floats(object);
	return object;
}

typedef void (*check_fn)(struct json_object *line, size_t number);

/* Checks each line; returns how many there are. */
static size_t for_lines(const char *text, check_fn check)
{
	struct json_object *object;
	size_t length, count = 0;

	for (; *text; text += length + 1) {
		length = strcspn(text, "\n");
		assert_int_equal(text[length], '\n');
		object = parse(text, length);
		check(object, count++);
		json_object_put(object);
	}
	return count;
}

/* The names of an object's fields, in order, "a b c". */
static void assert_fields(struct json_object *object, const char *expected)
{
	char names[256] = "";
	size_t used = 0;

	json_object_object_foreach(object, key, value) {
		(void)value;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? " " : "", key);
	}
	assert_string_equal(names, expected);
}

static const char *string_of(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key));
}

static int64_t number_of(struct json_object *object, const char *key)
{
	struct json_object *value = json_object_object_get(object, key);

	assert_true(json_object_is_type(value, json_type_int));
	return json_object_get_int64(value);
}

/* ---- The trace ---- */

static int64_t step_before;
static size_t actor_count;

static void check_header(struct json_object *header)
{
	struct json_object *actors = json_object_object_get(header, "actors");
	size_t i;

	assert_fields(header, "schema schema_version scenario question source verdict as_expected steps trace_hash schedule "
			      "violation lost_events actors");
	assert_string_equal(string_of(header, "schema"), "p2psim.trace");
	assert_int_equal(number_of(header, "schema_version"), 1);
	assert_string_equal(string_of(header, "scenario"), twin);
	assert_int_equal(number_of(header, "lost_events"), 0);
	assert_fields(json_object_object_get(header, "violation"), "oracle text task step cause_step function line schedule");
	actor_count = json_object_array_length(actors);
	assert_in_range(actor_count, 3, 64);
	for (i = 0; i < actor_count; i++)
		assert_int_equal(number_of(json_object_array_get_idx(actors, i), "id"), i);
}

static void check_step_fields(struct json_object *event)
{
	static const char *const known[] = { "n",     "actor", "type",  "text",    "pt",       "obj",  "write",
					     "first", "last",  "enabled", "locks", "function", "line", NULL };
	struct json_object *enabled = json_object_object_get(event, "enabled");
	size_t i;

	json_object_object_foreach(event, key, value) {
		(void)value;
		for (i = 0; known[i] && strcmp(known[i], key); i++)
			;
		if (!known[i])
			fail_msg("a field %s that nobody knows", key);
	}
	assert_non_null(string_of(event, "pt"));
	number_of(event, "locks");
	for (i = 0; i < json_object_array_length(enabled); i++)
		assert_in_range(json_object_get_int(json_object_array_get_idx(enabled, i)), 0, actor_count - 1);
}

static void check_trace_line(struct json_object *line, size_t number)
{
	const char *type;

	if (!number) {
		check_header(line);
		step_before = 0;
		return;
	}
	type = string_of(line, "type");
	assert_non_null(strstr("step note enter leave", type));
	assert_non_null(string_of(line, "text"));
	assert_in_range(number_of(line, "actor"), 0, actor_count - 1);
	assert_true(number_of(line, "n") >= step_before);
	step_before = number_of(line, "n");
	if (!strcmp(type, "step"))
		check_step_fields(line);
}

static void test_a_trace_is_a_header_and_an_object_for_each_event_in_order(void **state)
{
	struct tool_run run = tool("run", twin, "--trace", "json");

	(void)state;
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_in_range(for_lines(run.out, check_trace_line), 100, 10000);
	tool_free(&run);
}

static void test_the_schedule_of_a_trace_replays_to_the_same_trace(void **state)
{
	struct tool_run first = tool("run", twin, "--trace", "json"), second;
	struct json_object *header = parse(first.out, strcspn(first.out, "\n"));

	(void)state;
	second = tool("replay", twin, string_of(header, "schedule"), "--trace", "json");
	assert_string_equal(first.out, second.out);
	json_object_put(header);
	tool_free(&first);
	tool_free(&second);
}

/* ---- The list ---- */

static void check_listed(struct json_object *line, size_t number)
{
	bool violates = !strcmp(string_of(line, "expect"), "VIOLATION");

	(void)number;
	assert_fields(line, violates ? "schema schema_version name question source expect oracle tasks" :
				     "schema schema_version name question source expect tasks");
	assert_string_equal(string_of(line, "schema"), "p2psim.scenario");
	assert_int_equal(number_of(line, "schema_version"), 1);
	assert_in_range(json_object_array_length(json_object_object_get(line, "tasks")), 1, 8);
}

static void test_the_list_is_an_object_for_each_scenario(void **state)
{
	struct tool_run json = tool("list", "--json"), plain = tool("list");
	size_t lines = 0;
	const char *at;

	(void)state;
	for (at = plain.out; *at; at++)
		lines += *at == '\n';
	assert_int_equal(for_lines(json.out, check_listed), lines);
	assert_in_range(lines, 10, 1000);
	tool_free(&json);
	tool_free(&plain);
}

/* ---- Explorations ---- */

static void check_explored(struct json_object *line, size_t number)
{
	(void)number;
	assert_string_equal(string_of(line, "schema"), "p2psim.exploration");
	assert_int_equal(number_of(line, "schema_version"), 1);
	assert_true(json_object_get_boolean(json_object_object_get(line, "as_expected")));
	assert_in_range(number_of(line, "executions"), 1, 250);
	assert_string_equal(string_of(line, "strategy"), "auto");
	assert_true(json_object_object_get_ex(line, "violation", NULL) == (number_of(line, "violations") > 0));
}

static void test_explorations_are_an_object_each(void **state)
{
	struct tool_run run = tool("explore", "all", "--budget", "50", "--json"), list = tool("list", "--json");
	const char *at;
	size_t lines = 0;

	(void)state;
	for (at = list.out; *at; at++)
		lines += *at == '\n';
	assert_int_equal(run.status, 0);
	assert_int_equal(for_lines(run.out, check_explored), lines);
	tool_free(&run);
	tool_free(&list);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_trace_is_a_header_and_an_object_for_each_event_in_order),
		cmocka_unit_test(test_the_schedule_of_a_trace_replays_to_the_same_trace),
		cmocka_unit_test(test_the_list_is_an_object_for_each_scenario),
		cmocka_unit_test(test_explorations_are_an_object_each),
	};

	if (argc != 2)
		return 2;
	tool_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
