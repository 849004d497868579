/* SPDX-License-Identifier: MIT */
/*
 * explore: the verdict over all interleavings, with counts.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p2psim/report.h>

#include "cli/internal.h"

#define MINIMISE_CHEAP 5000		/* executions */
#define MINIMISE_LONG 200000
#define PREEMPTIONS_DEFAULT 2		/* of icb */
#define TIME_LIMIT_MS 10000		/* between two steps: whoever needs longer comes to none */
#define LONG_EXECUTION 5000		/* steps: too long for being minimised unasked */

static int read_strategy(const char *name, enum p2psim_strategy_kind *kind)
{
	int i;

	*kind = P2PSIM_EXPLORE_AUTO;
	if (!name)
		return 0;
	for (i = P2PSIM_EXPLORE_AUTO; i <= P2PSIM_EXPLORE_POS; i++) {
		if (strcmp(name, p2psim_strategy_name((enum p2psim_strategy_kind)i)))
			continue;
		*kind = (enum p2psim_strategy_kind)i;
		return 0;
	}
	return cli_say(CLI_USAGE, "--strategy is one of auto, icb, dpor, sleep, naive, random, pct, pos; not \"%s\"",
		       name);
}

int cli_refuse_negative(const char *option, long long number)
{
	return number < 0 ? cli_say(CLI_USAGE, "--%s is a number from 0 on, not %lld", option, number) : CLI_OK;
}

/* A number of executions. */
int cli_read_budget(const char *text, uint64_t *budget)
{
	char *end;

	*budget = 0;
	if (!text)
		return 0;
	errno = 0;
	*budget = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || !*budget || errno)
		return cli_say(CLI_USAGE, "--budget is a number of executions, not \"%s\"", text);
	return 0;
}

/* "10s", "500ms", "2m" in milliseconds; 0: that is no time. */
static uint64_t read_time(const char *text)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 } };
	uint64_t number;
	char *end;
	size_t i;

	number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || number > UINT32_MAX)
		return 0;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(units[i].name, end))
			return number * units[i].ms;
	return 0;
}

int cli_read_time_limit(const char *text, uint64_t *ms)
{
	*ms = text ? read_time(text) : TIME_LIMIT_MS;
	if (*ms || !strcmp(text, "none"))
		return 0;
	return cli_say(CLI_USAGE, "--time-limit is a time (500ms, 10s, 2m) or none, not \"%s\"", text);
}

void cli_put_strategies(FILE *out)
{
	const char *option;
	size_t i;
	int kind;

	for (i = 0; (option = p2psim_strategy_option(i)); i++) {
		const char *separator = "";

		fprintf(out, "  --%-12s ", option);
		for (kind = P2PSIM_EXPLORE_AUTO; kind <= P2PSIM_EXPLORE_POS; kind++) {
			if (!p2psim_strategy_takes((enum p2psim_strategy_kind)kind, option))
				continue;
			fprintf(out, "%s%s", separator, p2psim_strategy_name((enum p2psim_strategy_kind)kind));
			separator = ", ";
		}
		fputc('\n', out);
	}
}

/* Options that the strategy would pass over. */
static int check_given(const struct cli *cli, enum p2psim_strategy_kind kind)
{
	char why[256];
	int i;

	for (i = 0; i < cli->given_count; i++)
		if (p2psim_strategy_check(kind, cli->given[i], why, sizeof(why)))
			return cli_say(CLI_USAGE, "--%s", why);
	return 0;
}

/* Executions or time. */
static int read_budget(const char *text, struct p2psim_explore_options *options)
{
	options->budget_ms = text ? read_time(text) : 0;
	if (!text || options->budget_ms)
		return 0;
	if (text[strspn(text, "0123456789")])
		return cli_say(CLI_USAGE,
			       "--budget is a number of executions (10000) or a time (500ms, 10s, 2m), not \"%s\"", text);
	return cli_read_budget(text, &options->budget);
}

/* What was run, stage by stage. */
static void print_stages(const struct p2psim_explore_result *r)
{
	const char *separator = "  tried: ";
	unsigned int i;

	for (i = 0; i < r->stage_count; i++, separator = ", ") {
		const struct p2psim_explore_stage *stage = &r->stages[i];

		printf("%s%s", separator, p2psim_strategy_name(stage->strategy));
		if (stage->strategy == P2PSIM_EXPLORE_ICB)
			printf(" %u", stage->preemptions);
		printf(" (%s%llu)", stage->whole ? "all " : "", (unsigned long long)stage->executions);
	}
	putchar('\n');
}

/* What that proves of a scenario that did not fail. */
static void print_proof(const struct cli *cli, const struct p2psim_explore_result *r, unsigned int shards)
{
	unsigned int i, most = 0;
	bool any = false;

	for (i = 0; i < r->stage_count; i++) {
		if (r->stages[i].strategy != P2PSIM_EXPLORE_ICB || !r->stages[i].whole)
			continue;
		any = true;
		most = r->stages[i].preemptions;
	}
	if (shards)
		printf("  proved: nothing by itself; merge adds all %u shards up (--json)\n", shards);
	else if (r->complete)
		printf("  proved: no interleaving fails, within this model%s\n",
		       cli->pure_retry ? "; livelocks were not looked for" : "");
	else if (any)
		printf("  proved: none with at most %u preemption%s fails; beyond that, nothing was found\n", most,
		       most == 1 ? "" : "s");
	else
		printf("  proved: nothing; what was run did not fail\n");
}

/* No livelock: that would be a PROGRESS violation. */
static void print_too_long(const struct cli *cli, const struct p2psim_explore_result *r)
{
	uint64_t depth = cli->max_depth ? (uint64_t)cli->max_depth : P2PSIM_MAX_DEPTH;

	printf("  too long: %llu cut after %llu steps; they may be endless or not, nothing was proved of them\n",
	       (unsigned long long)r->cut, (unsigned long long)depth);
}

static void print_result(const struct cli *cli, const struct p2psim_scenario *scenario,
			 const struct p2psim_explore_options *options, const struct p2psim_explore_result *r,
			 const struct p2psim_minimal *minimal)
{
	uint64_t hits = r->violations + r->exists;

	printf("%s: %s", scenario->name, p2psim_verdict_name(r->verdict));
	if (r->verdict == P2PSIM_VIOLATION)
		printf(" %s", p2psim_oracle_name(r->violation.oracle));
	printf(", %s: %llu of %llu %s%s", r->as_expected ? "as expected" : "NOT as expected",
	       (unsigned long long)hits, (unsigned long long)r->executions,
	       r->traces && r->traces == r->executions ? "traces" : "executions",
	       r->complete ? ", complete" : ", not complete");
	if (options->shards)
		printf(", shard %u of %u", options->shard, options->shards);
	if (r->redundant)
		printf(", %llu redundant", (unsigned long long)r->redundant);
	if (r->collapsed)
		printf(", %llu collapsed", (unsigned long long)r->collapsed);
	if (r->cut)
		printf(", %llu too long", (unsigned long long)r->cut);
	putchar('\n');
	if (r->cut)
		print_too_long(cli, r);
	print_stages(r);
	if (r->verdict == P2PSIM_NEVER)
		print_proof(cli, r, options->shards);
	if (r->verdict == P2PSIM_VIOLATION)
		p2psim_report_violation(&r->violation, stdout);
	if (minimal)
		cli_put_minimal(stdout, cli, scenario, minimal);
	else if (r->preemptions_min != UINT_MAX && !r->schedule[0])
		printf("  %u preemptions, too many for a replay string\n", r->preemptions_min);
	else if (r->preemptions_min != UINT_MAX)
		printf("  %u preemption%s: %s replay '%s' %s%s\n", r->preemptions_min,
		       r->preemptions_min == 1 ? "" : "s", cli->program, scenario->name, r->schedule, cli->config_words);
}

/* A failure becomes its simplest form: --minimize takes the time it needs; else if it is cheap, and for one scenario. */
static bool minimise(const struct cli *cli, const struct p2psim_scenario *scenario, uint64_t hang_ms,
		     const struct p2psim_explore_result *result, struct p2psim_minimal *minimal)
{
	struct p2psim_minimise_options options = { .budget = cli->minimize ? MINIMISE_LONG : MINIMISE_CHEAP,
						   .isolate = true, .hang_ms = hang_ms };

	if (result->schedule[0])
		options.schedule = result->schedule; /* else it is too long for a string: look for a shorter one */
	if (cli->no_minimize || result->crashes || result->preemptions_min == UINT_MAX ||
	    (!cli->minimize && !strcmp(cli->args[0], "all")))
		return false;
	if (!cli->minimize && result->steps_max > LONG_EXECUTION)
		return false;
	return !p2psim_minimise(scenario, &options, minimal);
}

static int explore_and_tell(const struct cli *cli, const struct p2psim_scenario *scenario,
			    const struct p2psim_explore_options *options)
{
	struct p2psim_minimal minimal, *simplest = NULL;
	struct p2psim_explore_result result;
	int error = p2psim_explore(scenario, options, &result);

	if (options->on_progress)
		cli_end_progress();
	if (error)
		return cli_say(error == -EILSEQ ? CLI_SURPRISE : CLI_INTERNAL, "%s: %s", scenario->name,
			       result.error[0] ? result.error : strerror(-error));
	if (minimise(cli, scenario, options->hang_ms, &result, &minimal))
		simplest = &minimal;
	if (cli->json) {
		cli_write_exploration(stdout, scenario, options, &result, simplest);
	} else {
		print_result(cli, scenario, options, &result, simplest);
		if (options->coverage)
			cli_put_coverage(stdout, options->coverage, result.complete);
	}
	return result.as_expected ? CLI_OK : CLI_SURPRISE;
}

static int explore_one(const struct cli *cli, const struct p2psim_scenario *scenario,
		       const struct p2psim_explore_options *wanted)
{
	struct p2psim_explore_options options = *wanted;
	int status;

	if (cli->progress || isatty(STDERR_FILENO))
		options.on_progress = cli_put_progress;
	options.coverage = cli->coverage ? p2psim_coverage_create() : NULL;
	if (cli->coverage && !options.coverage)
		return cli_say(CLI_INTERNAL, "%s", strerror(ENOMEM));
	status = explore_and_tell(cli, scenario, &options);
	p2psim_coverage_destroy(options.coverage);
	return status;
}

/* --jobs N, --shard I/N */
static int read_workers(const struct cli *cli, struct p2psim_explore_options *options)
{
	char *end = NULL;

	if (cli_refuse_negative("jobs", cli->jobs))
		return CLI_USAGE;
	options->jobs = (unsigned int)cli->jobs;
	if (!cli->shard)
		return 0;
	options->shard = (unsigned int)strtoul(cli->shard, &end, 10);
	if (*cli->shard >= '0' && *cli->shard <= '9' && *end == '/' && end[1] >= '0' && end[1] <= '9')
		options->shards = (unsigned int)strtoul(end + 1, &end, 10);
	if (*end || !options->shard || options->shard > options->shards)
		return cli_say(CLI_USAGE, "--shard is I/N with I from 1 to N, not \"%s\"", cli->shard);
	return 0;
}

int cli_explore(struct cli *cli)
{
	struct p2psim_explore_options options = {};
	const struct p2psim_scenario *scenario;
	int status = CLI_OK, one;
	size_t i;

	if (cli->arg_count != 1)
		return cli_say(CLI_USAGE, "explore takes one scenario, or all");
	if (cli_refuse_negative("preemptions", cli->preemptions) || cli_refuse_negative("depth", cli->depth) ||
	    cli_refuse_negative("max-depth", cli->max_depth))
		return CLI_USAGE;
	if (cli->depth > P2PSIM_DEPTH_MAX)
		return cli_say(CLI_USAGE, "--depth is at most %d", P2PSIM_DEPTH_MAX);
	if (cli->minimize && cli->no_minimize)
		return cli_say(CLI_USAGE, "--minimize and --no-minimize exclude each other");
	if (read_strategy(cli->strategy, &options.strategy) || read_budget(cli->budget, &options))
		return CLI_USAGE;
	if (options.strategy == P2PSIM_EXPLORE_ICB)
		options.preemptions = cli->has_preemptions ? (unsigned int)cli->preemptions : PREEMPTIONS_DEFAULT;
	options.depth = (unsigned int)cli->depth;
	options.seed = (uint64_t)cli->seed;
	options.max_depth = (uint64_t)cli->max_depth;
	options.keep_going = cli->keep_going;
	options.pure_retry = cli->pure_retry;
	options.check_determinism = cli->check_determinism;
	options.isolate = true;
	if (read_workers(cli, &options) || cli_read_time_limit(cli->time_limit, &options.hang_ms) ||
	    check_given(cli, options.strategy))
		return CLI_USAGE;
	if (strcmp(cli->args[0], "all")) {
		scenario = cli_find(cli, cli->args[0]);
		return scenario ? explore_one(cli, scenario, &options) : CLI_USAGE;
	}
	for (i = 0; (scenario = cli_scenario(cli, i)); i++) {
		one = explore_one(cli, cli_configured(cli, scenario), &options);
		status = one > status ? one : status;
	}
	return status;
}
