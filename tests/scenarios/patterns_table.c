/* SPDX-License-Identifier: MIT */
/*
 * Prints the table of docs/patterns.md: each pattern and story, what it must come to, and the numbers that the tests pin.
 */
#include <stdio.h>

#include "patterns/patterns.h"
#include "patterns/pins.h"

static void print_correct(const struct pattern *row)
{
	printf("| `%s` | %s | NEVER, complete | %u traces |\n", row->scenario.name, row->scenario.question, row->traces);
}

static void print_broken(const struct pattern *row)
{
	const struct p2psim_scenario *scenario = &row->scenario;
	const struct pin *pin = pin_of(scenario);

	printf("| `%s` | %s | %s | %u; %u; %u, %u; %u |\n", scenario->name, scenario->question,
	       scenario->oracle ? p2psim_oracle_name(scenario->oracle) : p2psim_verdict_name(scenario->expect),
	       pin->preemptions, pin->switches, pin->fewer, pin->fewer_padded, pin->found);
}

int main(void)
{
	const struct pattern *const *table;
	const struct pattern *row;

	printf("| scenario | question | expected | numbers |\n|--|--|--|--|\n");
	for (table = patterns; *table; table++)
		for (row = *table; row->scenario.name; row++) {
			if (row->scenario.expect == P2PSIM_NEVER)
				print_correct(row);
			else
				print_broken(row);
		}
	return 0;
}
