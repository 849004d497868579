/* SPDX-License-Identifier: MIT */
/*
 * A scenario explored, right or broken, against what is pinned of it.
 */
#ifndef TESTS_SCENARIOS_JUDGED_H
#define TESTS_SCENARIOS_JUDGED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <p2psim/explore.h>

#include "patterns/patterns.h"

#define PATTERN_SAMPLE 3000
#define PATTERN_SEARCH 20000

static inline const char *told(const struct p2psim_scenario *scenario, const struct p2psim_explore_result *result)
{
	static char text[1200];

	snprintf(text, sizeof(text), "%s: %s, %u preemptions, %lu traces, %lu redundant%s; %s %s; %s; %s",
		 scenario->name,
		 p2psim_verdict_name(result->verdict), result->preemptions_min, (unsigned long)result->traces,
		 (unsigned long)result->redundant, result->complete ? ", complete" : "",
		 p2psim_oracle_name(result->violation.oracle), result->violation.sentence, result->error,
		 result->schedule);
	return text;
}

/* Every trace, and sleep sets, which look for no races, agree; or a sample. */
static inline void pattern_is_right(const struct pattern *pattern)
{
	struct p2psim_explore_options options = { .strategy = P2PSIM_EXPLORE_DPOR,
						  .budget = pattern->traces ? 0 : PATTERN_SAMPLE };
	struct p2psim_explore_result result, sleep;

	assert_int_equal(p2psim_explore(&pattern->scenario, &options, &result), 0);
	if (!result.as_expected || (pattern->traces && (!result.complete || result.traces != pattern->traces)))
		fail_msg("%s", told(&pattern->scenario, &result));
	if (!pattern->traces)
		return;
	options.strategy = P2PSIM_EXPLORE_SLEEP;
	assert_int_equal(p2psim_explore(&pattern->scenario, &options, &sleep), 0);
	assert_true(sleep.complete && sleep.traces_hash == result.traces_hash);
}

/* Found, in a few words (`replay`, unless that is NULL), and they lead there again. */
static inline void pattern_is_found_by(const struct pattern *pattern, const char *replay)
{
	const struct p2psim_explore_options search = { .budget = PATTERN_SEARCH };
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_REPLAY };
	struct p2psim_explore_result result;
	struct p2psim_run_result again;

	assert_int_equal(p2psim_explore(&pattern->scenario, &search, &result), 0);
	if (!result.as_expected && result.verdict != P2PSIM_ALWAYS)
		fail_msg("%s", told(&pattern->scenario, &result));
	assert_in_range(strlen(result.schedule), 1, 32);
	if (replay)
		assert_string_equal(result.schedule, replay);
	assert_int_equal(result.preemptions_min, pattern->preemptions);
	options.replay = result.schedule;
	assert_int_equal(p2psim_scenario_run(&pattern->scenario, NULL, &options, &again), 0);
	assert_string_equal(again.error, "");
	assert_string_equal(again.schedule, result.schedule);
	assert_string_equal(p2psim_oracle_name(again.violation.oracle), p2psim_oracle_name(result.violation.oracle));
	assert_int_equal(again.verdict, result.violation.oracle ? P2PSIM_VIOLATION : P2PSIM_ALWAYS);
}

static inline void pattern_is_found(const struct pattern *pattern)
{
	pattern_is_found_by(pattern, NULL);
}

/* What is pinned of one scenario of a set. */
struct scenario_pin {
	const char *name;
	unsigned int traces;		/* of a right one */
	unsigned int preemptions;	/* of a wrong one */
	const char *replay;		/* the schedule in which it is found; NULL: not pinned */
};

/* `set` ends with an entry without name, and holds nothing that is not pinned. */
static inline void pins_hold(const struct p2psim_scenario *set, const struct scenario_pin *pins, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct pattern pattern = { .scenario = set[i], .traces = pins[i].traces,
						 .preemptions = pins[i].preemptions };

		assert_string_equal(set[i].name, pins[i].name);
		if (set[i].expect == P2PSIM_NEVER)
			pattern_is_right(&pattern);
		else
			pattern_is_found_by(&pattern, pins[i].replay);
	}
	assert_null(set[count].name);
}

#endif
