/* SPDX-License-Identifier: MIT */
/*
 * The scenarios of the mails, of the defects of 2019 and of the model drivers, each by its own schedule, by the default
 * policy, by 200 seeds, replayed, run twice, and with each of its allocations failing.  A correct one never has a violation;
 * a broken one is caught under its schedule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <p2psim/inject.h>
#include <p2psim/report.h>
#include <p2psim/scenario.h>

#include "eras.h"
#include "mails.h"
#include "scenarios.h"

#define SEEDS 200
#define TRACE_EVENTS 4096

static const struct p2psim_scenario *const mails[] = {
	p2psim_mail_000, p2psim_mail_001, p2psim_mail_002, p2psim_mail_003, p2psim_mail_004,
	p2psim_era_hmm, p2psim_era_reason, p2psim_era_rfc, p2psim_era_pages, p2psim_drivers,
};

typedef void (*check_fn)(const struct p2psim_scenario *scenario);

static void for_each_scenario(check_fn check)
{
	const struct p2psim_scenario *scenario;
	size_t i;

	for (i = 0; i < sizeof(mails) / sizeof(mails[0]); i++)
		for (scenario = mails[i]; scenario->name; scenario++)
			check(scenario);
}

static bool is_broken(const struct p2psim_scenario *scenario)
{
	return strchr(scenario->name, '!') != NULL;
}

/* One execution; says what is wrong with it, if anything runs wrong. */
static struct p2psim_run_result run(const struct p2psim_scenario *scenario, struct p2psim_run_options options)
{
	struct p2psim_run_result result;
	int error;

	options.trace_events = TRACE_EVENTS;
	error = p2psim_scenario_run(scenario, NULL, &options, &result);
	if (error)
		print_error("%s: %s\n", scenario->name, result.error);
	assert_int_equal(error, 0);
	return result;
}

static void print_surprise(const struct p2psim_scenario *scenario, const struct p2psim_run_result *result)
{
	print_error("%s: %s %s: %s\n  %s\n", scenario->name, p2psim_verdict_name(result->verdict),
		    p2psim_oracle_name(result->violation.oracle), result->violation.sentence, result->schedule);
}

static void as_its_schedule_says(const struct p2psim_scenario *scenario)
{
	struct p2psim_run_result result = run(scenario, (struct p2psim_run_options){});

	if (!result.as_expected)
		print_surprise(scenario, &result);
	assert_true(result.as_expected);
	assert_int_equal(result.verdict != P2PSIM_NEVER, is_broken(scenario));
}

static void test_each_scenario_ends_as_expected(void **state)
{
	for_each_scenario(as_its_schedule_says);
}

static void by_default(const struct p2psim_scenario *scenario)
{
	struct p2psim_run_result result = run(scenario, (struct p2psim_run_options){ .policy = P2PSIM_POLICY_DEFAULT });

	if (!is_broken(scenario) && !result.as_expected)
		print_surprise(scenario, &result);
	assert_true(is_broken(scenario) || result.as_expected);
}

static void test_correct_scenarios_are_correct_by_the_default_policy(void **state)
{
	for_each_scenario(by_default);
}

static void at_random(const struct p2psim_scenario *scenario)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_RANDOM };
	struct p2psim_run_result result;

	for (options.seed = 1; options.seed <= SEEDS; options.seed++) {
		result = run(scenario, options);
		if (!is_broken(scenario) && !result.as_expected)
			print_surprise(scenario, &result);
		assert_true(is_broken(scenario) || result.as_expected);
		assert_true(result.verdict != P2PSIM_VIOLATION || is_broken(scenario));
	}
}

static void test_correct_scenarios_are_correct_under_200_seeds(void **state)
{
	for_each_scenario(at_random);
}

static void replays_alike(const struct p2psim_scenario *scenario)
{
	struct p2psim_run_result first = run(scenario, (struct p2psim_run_options){}), again;

	assert_true(first.schedule[0] != '\0');
	again = run(scenario, (struct p2psim_run_options){ .policy = P2PSIM_POLICY_REPLAY, .replay = first.schedule });
	assert_int_equal(again.trace_hash, first.trace_hash);
	assert_int_equal(again.end_hash, first.end_hash);
	assert_string_equal(again.schedule, first.schedule);
	assert_string_equal(again.violation.sentence, first.violation.sentence);
}

static void test_a_replay_is_the_same_execution(void **state)
{
	for_each_scenario(replays_alike);
}

/* What the report prints for one execution in a world of its own; to be freed. */
static char *drawing(const struct p2psim_scenario *scenario)
{
	struct p2psim_run_options options = { .trace_events = TRACE_EVENTS };
	struct p2psim_config config = { .trace_events = TRACE_EVENTS };
	struct p2psim_world *world = p2psim_world_create(&config);
	struct p2psim_run_result result;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(world);
	assert_non_null(out);
	assert_int_equal(p2psim_scenario_run(scenario, world, &options, &result), 0);
	assert_int_equal(p2psim_report_text(world, out, P2PSIM_REPORT_NO_FLAGS), 0);
	fclose(out);
	p2psim_world_destroy(world);
	return text;
}

static void draws_alike(const struct p2psim_scenario *scenario)
{
	char *first = drawing(scenario), *again = drawing(scenario);
	const char *line;

	assert_string_equal(first, again);
	for (line = first; *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n'))
		assert_true(strcspn(line, "\n") <= P2PSIM_REPORT_COLUMNS);
	free(first);
	free(again);
}

static void test_a_drawing_is_byte_identical_and_fits_a_mail(void **state)
{
	for_each_scenario(draws_alike);
}

/* How many allocations an execution makes. */
static uint64_t allocations(const struct p2psim_scenario *scenario, struct p2psim_run_options options)
{
	struct p2psim_world *world = p2psim_world_create(NULL);
	struct p2psim_run_result result;
	uint64_t points;

	assert_non_null(world);
	assert_int_equal(p2psim_scenario_run(scenario, world, &options, &result), 0);
	points = p2psim_inject_points(world);
	p2psim_world_destroy(world);
	return points;
}

/* Not by the scenario's schedule: its stops need not be reached when something fails. */
static void each_allocation_fails(const struct p2psim_scenario *scenario)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_DEFAULT };
	struct p2psim_run_result result;
	uint64_t points = allocations(scenario, options);

	assert_true(points > 10);
	for (options.fail_nth = 1; options.fail_nth <= points && !is_broken(scenario); options.fail_nth++) {
		result = run(scenario, options);
		if (result.verdict == P2PSIM_VIOLATION)
			print_surprise(scenario, &result);
		assert_true(result.verdict != P2PSIM_VIOLATION);
	}
}

static void test_every_failing_allocation_is_survived(void **state)
{
	for_each_scenario(each_allocation_fails);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_scenario_ends_as_expected),
		cmocka_unit_test(test_correct_scenarios_are_correct_by_the_default_policy),
		cmocka_unit_test(test_correct_scenarios_are_correct_under_200_seeds),
		cmocka_unit_test(test_a_replay_is_the_same_execution),
		cmocka_unit_test(test_a_drawing_is_byte_identical_and_fits_a_mail),
		cmocka_unit_test(test_every_failing_allocation_is_survived),
	};

	return cmocka_run_group_tests_name("the mails of 2019", tests, NULL, NULL);
}
