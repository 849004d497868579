/* SPDX-License-Identifier: MIT */
/*
 * Each defect of 2019 twice: repaired, it never shows; as it was, it is found, in as many preemptions as are pinned.
 */
#include "judged.h"

#include <stdlib.h>

#include <p2psim/quirk.h>

#include "eras.h"

static const struct p2psim_scenario *const eras[] = { p2psim_era_hmm, p2psim_era_reason, p2psim_era_rfc,
						       p2psim_era_pages };

/* What exploring a pair must give; `traces` 0: all interleavings with up to two preemptions are the bound. */
struct pin {
	enum p2psim_quirk quirk;
	unsigned int traces;
	unsigned int preemptions;
};

static const struct pin pins[] = {
	{ P2PSIM_QUIRK_D1_ABA, 190, 1 },
	{ P2PSIM_QUIRK_D2_FREE_UNDER_NOTIFIER, 119, 1 },
	{ P2PSIM_QUIRK_D3_COUNT_STAYS, 17, 1 },
	{ P2PSIM_QUIRK_D4_REFUSAL_LOST, 212, 1 },
	{ P2PSIM_QUIRK_D5_COUNT_AFTER_CALLBACKS, 0, 1 },
	{ P2PSIM_QUIRK_D6_LOCK_TWICE, 212, 0 },
	{ P2PSIM_QUIRK_D7_MM_LIFETIME, 11, 1 },
	{ P2PSIM_QUIRK_D8_CREATE_RACE, 63, 1 },
	{ P2PSIM_QUIRK_D9_RACY_UNREGISTER, 2, 1 },
	{ P2PSIM_QUIRK_D10_RELEASE_UNLOCKED, 565, 1 },
	{ P2PSIM_QUIRK_D11_SWAP_NOT_FAULTED, 229, 0 },
	{ P2PSIM_QUIRK_D12_HOLE_BEFORE_VMA, 1, 0 },
	{ P2PSIM_QUIRK_D13_NO_REASON, 12893, 0 },
	{ P2PSIM_QUIRK_D14_NO_RETRY, 190, 1 },
	{ P2PSIM_QUIRK_R1_NEVER_PEERS, 1, 0 },
	{ P2PSIM_QUIRK_R2_FIRST_SLOT, 1, 0 },
	{ P2PSIM_QUIRK_R3_SKIPS_A_PAGE, 1, 0 },
	{ P2PSIM_QUIRK_R4_UNWIND_FORWARD, 1, 0 },
	{ P2PSIM_QUIRK_R5_RUNNING_TOTAL, 1, 0 },
	{ P2PSIM_QUIRK_R6_UNWIND_SKIPS_P2P, 1, 0 },
	{ P2PSIM_QUIRK_R7_NOTHING_COUNTED, 1, 0 },
	{ P2PSIM_QUIRK_R8_ONE_VMA, 1, 0 },
	{ P2PSIM_QUIRK_R9_TWO_PAGE_SIZES, 1, 0 },
	{ P2PSIM_QUIRK_R10_TWO_CONVENTIONS, 1, 0 },
	{ P2PSIM_QUIRK_R11_NO_RETRY, 644, 1 },
	{ P2PSIM_QUIRK_R12_NO_PERMISSION, 1, 0 },
	{ P2PSIM_QUIRK_R13_EARLIER_VMAS_STAY, 1, 0 },
};

_Static_assert(sizeof(pins) / sizeof(pins[0]) == P2PSIM_QUIRK_NR, "every quirk is in the table");

static const struct p2psim_scenario *of(enum p2psim_quirk quirk, bool as_it_was)
{
	const struct p2psim_quirk_info *info = p2psim_quirk_info(quirk);
	const struct p2psim_scenario *scenario;
	char name[128];
	size_t i;

	snprintf(name, sizeof(name), "era/%s-%s%s", info->id, info->name, as_it_was ? "!as-it-was" : "");
	for (i = 0; i < sizeof(eras) / sizeof(eras[0]); i++)
		for (scenario = eras[i]; scenario->name; scenario++)
			if (!strcmp(scenario->name, name))
				return scenario;
	fail_msg("there is no scenario %s", name);
	return NULL;
}

/* To a bound: every interleaving with at most two preemptions. */
static void never_within_two_preemptions(const struct p2psim_scenario *scenario)
{
	const struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_ICB, .preemptions = 2 };
	struct p2psim_explore_result result;

	assert_int_equal(p2psim_explore(scenario, &options, &result), 0);
	if (!result.as_expected)
		fail_msg("%s", told(scenario, &result));
	assert_true(result.stage_count == 3 && result.stages[2].whole);
}

static void test_repaired_it_never_shows(void **state)
{
	const struct pin *pin = *state;
	const struct pattern repaired = { .scenario = *of(pin->quirk, false), .traces = pin->traces };

	assert_int_equal(repaired.scenario.config.quirks, 0);
	if (pin->traces)
		pattern_is_right(&repaired);
	else
		never_within_two_preemptions(&repaired.scenario);
}

static void test_as_it_was_it_is_found(void **state)
{
	const struct pin *pin = *state;
	const struct pattern broken = { .scenario = *of(pin->quirk, true), .preemptions = pin->preemptions };

	assert_int_equal(broken.scenario.config.quirks, (uint64_t)1 << pin->quirk);
	pattern_is_found(&broken);
}

/* The repaired scenario, with nothing changed but the quirk. */
static void test_the_quirk_is_all_the_difference(void **state)
{
	const struct pin *pin = *state;
	const struct p2psim_explore_options options = { .budget = PATTERN_SAMPLE };
	const struct p2psim_scenario *broken = of(pin->quirk, true);
	struct p2psim_scenario switched = *of(pin->quirk, false);
	struct p2psim_explore_result result;

	switched.config.quirks = (uint64_t)1 << pin->quirk;
	assert_int_equal(p2psim_explore(&switched, &options, &result), 0);
	assert_true(result.verdict != P2PSIM_NEVER && !result.as_expected);
	assert_string_equal(p2psim_oracle_name(result.violation.oracle), p2psim_oracle_name(broken->oracle));
}

#define PINS (sizeof(pins) / sizeof(pins[0]))
#define TESTS_PER_PIN 3

static void add(struct CMUnitTest *tests, size_t *count, const char *how, const struct pin *pin,
		CMUnitTestFunction test)
{
	char *name = calloc(1, 64);

	assert_non_null(name);
	snprintf(name, 64, "%s %s", p2psim_quirk_info(pin->quirk)->id, how);
	tests[(*count)++] = (struct CMUnitTest){ .name = name, .test_func = test,
						 .initial_state = (void *)(uintptr_t)pin };
}

int main(void)
{
	struct CMUnitTest tests[TESTS_PER_PIN * PINS];
	size_t i, count = 0;
	int failed;

	for (i = 0; i < PINS; i++) {
		add(tests, &count, "repaired never shows", &pins[i], test_repaired_it_never_shows);
		add(tests, &count, "as it was is found", &pins[i], test_as_it_was_it_is_found);
		add(tests, &count, "is all the difference", &pins[i], test_the_quirk_is_all_the_difference);
	}
	failed = _cmocka_run_group_tests("the defects of 2019", tests, count, NULL, NULL);
	while (count)
		free((char *)(uintptr_t)tests[--count].name);
	return failed;
}
