/* SPDX-License-Identifier: MIT */
/* Every scenario of the mails under random schedules: whatever happens, the picture keeps its promises. */
#include "drawn.h"

#include <p2psim/scenario.h>

#include "mails.h"

#define SEEDS 25
#define TRACE_EVENTS 4096

static const struct p2psim_scenario *const mails[] = {
	p2psim_mail_000, p2psim_mail_001, p2psim_mail_002, p2psim_mail_003, p2psim_mail_004,
};

typedef void (*check_fn)(const struct p2psim_world *world, const struct p2psim_run_result *result);

static void run_one(const struct p2psim_scenario *scenario, uint64_t seed, check_fn check)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_RANDOM, .seed = seed, .trace_events = TRACE_EVENTS };
	struct p2psim_config config = scenario->config;
	struct p2psim_run_result result;
	struct p2psim_world *world;

	config.trace_events = TRACE_EVENTS;
	world = p2psim_world_create(&config);
	assert_non_null(world);
	assert_int_equal(p2psim_scenario_run(scenario, world, &options, &result), 0);
	check(world, &result);
	p2psim_world_destroy(world);
}

static void for_all(check_fn check)
{
	const struct p2psim_scenario *scenario;
	uint64_t seed;
	size_t i;

	for (i = 0; i < sizeof(mails) / sizeof(mails[0]); i++)
		for (scenario = mails[i]; scenario->name; scenario++)
			for (seed = 0; seed < SEEDS; seed++)
				run_one(scenario, seed, check);
}

static void check_width(const struct p2psim_world *world, const struct p2psim_run_result *result)
{
	unsigned int flags;
	const char *at;
	char *text;

	(void)result;
	for (flags = 0; flags <= (P2PSIM_REPORT_STEPS | P2PSIM_REPORT_SETUP); flags++) {
		text = drawn(world, flags);
		assert_in_range(widest(text), 1, P2PSIM_REPORT_COLUMNS);
		for (at = text; *at; at++)
			if (*at != '\n' && (*at < ' ' || *at > '~'))
				fail_msg("byte %d in a picture", *at);
		free(text);
	}
}

static void test_no_picture_is_wider_than_76_columns_or_other_than_ascii(void **state)
{
	(void)state;
	for_all(check_width);
}

static void check_mark(const struct p2psim_world *world, const struct p2psim_run_result *result)
{
	char mark[40], *text = drawn(world, P2PSIM_REPORT_SETUP);

	if (result->verdict == P2PSIM_VIOLATION) {
		snprintf(mark, sizeof(mark), "<== %s", p2psim_oracle_name(result->violation.oracle));
		assert_non_null(strstr(text, mark));
	} else {
		assert_null(strstr(text, "<=="));
	}
	free(text);
}

static void test_a_picture_has_a_mark_exactly_when_there_is_a_violation(void **state)
{
	(void)state;
	for_all(check_mark);
}

static void check_twice(const struct p2psim_world *world, const struct p2psim_run_result *result)
{
	char *first = drawn(world, P2PSIM_REPORT_STEPS), *second = drawn(world, P2PSIM_REPORT_STEPS);

	(void)result;
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void test_a_picture_drawn_twice_is_the_same(void **state)
{
	(void)state;
	for_all(check_twice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_picture_is_wider_than_76_columns_or_other_than_ascii),
		cmocka_unit_test(test_a_picture_has_a_mark_exactly_when_there_is_a_violation),
		cmocka_unit_test(test_a_picture_drawn_twice_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
