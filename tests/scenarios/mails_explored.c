/* SPDX-License-Identifier: MIT */
/*
 * The correct scenarios of the mails over every interleaving (one of each trace), within a budget; the broken ones are
 * found without help.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <p2psim/explore.h>

#include "mails.h"

#define BUDGET 50000

static struct p2psim_explore_result explored(const struct p2psim_scenario *scenario)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .budget = BUDGET };
	struct p2psim_explore_result result;
	int error = p2psim_explore(scenario, &options, &result);

	if (error || !result.as_expected)
		print_error("%s: %s %s %s %s\n", scenario->name, p2psim_verdict_name(result.verdict), result.error,
			    result.violation.sentence, result.schedule);
	assert_int_equal(error, 0);
	return result;
}

static void explore_all(const struct p2psim_scenario *scenario)
{
	for (; scenario->name; scenario++)
		assert_true(explored(scenario).as_expected);
}

static const struct p2psim_scenario *named(const struct p2psim_scenario *scenario, const char *name)
{
	while (strcmp(scenario->name, name))
		scenario++;
	return scenario;
}

static void test_mail_000_over_every_interleaving(void **state)
{
	explore_all(p2psim_mail_000);
	assert_true(explored(named(p2psim_mail_000, "mail/000-trial-call")).complete);
}

static void test_mail_001_over_every_interleaving(void **state)
{
	explore_all(p2psim_mail_001);
	assert_true(explored(named(p2psim_mail_001, "mail/001-bar-defrag")).complete);
}

static void test_mail_002_over_every_interleaving(void **state)
{
	explore_all(p2psim_mail_002);
	assert_true(explored(named(p2psim_mail_002, "mail/002-doorbell")).complete);
}

static void test_mail_003_within_the_budget(void **state)
{
	explore_all(p2psim_mail_003);
}

static void test_mail_004_within_the_budget(void **state)
{
	explore_all(p2psim_mail_004);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail_000_over_every_interleaving),
		cmocka_unit_test(test_mail_001_over_every_interleaving),
		cmocka_unit_test(test_mail_002_over_every_interleaving),
		cmocka_unit_test(test_mail_003_within_the_budget),
		cmocka_unit_test(test_mail_004_within_the_budget),
	};

	return cmocka_run_group_tests_name("the mails of 2019, explored", tests, NULL, NULL);
}
