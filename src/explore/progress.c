/* SPDX-License-Identifier: MIT */
/*
 * Telling how far an exploration is.  Real time decides when; nothing that is explored depends on it.
 */
#include <time.h>

#include "explore/exploration.h"

#define INTERVAL_MS 250

uint64_t p2psim_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static unsigned int ppm(uint64_t part, uint64_t whole)
{
	return part >= whole ? 1000000 : (unsigned int)((double)part * 1e6 / (double)whole);
}

/* Of the search at hand: parts in workers, samples, or the share of the tree that lies behind. */
static unsigned int share_done(const struct p2psim_exploration *e)
{
	const struct p2psim_progress *progress = &e->progress;

	const unsigned int shards = e->options->shards ? e->options->shards : 1;

	if (p2psim_is_sampling(progress->kind))
		return ppm(e->result->executions - progress->executions_before, p2psim_exploration_samples(e) / shards);
	if (e->options->jobs)
		return progress->parts ? ppm(progress->parts_done, progress->parts) : 0;
	return p2psim_search_done_ppm(&e->search);
}

/* A budget may be the nearer end. */
static unsigned int budget_used(const struct p2psim_exploration *e, uint64_t now)
{
	const struct p2psim_progress *progress = &e->progress;
	unsigned int used = 0, time;

	if (e->options->budget)
		used = ppm(e->result->executions + e->result->redundant + e->result->collapsed, e->options->budget);
	if (e->deadline_ms > progress->stage_ms) {
		time = ppm(now - progress->stage_ms, e->deadline_ms - progress->stage_ms);
		used = time > used ? time : used;
	}
	return used;
}

static void tell(struct p2psim_exploration *e, uint64_t now)
{
	struct p2psim_progress *progress = &e->progress;
	unsigned int done = share_done(e), used = budget_used(e, now);
	const struct p2psim_explore_progress told = {
		.strategy = progress->kind,
		.preemptions = progress->bound,
		.executions = e->result->executions,
		.redundant = e->result->redundant + e->result->collapsed,
		.found = e->result->violations + e->result->exists,
		.depth = e->search.depth,
		.elapsed_ms = now - progress->start_ms,
		.stage_ms = now - progress->stage_ms,
		.done_ppm = done > used ? done : used,
	};

	progress->told_ms = now;
	e->options->on_progress(&told, e->options->on_progress_arg);
}

void p2psim_progress_stage(struct p2psim_exploration *e, enum p2psim_strategy_kind kind, unsigned int bound)
{
	struct p2psim_progress *progress = &e->progress;

	if (!e->options->on_progress)
		return;
	progress->kind = kind;
	progress->bound = kind == P2PSIM_EXPLORE_ICB ? bound : 0;
	progress->stage_ms = p2psim_now_ms();
	progress->executions_before = e->result->executions;
	progress->parts = progress->parts_done = 0;
	if (!progress->start_ms)
		progress->start_ms = progress->told_ms = progress->stage_ms;
}

void p2psim_progress_tell(struct p2psim_exploration *e)
{
	uint64_t now;

	if (!e->options->on_progress || e->progress.silent)
		return;
	now = p2psim_now_ms();
	if (now - e->progress.told_ms >= INTERVAL_MS)
		tell(e, now);
}

void p2psim_progress_end(struct p2psim_exploration *e)
{
	if (e->options->on_progress)
		tell(e, p2psim_now_ms());
}
