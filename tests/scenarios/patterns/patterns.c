/* SPDX-License-Identifier: MIT */
/* All patterns, as tests. */
#include "patterns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PATTERNS_MAX 128

const struct pattern *const patterns[] = {
	patterns_of_faults, patterns_of_subscribers, patterns_of_waiting, patterns_of_counting,
	patterns_of_lifetimes, patterns_of_bars, patterns_of_livelocks, patterns_of_one_cpu,
	patterns_of_stories, patterns_of_children, patterns_of_adversity, NULL,
};

int patterns_run(const char *group, void (*test)(void **state))
{
	static struct CMUnitTest tests[PATTERNS_MAX];
	const struct pattern *const *table;
	const struct pattern *row;
	size_t count = 0;

	for (table = patterns; *table; table++)
		for (row = *table; row->scenario.name && count < PATTERNS_MAX; row++)
			tests[count++] = (struct CMUnitTest){ .name = row->scenario.name, .test_func = test,
							      .initial_state = (void *)(uintptr_t)row };
	return _cmocka_run_group_tests(group, tests, count, NULL, NULL);
}
