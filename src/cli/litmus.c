/* SPDX-License-Identifier: MIT */
/*
 * litmus: explores small programs and checks their "expect" lines.
 *
 * dpor and sleep must both give the traces and the sets of end states; naive, where the number of interleavings is within
 * --budget (default 200,000), and icb give the counts of interleavings and preemptions.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cli/internal.h"
#include "cli/litmus.h"

#define NAIVE_LIMIT 200000
#define TEXT_MAX 2048

/* A set of hashes: a search tree of the C library. */
struct hashes {
	void *root;
	size_t count;
};

/* Distinct texts. */
struct texts {
	char **text;
	size_t count, space;
	struct hashes seen;
};

/* What one exploration found. */
struct tally {
	const struct litmus *program;
	uint64_t runs, deadlocks, failing, steps_max;
	unsigned int preemptions_failing, preemptions_deadlock;	/* fewest; UINT_MAX: none */
	struct hashes complete_traces, deadlock_traces, failing_traces;
	struct texts final_states, deadlock_states;
	bool no_memory;
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* 1 = new, 0 = known, -ENOMEM. */
static int add_hash(struct hashes *hashes, uint64_t hash)
{
	uint64_t *key = malloc(sizeof(*key)), **found;

	if (!key)
		return -ENOMEM;
	*key = hash;
	found = tsearch(key, &hashes->root, by_value);
	if (found && *found == key) {
		hashes->count++;
		return 1;
	}
	free(key);
	return found ? 0 : -ENOMEM;
}

static uint64_t fnv(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
	return hash;
}

static int add_text(struct texts *texts, const char *text)
{
	int fresh = add_hash(&texts->seen, fnv(0xcbf29ce484222325ull, text));
	size_t space = texts->space ? 2 * texts->space : 16;
	char **grown;

	if (fresh <= 0)
		return fresh;
	if (texts->count == texts->space) {
		grown = realloc(texts->text, space * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		texts->text = grown;
		texts->space = space;
	}
	texts->text[texts->count] = strdup(text);
	return texts->text[texts->count] ? (texts->count++, 0) : -ENOMEM;
}

static void free_texts(struct texts *texts)
{
	while (texts->count)
		free(texts->text[--texts->count]);
	free(texts->text);
	tdestroy(texts->seen.root, free);
}

static void tally_free(struct tally *tally)
{
	tdestroy(tally->complete_traces.root, free);
	tdestroy(tally->deadlock_traces.root, free);
	tdestroy(tally->failing_traces.root, free);
	free_texts(&tally->final_states);
	free_texts(&tally->deadlock_states);
}

static void count(const struct p2psim_explored *explored, void *arg)
{
	bool deadlock = explored->violation && explored->violation->oracle == P2PSIM_DEADLOCK;
	const struct litmus_state *state = explored->state;
	struct tally *tally = arg;
	bool failing = state->failing || (!deadlock && !litmus_finals_hold(tally->program, state));
	char text[TEXT_MAX];
	int error;

	tally->runs++;
	tally->deadlocks += deadlock;
	tally->failing += failing;
	if (explored->steps > tally->steps_max)
		tally->steps_max = explored->steps;
	if (failing && explored->preemptions < tally->preemptions_failing)
		tally->preemptions_failing = explored->preemptions;
	if (deadlock && explored->preemptions < tally->preemptions_deadlock)
		tally->preemptions_deadlock = explored->preemptions;
	litmus_state_text(tally->program, state, text, sizeof(text));
	error = add_text(deadlock ? &tally->deadlock_states : &tally->final_states, text);
	if (error >= 0 && explored->trace)
		error = add_hash(deadlock ? &tally->deadlock_traces : &tally->complete_traces, explored->trace);
	if (error >= 0 && explored->trace && failing)
		error = add_hash(&tally->failing_traces, explored->trace);
	tally->no_memory |= error < 0;
}

static int explore(const struct litmus *program, enum p2psim_strategy_kind strategy, unsigned int preemptions,
		   struct tally *tally, struct p2psim_explore_result *result)
{
	struct p2psim_explore_options options = { .strategy = strategy, .preemptions = preemptions, .keep_going = true,
						  .on_execution = count, .on_execution_arg = tally };
	struct p2psim_scenario scenario;
	int error;

	memset(tally, 0, sizeof(*tally));
	tally->program = program;
	tally->preemptions_failing = tally->preemptions_deadlock = UINT_MAX;
	litmus_scenario(program, &scenario);
	error = p2psim_explore(&scenario, &options, result);
	if (error)
		return cli_say(CLI_INTERNAL, "%s: %s", program->path, result->error);
	return tally->no_memory ? cli_say(CLI_INTERNAL, "out of memory") : CLI_OK;
}

/* ---- the answers ---- */

struct checked {
	const struct litmus *program;
	unsigned int held, failed, skipped;
};

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void describe_states(struct texts *texts, char *value, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	size_t i;

	if (texts->count)
		qsort(texts->text, texts->count, sizeof(*texts->text), by_bytes);
	for (i = 0; i < texts->count; i++)
		hash = fnv(fnv(hash, texts->text[i]), "\n");
	snprintf(value, size, "%zu %016llx", texts->count, (unsigned long long)hash);
}

static const char *expected(const struct litmus *program, const char *what)
{
	int i;

	for (i = 0; i < program->expect_count; i++)
		if (!strcmp(program->expects[i].what, what))
			return program->expects[i].value;
	return NULL;
}

static void check(struct checked *checked, const char *strategy, const char *what, const char *given)
{
	const char *value = expected(checked->program, what);

	if (!value)
		return;
	if (!strcmp(value, given)) {
		checked->held++;
		return;
	}
	checked->failed++;
	printf("%s: %s: expected %s %s, %s found %s\n", checked->program->path, checked->program->name, what, value,
	       strategy, given);
}

static void check_number(struct checked *checked, const char *strategy, const char *what, uint64_t given)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)given);
	check(checked, strategy, what, text);
}

static void check_fewest(struct checked *checked, const char *strategy, const char *what, unsigned int given)
{
	char text[16] = "-";

	if (given != UINT_MAX)
		snprintf(text, sizeof(text), "%u", given);
	check(checked, strategy, what, text);
}

static int check_traces(struct checked *checked, enum p2psim_strategy_kind strategy, struct tally *tally)
{
	const char *name = p2psim_strategy_name(strategy);
	struct p2psim_explore_result result;
	int status = explore(checked->program, strategy, 0, tally, &result);
	char text[64];

	if (status)
		return status;
	check_number(checked, name, "traces", tally->complete_traces.count + tally->deadlock_traces.count);
	check_number(checked, name, "complete_traces", tally->complete_traces.count);
	check_number(checked, name, "deadlock_traces", tally->deadlock_traces.count);
	check_number(checked, name, "failing_traces", tally->failing_traces.count);
	check_number(checked, name, "max_steps", tally->steps_max);
	describe_states(&tally->final_states, text, sizeof(text));
	check(checked, name, "final_states", text);
	describe_states(&tally->deadlock_states, text, sizeof(text));
	check(checked, name, "deadlock_states", text);
	return CLI_OK;
}

static int check_naive(struct checked *checked, uint64_t limit)
{
	const char *value = expected(checked->program, "naive");
	struct p2psim_explore_result result;
	struct tally tally;
	int status;

	if (!value || strtoull(value, NULL, 10) > limit) {
		checked->skipped += value != NULL;
		return CLI_OK;
	}
	status = explore(checked->program, P2PSIM_EXPLORE_NAIVE, 0, &tally, &result);
	if (!status) {
		check_number(checked, "naive", "naive", tally.runs);
		check_number(checked, "naive", "naive_deadlock", tally.deadlocks);
		check_number(checked, "naive", "naive_failing", tally.failing);
		check_fewest(checked, "naive", "min_preemptions", tally.preemptions_failing);
		check_fewest(checked, "naive", "min_preemptions_deadlock", tally.preemptions_deadlock);
	}
	tally_free(&tally);
	return status;
}

/* pb0, pb1, pb2, and the fewest preemptions where the file says how many. */
static int check_icb(struct checked *checked, unsigned int bound)
{
	struct p2psim_explore_result result;
	struct tally tally;
	char what[8];
	int status = explore(checked->program, P2PSIM_EXPLORE_ICB, bound, &tally, &result);

	if (!status) {
		const char *fewest = expected(checked->program, "min_preemptions");
		const char *deadlock = expected(checked->program, "min_preemptions_deadlock");

		snprintf(what, sizeof(what), "pb%u", bound);
		check_number(checked, "icb", what, result.executions);
		if (fewest && strtoul(fewest, NULL, 10) == bound && *fewest != '-')
			check_fewest(checked, "icb", "min_preemptions", tally.preemptions_failing);
		if (deadlock && strtoul(deadlock, NULL, 10) == bound && *deadlock != '-')
			check_fewest(checked, "icb", "min_preemptions_deadlock", tally.preemptions_deadlock);
	}
	tally_free(&tally);
	return status;
}

static void report(const struct checked *checked, const struct tally *dpor)
{
	printf("%s: %zu traces", checked->program->name, dpor->complete_traces.count + dpor->deadlock_traces.count);
	if (dpor->deadlock_traces.count)
		printf(", %zu deadlock", dpor->deadlock_traces.count);
	if (dpor->failing_traces.count)
		printf(", %zu fail", dpor->failing_traces.count);
	printf("; %u answers hold", checked->held);
	if (checked->failed)
		printf(", %u DO NOT", checked->failed);
	printf("%s\n", checked->skipped ? "; naive is over the budget" : "");
}

static int check_program(const struct litmus *program, uint64_t limit)
{
	struct checked checked = { .program = program };
	struct tally dpor, sleep;
	unsigned int bound;
	int status = check_traces(&checked, P2PSIM_EXPLORE_DPOR, &dpor);

	if (!status) {
		status = check_traces(&checked, P2PSIM_EXPLORE_SLEEP, &sleep);
		tally_free(&sleep);
	}
	if (!status)
		status = check_naive(&checked, limit);
	for (bound = 0; bound < 3 && !status; bound++)
		status = check_icb(&checked, bound);
	if (!status)
		report(&checked, &dpor);
	tally_free(&dpor);
	return status ? status : checked.failed ? CLI_SURPRISE : CLI_OK;
}

int cli_litmus(struct cli *cli)
{
	struct litmus *program = calloc(1, sizeof(*program));
	uint64_t limit = NAIVE_LIMIT;
	int i, one, status = CLI_OK;

	if (!program)
		return cli_say(CLI_INTERNAL, "out of memory");
	if (!cli->arg_count)
		status = cli_say(CLI_USAGE, "litmus takes programs in the litmus text format");
	else if (cli_read_budget(cli->budget, &limit))
		status = CLI_USAGE;
	else if (!limit)
		limit = NAIVE_LIMIT;
	for (i = 0; i < cli->arg_count && status != CLI_INTERNAL; i++) {
		if (litmus_read(program, cli->args[i]))
			one = cli_say(CLI_USAGE, "%s", program->error);
		else
			one = check_program(program, limit);
		status = one > status ? one : status;
	}
	free(program);
	return status;
}
