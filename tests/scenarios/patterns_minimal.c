/* SPDX-License-Identifier: MIT */
/*
 * The bug patterns, bare and padded with steps that have nothing to do with them: found by auto, brought to the simplest
 * schedule, with a certificate and a string of at most 32 characters; and the correct ones never fail, proven.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <p2psim/explore.h>
#include <p2psim/minimise.h>

#include "padded.h"
#include "patterns/patterns.h"

/* What the simplest schedule of a broken pattern is. */
struct pin {
	const char *name;
	unsigned int preemptions, switches;
	unsigned int fewer, fewer_padded;	/* executions with fewer preemptions: all of them, none fails */
	uint32_t needless;			/* mask of tasks */
	enum p2psim_order_claim claim;
	unsigned int orders;
};

#define ANY P2PSIM_ORDER_ANY
#define EXACT P2PSIM_ORDER_EXACT
#define NECESSARY P2PSIM_ORDER_NECESSARY
#define UNKNOWN P2PSIM_ORDER_UNKNOWN

static const struct pin pins[] = {
	{ "01/fault+munmap!no-retry", 1, 2, 2, 2, 0, EXACT, 2 },
	{ "02/fault+munmap!check-before-lock", 0, 0, 0, 0, 1, EXACT, 1 },
	{ "02/fault+munmap!check-before-lock-real", 1, 2, 2, 2, 0, EXACT, 2 },
	{ "03/fault+munmap!begin-after-fault", 1, 2, 2, 2, 0, EXACT, 2 },
	{ "04/dma+munmap!no-drain", 1, 2, 2, 2, 0, EXACT, 2 },
	{ "10/fault+mprotect!lock-first", 0, 1, 0, 0, 0, ANY, 0 },
	{ "10/fault+mprotect!lock-first-real", 1, 1, 2, 2, 0, EXACT, 2 },
	{ "13/fault+munmap!no-refault", 1, 2, 2, 2, 0, EXACT, 2 },
	{ "06/copy+replace!seq-after-zap", 0, 0, 0, 0, 2, ANY, 0 },
	{ "06/copy+replace!seq-after-zap-real", 1, 2, 2, 2, 0, EXACT, 2 },
	{ "07/copy+replace!after-end", 1, 2, 2, 2, 0, EXACT, 2 },
	{ "08/call+free!no-grace", 1, 2, 2, 2, 0, NECESSARY, 1 },
	{ "11a/reap+allocate!sleeps-really", 0, 1, 0, 0, 0, EXACT, 1 },
	{ "11b/reap+allocate!sleeps", 0, 0, 0, 0, 2, ANY, 0 },
	{ "14/copy+replace+replace!flag", 1, 3, 6, 6, 0, EXACT, 2 },
	{ "15/copy+copy+replace!flag", 1, 3, 6, 6, 0, NECESSARY, 1 },
	{ "18/wait+unregister!silent", 1, 3, 6, 6, 0, NECESSARY, 1 },
	{ "05/register+register!no-lock", 1, 2, 2, 2, 0, EXACT, 2 },
	{ "09/wait+wake!check-first", 1, 2, 2, 2, 0, EXACT, 2 },
	{ "16/access+unmap!flush-first", 2, 3, 5, 85, 0, EXACT, 3 },
	{ "17/get+put!test-then-inc", 1, 2, 2, 2, 0, EXACT, 2 },
	{ "19/two-channels!open-door", 2, 4, 98, 854, 2, UNKNOWN, 0 },
	{ "20/install+remap!new-sequence", 1, 2, 2, 2, 0, EXACT, 2 },
	{ "21/migrate+migrate!for-ever", 0, 8, 0, 0, 0, NECESSARY, 1 },
	{ "12/dma+move!ignores-it", 0, 0, 0, 0, 2, ANY, 0 },
	{ "12/dma+move!not-told", 0, 1, 0, 0, 0, EXACT, 1 },
	{ "22/fault+drain!spins", 0, 1, 0, 0, 0, NECESSARY, 1 },
	{},
};

static const struct pin *pin_of(const struct p2psim_scenario *scenario)
{
	const struct pin *pin = pins;

	while (pin->name && strcmp(pin->name, scenario->name))
		pin++;
	return pin;
}

static void replays(const struct p2psim_scenario *scenario, const struct p2psim_minimal *minimal)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_REPLAY, .replay = minimal->schedule };
	struct p2psim_run_result run;

	assert_in_range(strlen(minimal->schedule), 1, 32);
	assert_int_equal(p2psim_scenario_run(scenario, NULL, &options, &run), 0);
	assert_int_equal(run.verdict, minimal->verdict);
	assert_int_equal(run.violation.oracle, minimal->violation.oracle);
	assert_int_equal(run.steps, minimal->steps);
}

/* auto finds it, and what it found comes down to the pinned one. */
static struct p2psim_minimal simplest(const struct p2psim_scenario *scenario)
{
	struct p2psim_minimise_options options = {};
	struct p2psim_explore_result found;
	struct p2psim_minimal minimal;

	assert_int_equal(p2psim_explore(scenario, NULL, &found), 0);
	assert_in_range(strlen(found.schedule), 1, 32);
	options.schedule = found.schedule;
	assert_int_equal(p2psim_minimise(scenario, &options, &minimal), 0);
	assert_true(minimal.certified);
	replays(scenario, &minimal);
	return minimal;
}

static void test_broken(const struct p2psim_scenario *scenario)
{
	const struct pin *pin = pin_of(scenario);
	struct p2psim_minimal minimal = simplest(scenario);

	if (!pin->name || minimal.preemptions != pin->preemptions || minimal.switches != pin->switches ||
	    minimal.exhausted_executions != pin->fewer || minimal.needless != pin->needless ||
	    minimal.claim != pin->claim || minimal.order_count != pin->orders)
		fail_msg("	{ \"%s\", %u, %u, %lu, 0, %u, %u, %u },", scenario->name, minimal.preemptions, minimal.switches,
			 (unsigned long)minimal.exhausted_executions, minimal.needless, minimal.claim, minimal.order_count);
}

/* Padding adds schedules, no traces: it takes as many preemptions as before. */
static void test_broken_and_padded(const struct p2psim_scenario *scenario)
{
	const struct pin *pin = pin_of(scenario);
	struct p2psim_minimal minimal = simplest(padded(scenario));

	if (minimal.preemptions != pin->preemptions || minimal.exhausted_executions != pin->fewer_padded)
		fail_msg("	%s: %u preemptions, %lu", scenario->name, minimal.preemptions,
			 (unsigned long)minimal.exhausted_executions);
}

static void test_correct_and_padded(const struct pattern *pattern)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR };
	struct p2psim_explore_result result;

	assert_int_equal(p2psim_explore(padded(&pattern->scenario), &options, &result), 0);
	assert_int_equal(result.verdict, P2PSIM_NEVER);
	assert_true(result.complete);
	assert_int_equal(result.traces, pattern->traces);
}

static void test_pattern(void **state)
{
	const struct pattern *pattern = *state;

	if (pattern->scenario.expect == P2PSIM_NEVER) {
		test_correct_and_padded(pattern);
		return;
	}
	test_broken(&pattern->scenario);
	test_broken_and_padded(&pattern->scenario);
}

static size_t add(struct CMUnitTest *tests, const struct pattern *pattern)
{
	size_t count = 0;

	for (; pattern->scenario.name; pattern++, count++)
		tests[count] = (struct CMUnitTest){ .name = pattern->scenario.name, .test_func = test_pattern,
						    .initial_state = (void *)(uintptr_t)pattern };
	return count;
}

int main(void)
{
	struct CMUnitTest tests[64];
	size_t count = add(tests, patterns_of_faults);

	count += add(tests + count, patterns_of_callbacks);
	count += add(tests + count, patterns_of_sharing);
	count += add(tests + count, patterns_of_bars);
	count += add(tests + count, patterns_of_one_cpu);
	return _cmocka_run_group_tests("bug patterns, bare and padded", tests, count, NULL, NULL);
}
