/* SPDX-License-Identifier: MIT */
/*
 * The command line from inside: exit statuses, options, commands.
 */
#ifndef P2PSIM_CLI_INTERNAL_H
#define P2PSIM_CLI_INTERNAL_H

#include <stdio.h>

#include <p2psim/adversary.h>
#include <p2psim/coverage.h>
#include <p2psim/explore.h>
#include <p2psim/minimise.h>
#include <p2psim/quirk.h>
#include <p2psim/scenario.h>

enum cli_status {
	CLI_OK = 0,
	CLI_SURPRISE = 1,	/* an unexpected verdict, a mismatch */
	CLI_USAGE = 2,		/* wrong words, malformed input */
	CLI_INTERNAL = 3,
};

#define CLI_TRACE_EVENTS 16384
#define CLI_ARGS_MAX 256
#define CLI_GIVEN_MAX 64

struct litmus;

/* What was said on the command line; options that a command does not know are refused before it sees them. */
struct cli {
	const char *program;
	const struct p2psim_scenario *const *sets;
	const char *args[CLI_ARGS_MAX];	/* what is left after the options */
	int arg_count;
	int minimize, no_minimize, check_determinism;
	int json, quirks, prefix, step, explain, steps, keep_going, pure_retry, progress, coverage;
	char *schedule, *trace, *output, *strategy, *budget, *file, *shard, *time_limit;
	long long seed;
	int has_seed, has_preemptions;
	const char *given[CLI_GIVEN_MAX];	/* names of the options, as they came */
	int given_count;
	int preemptions, depth, first, jobs;
	long long max_depth;
	uint64_t quirk_mask;			/* --quirk */
	bool races;				/* --races */
	uint8_t adversary[P2PSIM_ADVERSITIES];	/* --adversary */
	char config_words[512];			/* " --quirk D1": of a command that repeats this one */
	struct p2psim_scenario configured;		/* the scenario with them */
	struct litmus *litmus;			/* a file given for a scenario */
	struct p2psim_scenario litmus_as_scenario;
};

struct cli_command {
	const char *name;
	const char *usage;	/* "SCENARIO [--schedule S]" */
	const char *help;	/* one line */
	const char *options;	/* names of the options that it knows, blank-separated */
	int (*run)(struct cli *cli);
	const char *examples;	/* each ends with a zero byte, the last with two */
};

extern const struct cli_command cli_commands[];

/* Talk on stderr, "p2psim: ..."; returns `status`. */
int cli_say(enum cli_status status, const char *fmt, ...) P2PSIM_PRINTF(2, 3);
/*
 * The scenario of that name, or the litmus program in the file of that name (ending in .txt).
 * NULL after telling what is wrong, or the nearest names.
 */
const struct p2psim_scenario *cli_find(struct cli *cli, const char *name);
/* The i-th of all sets, NULL behind the last. */
const struct p2psim_scenario *cli_scenario(const struct cli *cli, size_t i);

/* quirks.c: --quirk NAME, which is freed; CLI_USAGE after complaining. */
int cli_add_quirk(struct cli *cli, char *name);
/* quirks.c: --adversary KIND[=N], which is freed; the same. */
int cli_add_adversary(struct cli *cli, char *text);
/* The scenario, in a world as the command line wants it. */
const struct p2psim_scenario *cli_configured(struct cli *cli, const struct p2psim_scenario *scenario);
/* quirks.c: --races. */
void cli_add_races(struct cli *cli);
int cli_list_quirks(const struct cli *cli);

int cli_list(struct cli *cli);
int cli_run(struct cli *cli);
int cli_replay(struct cli *cli);
int cli_explore(struct cli *cli);
int cli_conform(struct cli *cli);
int cli_litmus(struct cli *cli);
int cli_merge(struct cli *cli);

/* CLI_USAGE after complaining. */
int cli_refuse_negative(const char *option, long long number);
/* --budget; 0 when it was not given.  CLI_USAGE after complaining. */
int cli_read_budget(const char *text, uint64_t *budget);

/* --time-limit in milliseconds, 0 = none; the default when it was not given.  CLI_USAGE after complaining. */
int cli_read_time_limit(const char *text, uint64_t *ms);
/* explore: which options belong to which strategies, a line each. */
void cli_put_strategies(FILE *out);

/* walk.c: through the steps of the world's last execution, as standard input says.  -1: no memory. */
int cli_walk(const struct p2psim_world *world);

/* json.c: the trace of the world's last execution, one object a line. */
int cli_write_trace(FILE *out, const struct p2psim_world *world, const struct p2psim_scenario *scenario,
		    const struct p2psim_run_result *result);
void cli_write_list(FILE *out, const struct cli *cli);
void cli_write_quirk(FILE *out, const struct p2psim_quirk_info *quirk);
void cli_write_exploration(FILE *out, const struct p2psim_scenario *scenario,
			   const struct p2psim_explore_options *options, const struct p2psim_explore_result *result,
			   const struct p2psim_minimal *minimal);
/* minimal.c: 0, or an errno when it cannot be drawn. */
int cli_put_minimal(FILE *out, const struct cli *cli, const struct p2psim_scenario *scenario,
		    const struct p2psim_minimal *minimal);

/* coverage.c: as text; `complete`: what was not seen cannot happen. */
void cli_put_coverage(FILE *out, const struct p2psim_coverage *coverage, bool complete);
/* An on_progress callback: one line on standard error, written over.  Then its end. */
void cli_put_progress(const struct p2psim_explore_progress *progress, void *arg);
void cli_end_progress(void);

#endif
