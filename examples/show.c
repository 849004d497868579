/* SPDX-License-Identifier: MIT */
/* The drawing half of the example programs. */
#include "show.h"

#include <stdio.h>
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/report.h>
#include <p2psim/world.h>

#define TRACE_EVENTS 4096

static void print_verdict(const struct p2psim_scenario *scenario, const struct p2psim_run_result *result)
{
	printf("\n%s: %s", scenario->name, p2psim_verdict_name(result->verdict));
	if (result->verdict == P2PSIM_VIOLATION)
		printf(" %s", p2psim_oracle_name(result->violation.oracle));
	printf(", %s\n\n", result->as_expected ? "as expected" : "NOT as expected");
}

/* 0 as expected, 1 not, 3 it did not run. */
static int show_scenario(const struct p2psim_scenario *scenario)
{
	struct p2psim_run_options options = { .trace_events = TRACE_EVENTS };
	struct p2psim_config config = scenario->config;
	struct p2psim_world *world;
	struct p2psim_run_result result;
	int error;

	config.trace_events = TRACE_EVENTS;
	world = p2psim_world_create(&config);
	if (!world)
		return 3;
	printf("== %s ==\n%s\n%s\n\n", scenario->name, scenario->question, scenario->source);
	error = p2psim_scenario_run(scenario, world, &options, &result);
	if (error) {
		fprintf(stderr, "%s: %s\n", scenario->name, result.error);
	} else {
		p2psim_report_text(world, stdout, P2PSIM_REPORT_NO_FLAGS);
		if (result.verdict == P2PSIM_VIOLATION) {
			p2psim_report_violation(&result.violation, stdout);
			p2psim_report_cause(world, &result.violation, stdout);
		}
		print_verdict(scenario, &result);
	}
	p2psim_world_destroy(world);
	return error ? 3 : !result.as_expected;
}

int show_mail(const struct p2psim_scenario *scenarios)
{
	const struct p2psim_scenario *scenario;
	unsigned int count = 0, good = 0;
	int worst = 0;

	for (scenario = scenarios; scenario->name; scenario++) {
		int status = show_scenario(scenario);

		count++;
		good += !status;
		worst = status > worst ? status : worst;
	}
	printf("%.*s: %u of %u scenarios as expected\n", (int)strlen("mail/000"), scenarios->name, good, count);
	return worst;
}
