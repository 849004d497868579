/* SPDX-License-Identifier: MIT */
/*
 * list, run, replay.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <p2psim/report.h>
#include <p2psim/world.h>

#include "cli/internal.h"

int cli_list(struct cli *cli)
{
	const struct p2psim_scenario *scenario;
	size_t i;

	if (cli->arg_count)
		return cli_say(CLI_USAGE, "list takes no argument");
	if (cli->quirks)
		return cli_list_quirks(cli);
	if (cli->json) {
		cli_write_list(stdout, cli);
		return CLI_OK;
	}
	for (i = 0; (scenario = cli_scenario(cli, i)); i++)
		printf("%-40s %s\n", scenario->name, scenario->question);
	return CLI_OK;
}

static void print_verdict(const struct cli *cli, const struct p2psim_scenario *scenario,
			  const struct p2psim_run_result *result, FILE *out)
{
	fprintf(out, "\n%s: %s", scenario->name, p2psim_verdict_name(result->verdict));
	if (result->verdict == P2PSIM_VIOLATION)
		fprintf(out, " %s", p2psim_oracle_name(result->violation.oracle));
	fprintf(out, ", %s\n%llu steps; trace %016llx", result->as_expected ? "as expected" : "NOT as expected",
		(unsigned long long)result->steps, (unsigned long long)result->trace_hash);
	if (result->schedule[0])
		fprintf(out, "\n%s replay '%s' %s%s", cli->program, scenario->name, result->schedule,
			cli->config_words);
	fputc('\n', out);
}

/* At most as wide as the picture. */
static void print_wrapped(const char *text, FILE *out)
{
	size_t at;

	while (strlen(text) > P2PSIM_REPORT_COLUMNS) {
		for (at = P2PSIM_REPORT_COLUMNS; at && text[at] != ' '; at--)
			;
		if (!at)
			at = P2PSIM_REPORT_COLUMNS;
		fprintf(out, "%.*s\n", (int)at, text);
		text += at + (text[at] == ' ');
	}
	fprintf(out, "%s\n", text);
}

static void print_heading(const struct p2psim_scenario *scenario, FILE *out)
{
	char text[512];

	fprintf(out, "%s\n", scenario->name);
	if (scenario->question)
		print_wrapped(scenario->question, out);
	snprintf(text, sizeof(text), "(%s)", scenario->source ? scenario->source : "no source");
	print_wrapped(text, out);
	fputc('\n', out);
}

static int draw(const struct cli *cli, const struct p2psim_world *world, const struct p2psim_scenario *scenario,
		const struct p2psim_run_result *result, FILE *out)
{
	if (cli->trace && !strcmp(cli->trace, "json"))
		return cli_write_trace(out, world, scenario, result);
	print_heading(scenario, out);
	p2psim_report_text(world, out, cli->steps ? P2PSIM_REPORT_STEPS : P2PSIM_REPORT_NO_FLAGS);
	if (result->verdict == P2PSIM_VIOLATION) {
		p2psim_report_violation(&result->violation, out);
		p2psim_report_cause(world, &result->violation, out);
	}
	print_verdict(cli, scenario, result, out);
	return 0;
}

static int write_out(const struct cli *cli, const struct p2psim_world *world, const struct p2psim_scenario *scenario,
		     const struct p2psim_run_result *result)
{
	FILE *out = cli->output ? fopen(cli->output, "w") : stdout;
	bool bad;

	if (!out)
		return cli_say(CLI_USAGE, "%s: %s", cli->output, strerror(errno));
	draw(cli, world, scenario, result, out);
	bad = fflush(out) || ferror(out);
	if (out != stdout)
		bad |= fclose(out) != 0;
	if (bad)
		return cli_say(CLI_INTERNAL, "%s cannot be written", cli->output ? cli->output : "the output");
	return result->as_expected ? CLI_OK : CLI_SURPRISE;
}

static int execute(struct cli *cli, const struct p2psim_scenario *scenario, struct p2psim_run_options *options)
{
	struct p2psim_config config = scenario->config;
	struct p2psim_run_result result;
	struct p2psim_world *world;
	int error, status;

	if (cli->trace && strcmp(cli->trace, "text") && strcmp(cli->trace, "json"))
		return cli_say(CLI_USAGE, "--trace is text or json, not \"%s\"", cli->trace);
	if (cli_read_time_limit(cli->time_limit, &options->hang_ms))
		return CLI_USAGE;
	options->isolate = true;
	config.trace_events = options->trace_events = CLI_TRACE_EVENTS;
	world = p2psim_world_create(&config);
	if (!world)
		return cli_say(CLI_INTERNAL, "no memory for a world");
	error = p2psim_scenario_run(scenario, world, options, &result);
	if (error == -EILSEQ) {
		status = cli_say(CLI_SURPRISE, "%s: %s", scenario->name, result.error);
	} else if (error == -EINVAL) {
		status = cli_say(CLI_USAGE, "%s: %s", scenario->name, result.error);
	} else if (error) {
		status = cli_say(CLI_INTERNAL, "%s: %s", scenario->name, strerror(-error));
	} else {
		if (cli->step && cli_walk(world))
			status = cli_say(CLI_INTERNAL, "no memory for the steps");
		else
			status = write_out(cli, world, scenario, &result);
	}
	p2psim_world_destroy(world);
	return status;
}

int cli_run(struct cli *cli)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_SCENARIO,
					      .check_determinism = cli->check_determinism };
	const struct p2psim_scenario *scenario;

	if (cli->arg_count != 1)
		return cli_say(CLI_USAGE, "run takes one scenario (see list)");
	if (cli->schedule && cli->has_seed)
		return cli_say(CLI_USAGE, "--schedule and --seed exclude each other");
	scenario = cli_find(cli, cli->args[0]);
	if (!scenario)
		return CLI_USAGE;
	if (cli->has_seed) {
		options.policy = P2PSIM_POLICY_RANDOM;
		options.seed = (uint64_t)cli->seed;
	} else if (cli->schedule && !strncasecmp(cli->schedule, "p2p1", 4)) {
		options.policy = P2PSIM_POLICY_REPLAY;
		options.replay = cli->schedule;
	} else if (cli->schedule) {
		options.policy = P2PSIM_POLICY_DIRECTED;
		options.directed = cli->schedule;
	}
	return execute(cli, scenario, &options);
}

int cli_replay(struct cli *cli)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_REPLAY, .replay_prefix = cli->prefix };
	const struct p2psim_scenario *scenario;

	if (cli->arg_count != 2)
		return cli_say(CLI_USAGE, "replay takes a scenario and a replay string");
	scenario = cli_find(cli, cli->args[0]);
	if (!scenario)
		return CLI_USAGE;
	options.replay = cli->args[1];
	return execute(cli, scenario, &options);
}
