/* SPDX-License-Identifier: MIT */
/*
 * p2psim_main(): finds the command, reads its options, runs it.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <popt.h>

#include <p2psim/main.h>

#include "cli/internal.h"
#include "cli/litmus.h"

const struct cli_command cli_commands[] = {
	{ "list", "[--json] [--quirks]", "the scenarios, with their questions; what the model does otherwise",
	  "json quirks", cli_list,
	  "list\0list --json\0list --quirks\0" },
	{ "run", "SCENARIO [--schedule S | --seed N] [--trace text|json]\n"
	  "      [--steps] [--quirk NAME] [--adversary KIND[=N]] [--races]\n"
	  "      [--check-determinism] [--time-limit 10s|none] [-o FILE]",
	  "one execution, drawn",
	  "schedule seed trace output steps check-determinism quirk adversary races time-limit", cli_run,
	  "run mail/001-bar-defrag\0run mail/001-bar-defrag --seed 7 --trace json\0"
	  "run mail/001-bar-defrag --schedule 'nic0>nic:commit gpu0 nic0'\0" },
	{ "replay", "SCENARIO S [--prefix] [--step] [--trace text|json]\n"
	  "      [--steps] [--quirk NAME] [--adversary KIND[=N]] [--races]\n"
	  "      [--time-limit 10s|none] [-o FILE]",
	  "the execution that a replay string describes",
	  "prefix step trace output steps quirk adversary races time-limit", cli_replay,
	  "replay 'mail/004-reason!no-retry-check' p2p1-svsw-f2-n11-0v-ph7x\0"
	  "replay 'mail/004-reason!no-retry-check' p2p1-svsw-f2-n11-0v-ph7x --step\0"
	  "replay 'mail/004-reason!no-retry-check' p2p1-svsw-f2-n11-0v --prefix\0" },
	{ "explore", "SCENARIO|PROGRAM.txt|all\n"
	  "      [--strategy auto|icb|dpor|sleep|naive|random|pct|pos]\n"
	  "      [--preemptions N] [--depth D] [--seed N] [--max-depth N] [--budget N|10s]\n"
	  "      [--keep-going] [--pure-retry] [--minimize | --no-minimize]\n"
	  "      [--quirk NAME] [--adversary allocation|trylock|wakeup|timer|other[=N]]\n"
	  "      [--jobs N] [--shard I/N] [--races] [--coverage] [--progress]\n"
	  "      [--check-determinism] [--time-limit 10s|none] [--json]",
	  "every interleaving, or a sample",
	  "strategy preemptions depth seed max-depth budget json keep-going pure-retry minimize no-minimize "
	  "check-determinism jobs shard quirk adversary races coverage progress time-limit", cli_explore,
	  "explore mail/001-bar-defrag\0explore mail/001-bar-defrag --strategy dpor\0"
	  "explore mail/001-bar-defrag --strategy icb --preemptions 1\0"
	  "explore mail/002-doorbell --strategy dpor --adversary wakeup\0explore 'era/D1-aba!as-it-was'\0"
	  "explore mail/002-doorbell --strategy dpor --shard 1/2 --json > 1.json\0"
	  "explore all --budget 100\0" },
	{ "conform", "PATH... [--first N] [--file NAME] [--explain]\n      [--jobs N] [--progress]",
	  "replay recordings of a real kernel", "first file explain jobs progress", cli_conform,
	  "conform tests/conformance\0conform tests/conformance/hand --explain --first 1\0" },
	{ "merge", "FILE... [--json]", "the results of all shards of an exploration, added up", "json", cli_merge,
	  "explore mail/002-doorbell --strategy dpor --shard 1/2 --json > 1.json\0"
	  "explore mail/002-doorbell --strategy dpor --shard 2/2 --json > 2.json\0"
	  "merge 1.json 2.json\0" },
	{ "litmus", "FILE... [--budget N]", "explore small programs, check their expect lines", "budget", cli_litmus,
	  "litmus tests/litmus/programs/h01_seqlock.txt\0"
	  "explore tests/litmus/programs/h01_seqlock.txt --strategy icb\0" },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};

/* Words of architecture to come; saying so beats "unknown command". */
static const char *const later[] = { "quiz", NULL };

int cli_say(enum cli_status status, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "p2psim: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

const struct p2psim_scenario *cli_scenario(const struct cli *cli, size_t i)
{
	const struct p2psim_scenario *const *set, *scenario;

	for (set = cli->sets; *set; set++)
		for (scenario = *set; scenario->name; scenario++)
			if (!i--)
				return scenario;
	return NULL;
}

#define NAME_MAX_ 64

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Letters to insert, remove or change to make one name of the other; 0 when one is contained in the other. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[NAME_MAX_ + 1], corner, above;
	size_t i, j, length = strlen(b);

	if (!*b || strstr(a, b) || strstr(b, a))
		return *b ? 0 : UINT_MAX;
	if (length > NAME_MAX_)
		return UINT_MAX;
	for (j = 0; j <= length; j++)
		row[j] = (unsigned int)j;
	for (i = 0; a[i]; i++) {
		corner = row[0]++;
		for (j = 0; j < length; j++) {
			above = row[j + 1];
			row[j + 1] = least(above + 1, row[j] + 1, corner + (a[i] != b[j]));
			corner = above;
		}
	}
	return row[length];
}

/* The nearest names, if they are near: at most a third of what was typed is wrong. */
static void suggest(const struct cli *cli, const char *name)
{
	const struct p2psim_scenario *scenario;
	unsigned int best = UINT_MAX, far = (unsigned int)strlen(name) / 3 + 1;
	size_t i;

	for (i = 0; (scenario = cli_scenario(cli, i)); i++)
		if (distance(scenario->name, name) < best)
			best = distance(scenario->name, name);
	for (i = 0; (scenario = cli_scenario(cli, i)); i++)
		if (best <= far && distance(scenario->name, name) == best)
			fprintf(stderr, "  did you mean %s?\n", scenario->name);
}

static bool is_file_name(const char *name)
{
	size_t length = strlen(name);

	return length > 4 && !strcmp(name + length - 4, ".txt");
}

/* Under the name of its file, so that a replay command finds it. */
static const struct p2psim_scenario *find_program(struct cli *cli, const char *path)
{
	free(cli->litmus);
	cli->litmus = calloc(1, sizeof(*cli->litmus));
	if (!cli->litmus) {
		cli_say(CLI_INTERNAL, "out of memory");
		return NULL;
	}
	if (litmus_read(cli->litmus, path)) {
		cli_say(CLI_USAGE, "%s", cli->litmus->error);
		return NULL;
	}
	litmus_scenario(cli->litmus, &cli->litmus_as_scenario);
	cli->litmus_as_scenario.name = path;
	return &cli->litmus_as_scenario;
}

const struct p2psim_scenario *cli_find(struct cli *cli, const char *name)
{
	const struct p2psim_scenario *scenario;
	size_t i;

	for (i = 0; (scenario = cli_scenario(cli, i)); i++)
		if (!strcmp(scenario->name, name))
			return cli_configured(cli, scenario);
	if (is_file_name(name))
		return find_program(cli, name);
	cli_say(CLI_USAGE, "there is no scenario \"%s\"", name);
	suggest(cli, name);
	return NULL;
}

static void usage(FILE *out, const struct cli *cli)
{
	const struct cli_command *command;

	fprintf(out, "usage: %s COMMAND ...\n\n", cli->program);
	for (command = cli_commands; command->name; command++)
		fprintf(out, "  %s %s\n      %s\n", command->name, command->usage, command->help);
	fprintf(out, "\nexplore's options that belong to some strategies:\n");
	cli_put_strategies(out);
	fprintf(out, "\nexamples:\n"
		     "  %1$s list\n"
		     "  %1$s run mail/001-bar-defrag\n"
		     "  %1$s run mail/001-bar-defrag --seed 7 --trace json\n"
		     "  %1$s explore mail/001-bar-defrag --strategy dpor\n"
		     "  %1$s explore all --budget 10s\n"
		     "  %1$s conform tests/conformance\n"
		     "  %1$s explore --help\n"
		     "\nexit status: 0 as expected, 1 an unexpected verdict or a mismatch,\n"
		     "2 usage or malformed input, 3 internal error\n",
		cli->program);
}

static bool knows(const struct cli_command *command, const char *option)
{
	size_t length = strlen(option);
	const char *at = command->options;

	while ((at = strstr(at, option))) {
		if ((at == command->options || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return true;
		at += length;
	}
	return false;
}

static void usage_of(FILE *out, const struct cli *cli, const struct cli_command *command)
{
	const char *example;

	fprintf(out, "usage: %s %s %s\n\n  %s\n", cli->program, command->name, command->usage, command->help);
	if (knows(command, "strategy")) {
		fprintf(out, "\noptions that belong to some strategies:\n");
		cli_put_strategies(out);
	}
	fprintf(out, "\nexamples:\n");
	for (example = command->examples; *example; example += strlen(example) + 1)
		fprintf(out, "  %s %s\n", cli->program, example);
}

/* An option's value is its place in the table: a command can refuse those which are not its own. */
#define OPT_GIVEN 1000

static int read_options(struct cli *cli, const struct cli_command *command, const struct poptOption *options,
			poptContext context)
{
	const char *arg;
	int code;

	while ((code = poptGetNextOpt(context)) > 0) {
		const char *name = options[code - OPT_GIVEN].longName;

		if (!knows(command, name))
			return cli_say(CLI_USAGE, "%s has no option --%s (see --help)", command->name, name);
		if (cli->given_count < CLI_GIVEN_MAX)
			cli->given[cli->given_count++] = name;
		if (!strcmp(name, "seed"))
			cli->has_seed = 1;
		if (!strcmp(name, "preemptions"))
			cli->has_preemptions = 1;
		if (!strcmp(name, "adversary") && cli_add_adversary(cli, poptGetOptArg(context)))
			return CLI_USAGE;
		if (!strcmp(name, "races"))
			cli_add_races(cli);
		if (!strcmp(name, "quirk") && cli_add_quirk(cli, poptGetOptArg(context)))
			return CLI_USAGE;
	}
	if (code < -1)
		return cli_say(CLI_USAGE, "%s: %s (see --help)", poptBadOption(context, POPT_BADOPTION_NOALIAS),
			       poptStrerror(code));
	while ((arg = poptGetArg(context))) {
		if (cli->arg_count == CLI_ARGS_MAX)
			return cli_say(CLI_USAGE, "more than %d arguments", CLI_ARGS_MAX);
		cli->args[cli->arg_count++] = arg;
	}
	return command->run(cli);
}

/* What was printed must have come somewhere. */
static int close_output(int status)
{
	return fflush(stdout) || ferror(stdout) ? cli_say(CLI_INTERNAL, "the output cannot be written") : status;
}

static int run_command(struct cli *cli, const struct cli_command *command, int argc, const char **argv)
{
	struct poptOption options[] = {
		{ "json", 0, POPT_ARG_NONE, &cli->json, 0, NULL, NULL },
		{ "quirks", 0, POPT_ARG_NONE, &cli->quirks, 0, NULL, NULL },
		{ "prefix", 0, POPT_ARG_NONE, &cli->prefix, 0, NULL, NULL },
		{ "step", 0, POPT_ARG_NONE, &cli->step, 0, NULL, NULL },
		{ "explain", 0, POPT_ARG_NONE, &cli->explain, 0, NULL, NULL },
		{ "steps", 0, POPT_ARG_NONE, &cli->steps, 0, NULL, NULL },
		{ "minimize", 0, POPT_ARG_NONE, &cli->minimize, 0, NULL, NULL },
		{ "check-determinism", 0, POPT_ARG_NONE, &cli->check_determinism, 0, NULL, NULL },
		{ "no-minimize", 0, POPT_ARG_NONE, &cli->no_minimize, 0, NULL, NULL },
		{ "keep-going", 0, POPT_ARG_NONE, &cli->keep_going, 0, NULL, NULL },
		{ "pure-retry", 0, POPT_ARG_NONE, &cli->pure_retry, 0, NULL, NULL },
		{ "schedule", 0, POPT_ARG_STRING, &cli->schedule, 0, NULL, NULL },
		{ "trace", 0, POPT_ARG_STRING, &cli->trace, 0, NULL, NULL },
		{ "output", 'o', POPT_ARG_STRING, &cli->output, 0, NULL, NULL },
		{ "strategy", 0, POPT_ARG_STRING, &cli->strategy, 0, NULL, NULL },
		{ "budget", 0, POPT_ARG_STRING, &cli->budget, 0, NULL, NULL },
		{ "seed", 0, POPT_ARG_LONGLONG, &cli->seed, 0, NULL, NULL },
		{ "preemptions", 0, POPT_ARG_INT, &cli->preemptions, 0, NULL, NULL },
		{ "depth", 0, POPT_ARG_INT, &cli->depth, 0, NULL, NULL },
		{ "first", 0, POPT_ARG_INT, &cli->first, 0, NULL, NULL },
		{ "max-depth", 0, POPT_ARG_LONGLONG, &cli->max_depth, 0, NULL, NULL },
		{ "jobs", 'j', POPT_ARG_INT, &cli->jobs, 0, NULL, NULL },
		{ "progress", 0, POPT_ARG_NONE, &cli->progress, 0, NULL, NULL },
		{ "coverage", 0, POPT_ARG_NONE, &cli->coverage, 0, NULL, NULL },
		{ "shard", 0, POPT_ARG_STRING, &cli->shard, 0, NULL, NULL },
		{ "time-limit", 0, POPT_ARG_STRING, &cli->time_limit, 0, NULL, NULL },
		{ "file", 0, POPT_ARG_STRING, &cli->file, 0, NULL, NULL },
		{ "races", 0, POPT_ARG_NONE, NULL, 0, NULL, NULL },
		{ "quirk", 0, POPT_ARG_STRING, NULL, 0, NULL, NULL }, /* may come several times */
		{ "adversary", 0, POPT_ARG_STRING, NULL, 0, NULL, NULL }, /* the same */
		POPT_TABLEEND
	};
	poptContext context;
	int status, i;

	for (i = 0; options[i].longName; i++)
		options[i].val = OPT_GIVEN + i;
	context = poptGetContext(NULL, argc, argv, options, 0);
	if (!context)
		return cli_say(CLI_INTERNAL, "out of memory");
	status = read_options(cli, command, options, context);
	status = close_output(status);
	free(cli->schedule);
	free(cli->trace);
	free(cli->output);
	free(cli->strategy);
	free(cli->budget);
	free(cli->file);
	free(cli->shard);
	free(cli->time_limit);
	free(cli->litmus);
	poptFreeContext(context);
	return status;
}

static const struct cli_command *command_named(const char *name)
{
	const struct cli_command *command;

	for (command = cli_commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return argc > 1 && !strcmp(argv[1], "help");
}

/* "p2psim explore --help", "p2psim help explore"; else all of it. */
static void tell_usage(const struct cli *cli, int argc, char **argv)
{
	const struct cli_command *command = NULL;
	int i;

	for (i = 1; i < argc && i < 3 && !command; i++)
		command = command_named(argv[i]);
	if (command)
		usage_of(stdout, cli, command);
	else
		usage(stdout, cli);
}

int p2psim_main_sets(int argc, char **argv, const struct p2psim_scenario *const *sets)
{
	struct cli cli = { .program = argc && argv[0] ? argv[0] : "p2psim", .sets = sets };
	const struct cli_command *command;
	int i;

	if (strrchr(cli.program, '/'))
		cli.program = strrchr(cli.program, '/') + 1;
	if (asks_for_help(argc, argv)) {
		tell_usage(&cli, argc, argv);
		return close_output(CLI_OK);
	}
	if (argc < 2) {
		usage(stderr, &cli);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("p2psim %s (mirrors Linux 6.1; PCI peer-to-peer 6.12)\n", P2PSIM_VERSION);
		return close_output(CLI_OK);
	}
	command = command_named(argv[1]);
	if (command)
		return run_command(&cli, command, argc - 1, (const char **)argv + 1);
	for (i = 0; later[i]; i++)
		if (!strcmp(later[i], argv[1]))
			return cli_say(CLI_USAGE, "%s: this version cannot do that (see --help)", argv[1]);
	return cli_say(CLI_USAGE, "unknown command \"%s\" (see --help)", argv[1]);
}

int p2psim_main(int argc, char **argv, const struct p2psim_scenario *scenarios)
{
	const struct p2psim_scenario *const sets[] = { scenarios, NULL };

	return p2psim_main_sets(argc, argv, sets);
}
