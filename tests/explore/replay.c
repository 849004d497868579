/* SPDX-License-Identifier: MIT */
/* Scenarios: verdicts, schedules, the replay string and everything that is wrong with one. */
#include "core_world.h"
#include "stale_pte.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include <p2psim/linux/slab.h>
#include <p2psim/scenario.h>

static void fault(void *state)
{
	struct page_and_pte *s = state;
	int v = READ_ONCE(s->page);

	p2psim_step("faulted");
	enters(s, v);
}

static const struct p2psim_scenario stale = {
	.name = "test/stale",
	.question = "Can the PTE hold the old page?",
	.state_size = sizeof(struct page_and_pte),
	.setup = set_up_page,
	.tasks = { { "inval", inval }, { "fault", fault } },
	.exists = is_stale,
	.expect = P2PSIM_SOMETIMES,
	.schedule = "fault>faulted inval fault",
};

static int run(const struct p2psim_scenario *scenario, enum p2psim_policy policy, const char *string,
	       struct p2psim_run_result *result)
{
	struct p2psim_run_options options = { .policy = policy, .replay = string, .directed = string };

	return p2psim_scenario_run(scenario, NULL, &options, result);
}

static void test_a_directed_schedule_shows_the_bug_and_its_string_replays_it(void **state)
{
	struct p2psim_run_result first, again;

	(void)state;
	assert_int_equal(run(&stale, P2PSIM_POLICY_SCENARIO, NULL, &first), 0);
	assert_int_equal(first.verdict, P2PSIM_ALWAYS);
	assert_true(strlen(first.schedule) <= 32);
	assert_int_equal(run(&stale, P2PSIM_POLICY_REPLAY, first.schedule, &again), 0);
	assert_int_equal(again.verdict, P2PSIM_ALWAYS);
	assert_true(again.trace_hash == first.trace_hash);
	assert_string_equal(again.schedule, first.schedule);
}

static void test_the_default_policy_has_no_deviation(void **state)
{
	struct p2psim_run_result result;

	(void)state;
	assert_int_equal(run(&stale, P2PSIM_POLICY_DEFAULT, NULL, &result), 0);
	assert_int_equal(result.verdict, P2PSIM_NEVER);
	assert_true(strstr(result.schedule, "-0-") != NULL);
}

static void test_upper_case_and_look_alikes_are_read(void **state)
{
	struct p2psim_run_result result;
	char text[128];
	size_t i;

	(void)state;
	run(&stale, P2PSIM_POLICY_SCENARIO, NULL, &result);
	for (i = 0; i <= strlen(result.schedule); i++)
		text[i] = result.schedule[i] == '1' ? 'I' : result.schedule[i] == '0' ? 'O' :
			  (char)toupper((unsigned char)result.schedule[i]);
	assert_int_equal(run(&stale, P2PSIM_POLICY_REPLAY, text, &result), 0);
}

static void test_strings_that_do_not_fit_are_refused_with_a_sentence(void **state)
{
	struct p2psim_scenario other = stale, configured = stale;
	struct p2psim_run_result result;
	char good[128], bad[128];

	(void)state;
	run(&stale, P2PSIM_POLICY_SCENARIO, NULL, &result);
	strcpy(good, result.schedule);
	other.name = "test/other";
	assert_int_equal(run(&other, P2PSIM_POLICY_REPLAY, good, &result), -EINVAL);
	assert_non_null(strstr(result.error, "another scenario"));
	configured.config.seed = 3;
	assert_int_equal(run(&configured, P2PSIM_POLICY_REPLAY, good, &result), -EINVAL);
	assert_non_null(strstr(result.error, "another configuration"));
	strcpy(bad, good);
	bad[13] = bad[13] == '1' ? '2' : '1';
	assert_int_equal(run(&stale, P2PSIM_POLICY_REPLAY, bad, &result), -EINVAL);
	assert_non_null(strstr(result.error, "checksum"));
	good[12] = '\0';
	assert_int_equal(run(&stale, P2PSIM_POLICY_REPLAY, good, &result), -EINVAL);
	assert_non_null(strstr(result.error, "cut off"));
}

static void test_garbage_is_refused(void **state)
{
	static const char *const garbage[] = { "", "p2p1", "p2p2-0000-00-0-00", "hello world", "p2p1-----",
					       "p2p1-0-0-0-0-0-0-0-0", "p2p1-0000-00-vvvvvvvvvvvvvvvvvvv-00" };
	struct p2psim_run_result result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		assert_int_equal(run(&stale, P2PSIM_POLICY_REPLAY, garbage[i], &result), -EINVAL);
		assert_true(result.error[0]);
	}
}

/* Any single character changed: refused, or (the END part) another end is reported.  Never a silent other run. */
static void test_every_single_character_matters(void **state)
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	struct p2psim_run_result result;
	char good[128], bad[128];
	size_t i, d;

	(void)state;
	run(&stale, P2PSIM_POLICY_SCENARIO, NULL, &result);
	strcpy(good, result.schedule);
	for (i = 5; good[i]; i++) {
		for (d = 0; d < 32; d++) {
			strcpy(bad, good);
			bad[i] = digits[d];
			if (good[i] != '-' && bad[i] != good[i])
				assert_int_equal(run(&stale, P2PSIM_POLICY_REPLAY, bad, &result), -EINVAL);
		}
	}
}


static void inval_shorter(void *state)
{
	(void)state;
}

static void test_a_divergence_is_told_and_prefix_mode_goes_on(void **state)
{
	struct p2psim_scenario changed = stale;
	struct p2psim_run_result result;
	struct p2psim_run_options prefix = { .policy = P2PSIM_POLICY_REPLAY, .replay_prefix = true };
	char good[128];

	(void)state;
	run(&stale, P2PSIM_POLICY_SCENARIO, NULL, &result);
	strcpy(good, result.schedule);
	changed.tasks[0].fn = inval_shorter; /* the code under test has changed since */
	assert_int_equal(run(&changed, P2PSIM_POLICY_REPLAY, good, &result), -EINVAL);
	assert_non_null(strstr(result.error, "diverged"));
	prefix.replay = good;
	assert_int_equal(p2psim_scenario_run(&changed, NULL, &prefix, &result), 0);
	assert_int_equal(result.verdict, P2PSIM_NEVER);
}

static void test_a_schedule_that_cannot_be_followed_is_an_error(void **state)
{
	struct p2psim_run_result result;

	(void)state;
	assert_int_equal(run(&stale, P2PSIM_POLICY_DIRECTED, "fault>nowhere", &result), -EINVAL);
	assert_non_null(strstr(result.error, "without coming there"));
	assert_int_equal(run(&stale, P2PSIM_POLICY_DIRECTED, "nobody", &result), -EINVAL);
	assert_non_null(strstr(result.error, "no task of that name"));
}

static void test_random_runs_are_repeatable_and_replayable(void **state)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_RANDOM };
	struct p2psim_run_result result, again;
	int stale_runs = 0;

	(void)state;
	for (options.seed = 0; options.seed < 300; options.seed++) {
		assert_int_equal(p2psim_scenario_run(&stale, NULL, &options, &result), 0);
		stale_runs += result.verdict == P2PSIM_ALWAYS;
		assert_int_equal(run(&stale, P2PSIM_POLICY_REPLAY, result.schedule, &again), 0);
		assert_true(again.trace_hash == result.trace_hash);
	}
	assert_in_range(stale_runs, 30, 270);
}

static int no_memory(void *state)
{
	(void)state;
	return kmalloc(10, GFP_KERNEL) ? 0 : -ENOMEM;
}

static void test_what_setup_leaks_and_how_it_fails_is_reported(void **state)
{
	struct p2psim_scenario leaky = { .name = "test/leak", .setup = no_memory, .expect = P2PSIM_VIOLATION,
					 .oracle = P2PSIM_LEAK };
	struct p2psim_run_options options = { .fail_nth = 1 };
	struct p2psim_run_result result;

	(void)state;
	assert_int_equal(p2psim_scenario_run(&leaky, NULL, NULL, &result), 0);
	assert_int_equal(result.verdict, P2PSIM_VIOLATION);
	assert_true(result.as_expected);
	leaky.oracle = P2PSIM_UAF;
	p2psim_scenario_run(&leaky, NULL, NULL, &result);
	assert_false(result.as_expected);
	assert_int_equal(p2psim_scenario_run(&leaky, NULL, &options, &result), 0);
	assert_int_equal(result.setup_error, -ENOMEM);
	assert_int_equal(result.verdict, P2PSIM_NEVER);
}

static void fails_a_check(void *state)
{
	p2psim_step("before");
	P2PSIM_CHECK(((struct page_and_pte *)state)->page == 7);
	p2psim_step("never reached");
}

static void test_a_failed_check_ends_the_execution_with_its_schedule(void **state)
{
	struct p2psim_scenario checks = stale;
	struct p2psim_run_result result, again;

	(void)state;
	checks.tasks[0].fn = fails_a_check;
	checks.expect = P2PSIM_VIOLATION;
	checks.oracle = P2PSIM_CHECK_FAILED;
	assert_int_equal(run(&checks, P2PSIM_POLICY_DEFAULT, NULL, &result), 0);
	assert_true(result.as_expected);
	assert_string_equal(result.violation.task, "inval");
	assert_non_null(strstr(result.violation.sentence, "page == 7"));
	assert_int_equal(result.steps, 1);
	assert_int_equal(run(&checks, P2PSIM_POLICY_REPLAY, result.violation.schedule, &again), 0);
	assert_true(again.trace_hash == result.trace_hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_directed_schedule_shows_the_bug_and_its_string_replays_it),
		cmocka_unit_test(test_the_default_policy_has_no_deviation),
		cmocka_unit_test(test_upper_case_and_look_alikes_are_read),
		cmocka_unit_test(test_strings_that_do_not_fit_are_refused_with_a_sentence),
		cmocka_unit_test(test_garbage_is_refused),
		cmocka_unit_test(test_every_single_character_matters),
		cmocka_unit_test(test_a_divergence_is_told_and_prefix_mode_goes_on),
		cmocka_unit_test(test_a_schedule_that_cannot_be_followed_is_an_error),
		cmocka_unit_test(test_random_runs_are_repeatable_and_replayable),
		cmocka_unit_test(test_what_setup_leaks_and_how_it_fails_is_reported),
		cmocka_unit_test(test_a_failed_check_ends_the_execution_with_its_schedule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
