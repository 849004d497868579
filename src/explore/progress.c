/* SPDX-License-Identifier: MIT */
/*
 * Telling how far an exploration is.  Real time decides when; nothing that is explored depends on it.
 */
#include <time.h>

#include "explore/jobs.h"

#define INTERVAL_MS 250
#define ESTIMATE_EVERY 64		/* executions of a worker */

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

/* What workers have not handed in yet. */
static struct p2psim_progress_live all_live(const struct p2psim_progress *progress)
{
	struct p2psim_progress_live sum = {};
	unsigned int i;

	for (i = 0; progress->places && i < progress->place_count; i++) {
		const struct p2psim_progress_live *live = &progress->places[i].live;

		sum.executions += live->executions;
		sum.redundant += live->redundant;
		sum.found += live->found;
		sum.depth = live->depth > sum.depth ? live->depth : sum.depth;
		sum.done_ppm += live->done_ppm;
	}
	return sum;
}

/* Of the search at hand: parts in workers, samples, or the share of the tree that lies behind. */
static unsigned int share_done(const struct p2psim_exploration *e, const struct p2psim_progress_live *live)
{
	const struct p2psim_progress *progress = &e->progress;
	const unsigned int shards = e->options->shards ? e->options->shards : 1;

	if (p2psim_is_sampling(progress->kind))
		return ppm(e->result->executions + live->executions - progress->executions_before,
			   p2psim_exploration_samples(e) / shards);
	if (progress->places && !e->options->jobs)
		return live->done_ppm;
	if (e->options->jobs)
		return progress->parts ? ppm(progress->parts_done, progress->parts) : 0;
	return p2psim_search_done_ppm(&e->search);
}

/* A budget may be the nearer end. */
static unsigned int budget_used(const struct p2psim_exploration *e, const struct p2psim_progress_live *live, uint64_t now)
{
	const struct p2psim_progress *progress = &e->progress;
	unsigned int used = 0, time;

	if (e->options->budget)
		used = ppm(live->executions + live->redundant + e->result->executions + e->result->redundant +
			   e->result->collapsed, e->options->budget);
	if (e->deadline_ms > progress->stage_ms) {
		time = ppm(now - progress->stage_ms, e->deadline_ms - progress->stage_ms);
		used = time > used ? time : used;
	}
	return used;
}

static void tell(struct p2psim_exploration *e, uint64_t now)
{
	struct p2psim_progress *progress = &e->progress;
	const struct p2psim_progress_live live = all_live(progress);
	unsigned int done = share_done(e, &live), used = budget_used(e, &live, now);
	const struct p2psim_explore_progress told = {
		.strategy = progress->kind,
		.preemptions = progress->bound,
		.executions = e->result->executions + live.executions,
		.redundant = e->result->redundant + e->result->collapsed + live.redundant,
		.found = live.found + e->result->violations + e->result->exists,
		.depth = progress->places ? (size_t)live.depth : e->search.depth,
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

/* A worker's counts lie where its parent looks. */
static void publish(const struct p2psim_exploration *e)
{
	struct p2psim_progress_live *live = e->progress.live;

	live->executions = e->result->executions;
	live->redundant = e->result->redundant + e->result->collapsed;
	live->found = e->result->violations + e->result->exists;
	live->depth = e->search.depth;
	if (!(live->calls++ % ESTIMATE_EVERY))
		live->done_ppm = p2psim_search_done_ppm(&e->search);
}

void p2psim_progress_tell(struct p2psim_exploration *e)
{
	uint64_t now;

	if (!e->options->on_progress)
		return;
	if (e->progress.live) {
		publish(e);
		return;
	}
	now = p2psim_now_ms();
	if (now - e->progress.told_ms >= INTERVAL_MS)
		tell(e, now);
}

void p2psim_progress_end(struct p2psim_exploration *e)
{
	if (e->options->on_progress)
		tell(e, p2psim_now_ms());
}
