/* SPDX-License-Identifier: MIT */
/*
 * A scenario explored inside a test: the test fails, with all there is to say, unless the outcome is the expected one.
 */
#ifndef P2PSIM_TESTS_EXPLORED_H
#define P2PSIM_TESTS_EXPLORED_H

#include "core_world.h"

#include <p2psim/explore.h>
#include <p2psim/scenario.h>

static inline void explore_as_expected(const struct p2psim_scenario *scenario, const struct p2psim_explore_options *options,
				       struct p2psim_explore_result *result)
{
	assert_int_equal(p2psim_explore(scenario, options, result), 0);
	print_message("# %s by %s: %lu executions, %lu violate, %lu exist\n", scenario->name,
		      p2psim_strategy_name(options->strategy), (unsigned long)result->executions,
		      (unsigned long)result->violations, (unsigned long)result->exists);
	if (!result->as_expected || result->error[0])
		fail_msg("%s by %s: %s %s %s; replay %s", scenario->name, p2psim_strategy_name(options->strategy),
			 p2psim_verdict_name(result->verdict), result->error, result->violation.sentence, result->schedule);
}

/* Every trace: nothing is left out, and failing ones are counted. */
static inline void explore_traces(const struct p2psim_scenario *scenario, struct p2psim_explore_result *result)
{
	const struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR, .keep_going = true };

	explore_as_expected(scenario, &options, result);
	assert_true(result->complete);
}

/* By traces, and by every interleaving with up to three preemptions: that judge needs no step to name what it touches. */
static inline void explore_twice(const struct p2psim_scenario *scenarios, size_t count)
{
	const struct p2psim_explore_options icb = { .strategy = P2PSIM_EXPLORE_ICB, .preemptions = 3 };
	const struct p2psim_explore_options dpor = { .strategy = P2PSIM_EXPLORE_DPOR };
	struct p2psim_explore_result result;
	size_t i;

	for (i = 0; i < count; i++) {
		explore_as_expected(&scenarios[i], &dpor, &result);
		assert_true(result.complete && result.executions > 1);
		explore_as_expected(&scenarios[i], &icb, &result);
		assert_true(result.executions > 1);
	}
}

#endif
