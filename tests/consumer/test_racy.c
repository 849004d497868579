/* SPDX-License-Identifier: MIT */
/* Every interleaving of two openings, with the race check: succeeds when the race is told with its line. */
#include <stdio.h>
#include <string.h>

#include <p2psim/explore.h>

#include "racy.h"

static const struct p2psim_scenario two_open = {
	.name = "racy/two-open",
	.question = "Do two openings race?",
	.state_size = sizeof(struct racy),
	.tasks = { { "app0", racy_open }, { "app1", racy_open } },
	.config = { .races = true },
};

int main(void)
{
	struct p2psim_explore_result result;

	if (p2psim_explore(&two_open, NULL, &result))
		return 1;
	puts(result.violation.sentence);
	return result.violation.oracle == P2PSIM_RACE && strstr(result.violation.sentence, "racy_open() racy.c:7") ? 0 : 1;
}
