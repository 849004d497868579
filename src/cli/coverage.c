/* SPDX-License-Identifier: MIT */
/*
 * What an exploration has covered, and how far it is.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/internal.h"

static void put_step(FILE *out, const struct p2psim_covered_step *step)
{
	fprintf(out, "%s", step->what);
	if (step->site->line)
		fprintf(out, ", %s() line %d", step->site->func, step->site->line);
}

static void put_order(FILE *out, const struct p2psim_covered_step *before, const struct p2psim_covered_step *after)
{
	fprintf(out, "    ");
	put_step(out, before);
	fprintf(out, "\n      before ");
	put_step(out, after);
	fputc('\n', out);
}

void cli_put_coverage(FILE *out, const struct p2psim_coverage *coverage, bool complete)
{
	size_t i, pairs = p2psim_coverage_pairs(coverage), possible, seen = p2psim_coverage_orders(coverage, &possible);

	fprintf(out, "  coverage: %zu of %zu orders of %zu conflict pair%s", seen, possible, pairs, pairs == 1 ? "" : "s");
	if (seen == possible) {
		fprintf(out, "\n");
		return;
	}
	fprintf(out, "; %s:\n", complete ? "the others cannot happen" : "never seen");
	for (i = 0; i < pairs; i++) {
		struct p2psim_covered_pair pair = p2psim_coverage_pair(coverage, i);

		if (!pair.forward)
			put_order(out, &pair.first, &pair.second);
		else if (!pair.backward && !pair.same)
			put_order(out, &pair.second, &pair.first);
	}
}

/* 1:05 */
static void put_time(FILE *out, uint64_t ms)
{
	fprintf(out, "%llu:%02llu", (unsigned long long)(ms / 60000), (unsigned long long)(ms / 1000 % 60));
}

static void put_rate(FILE *out, uint64_t count, uint64_t ms)
{
	const double rate = ms ? (double)count * 1000 / (double)ms : 0;

	if (rate >= 1e6)
		fprintf(out, "%.1f M/s", rate / 1e6);
	else if (rate >= 1e4)
		fprintf(out, "%.0f k/s", rate / 1e3);
	else
		fprintf(out, "%.0f/s", rate);
}

/* "dpor: 120345 executions, 1.1 M/s, 7% redundant, depth 43, about 34% done, 0:05 left": one line, written over. */
void cli_put_progress(const struct p2psim_explore_progress *p, void *arg)
{
	const bool terminal = isatty(STDERR_FILENO);
	const uint64_t runs = p->executions + p->redundant;
	FILE *out = stderr;

	fprintf(out, "\r%s", p2psim_strategy_name(p->strategy));
	if (p->strategy == P2PSIM_EXPLORE_ICB)
		fprintf(out, " %u", p->preemptions);
	fprintf(out, ": %llu executions, ", (unsigned long long)p->executions);
	put_rate(out, runs, p->stage_ms);
	if (p->redundant)
		fprintf(out, ", %.0f%% redundant", 100 * (double)p->redundant / (double)runs);
	if (p->found)
		fprintf(out, ", %llu found", (unsigned long long)p->found);
	if (p->depth)
		fprintf(out, ", depth %zu", p->depth);
	if (p->done_ppm && p->done_ppm < 1000000) {
		fprintf(out, ", about %u%% done, ", p->done_ppm / 10000);
		put_time(out, (uint64_t)((double)p->stage_ms * (1e6 - p->done_ppm) / p->done_ppm));
		fprintf(out, " left");
	}
	fputs(terminal ? "\033[K" : "", out);
	fflush(out);
}

void cli_end_progress(void)
{
	fputs(isatty(STDERR_FILENO) ? "\r\033[K" : "\n", stderr);
}
