/* SPDX-License-Identifier: MIT */
/*
 * The bug patterns: what exploring each of them gives, pinned.
 */
#include "judged.h"

static void test_pattern(void **state)
{
	const struct pattern *pattern = *state;

	if (pattern->scenario.expect == P2PSIM_NEVER)
		pattern_is_right(pattern);
	else
		pattern_is_found(pattern);
}

int main(void)
{
	return patterns_run("bug patterns", test_pattern);
}
