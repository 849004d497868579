/* SPDX-License-Identifier: MIT */
/*
 * A worker process: walks over all parts of the search tree, takes those that nobody has, and sends what it finds.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "explore/jobs.h"

#define PARTS_WANTED 64
#define SPLIT_MAX 12

static uint64_t whole_part(const struct p2psim_jobs *jobs, uint64_t part)
{
	const struct p2psim_explore_options *options = jobs->e->options;

	return options->shards ? part * options->shards + options->shard - 1 : part;
}

static uint64_t take_part(const struct p2psim_jobs *jobs)
{
	return __atomic_fetch_add(&jobs->shared->next, 1, __ATOMIC_SEQ_CST);
}

static void put(const struct p2psim_jobs *jobs, const void *data, size_t size)
{
	const char *at = data;
	ssize_t n;

	while (size) {
		n = write(jobs->out, at, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(1); /* the parent is gone */
		at += n;
		size -= (size_t)n;
	}
}

static void put_set(const struct p2psim_jobs *jobs, const struct p2psim_hash_set *set)
{
	uint64_t zero = 0;
	size_t i;

	if (set->has_zero)
		put(jobs, &zero, sizeof(zero));
	for (i = 0; i < set->space; i++)
		if (set->slots[i])
			put(jobs, &set->slots[i], sizeof(set->slots[i]));
}

static size_t new_orders(const struct p2psim_jobs *jobs)
{
	const struct p2psim_coverage *coverage = jobs->e->options->coverage;

	return coverage ? p2psim_coverage_count(coverage) - jobs->told : 0;
}

static void put_orders(struct p2psim_jobs *jobs)
{
	size_t more = new_orders(jobs);

	for (; more--; jobs->told++) {
		struct p2psim_coverage_order order = p2psim_coverage_at(jobs->e->options->coverage, jobs->told);

		put(jobs, &order, sizeof(order));
	}
}

/* Tells the parent of a part, and forgets it. */
static void send_part(struct p2psim_jobs *jobs, uint64_t part, int error)
{
	struct p2psim_exploration *e = jobs->e;
	struct p2psim_jobs_message message = { .part = part, .best_steps = e->best_steps, .error = error, .found = e->found,
				   .interrupted = e->interrupted };

	message.result = *e->result;
	message.traces = e->traces.count + e->traces.has_zero;
	message.failing = e->failing.count + e->failing.has_zero;
	message.orders = new_orders(jobs);
	put(jobs, &message, sizeof(message));
	put_set(jobs, &e->traces);
	put_set(jobs, &e->failing);
	put_orders(jobs);
	p2psim_hash_set_free(&e->traces);
	p2psim_hash_set_free(&e->failing);
	memset(e->result, 0, sizeof(*e->result));
	e->result->preemptions_min = UINT_MAX;
	e->best_steps = 0;
	e->found = e->interrupted = false;
	jobs->place->live.executions = jobs->place->live.redundant = jobs->place->live.found = 0;
}

/* Before an execution: where we are, and whether somebody died there. */
static void enter_place(struct p2psim_jobs *jobs, uint64_t part, uint64_t execution)
{
	struct p2psim_exploration *e = jobs->e;
	unsigned int i;

	jobs->place->part = part;
	jobs->place->execution = execution;
	jobs->place->at.decisions = 0;
	jobs->place->at.beats++;
	e->x.crash = NULL;
	e->search.stop_at = 0;
	for (i = 0; i < jobs->crash_count; i++) {
		if (jobs->crashes[i].part != part || jobs->crashes[i].execution != execution)
			continue;
		e->x.crash = &jobs->crashes[i].death;
		e->x.crash_early = !jobs->crashes[i].decisions;
		e->x.crash_task = &e->search.stopped_task;
		e->search.stop_at = jobs->crashes[i].decisions;
	}
}

static uint64_t parts_at(struct p2psim_jobs *jobs, size_t split)
{
	struct p2psim_search *search = &jobs->e->search;

	p2psim_exploration_start(jobs->e, jobs->kind, jobs->bound);
	search->split = split;
	search->skip = true;
	search->decisions = &jobs->place->at.decisions;
	do {
		jobs->place->at.beats++;
		if (p2psim_exploration_step(jobs->e))
			return P2PSIM_NO_PART; /* told of by whoever takes part 0 */
	} while (p2psim_search_next(search));
	return search->part + 1;
}

/* So many first decisions that there are parts enough: the same in every worker and every shard. */
static size_t find_split(struct p2psim_jobs *jobs)
{
	size_t split = 0;
	uint64_t parts = 1;

	jobs->place->scouting = true;
	while (!jobs->undivided && split < SPLIT_MAX && (parts = parts_at(jobs, split)) < PARTS_WANTED)
		split++;
	jobs->place->scouting = false;
	jobs->shared->parts = parts == P2PSIM_NO_PART ? 0 : parts;
	return split;
}

static void search_parts(struct p2psim_jobs *jobs, uint64_t mine)
{
	struct p2psim_exploration *e = jobs->e;
	struct p2psim_search *search = &e->search;
	size_t split = find_split(jobs);
	uint64_t part, n = 0;
	bool more = true;
	int error;

	p2psim_exploration_start(e, jobs->kind, jobs->bound);
	search->split = split;
	search->decisions = &jobs->place->at.decisions;
	while (more && mine < jobs->shared->stop) {
		part = search->part;
		search->skip = part != whole_part(jobs, mine);
		enter_place(jobs, mine, search->skip ? P2PSIM_NO_PART : n++);
		error = p2psim_exploration_step(e);
		if (!search->skip && (error || !p2psim_exploration_may_go_on(e)) && search->depth > split) {
			search->depth = split; /* the rest of the part is not wanted, nor is what it asks for */
			search->skipped = true;
		}
		more = !error && p2psim_search_next(search);
		if (search->skip ? !error : !error && more && search->part == part)
			continue;
		send_part(jobs, mine, error);
		mine = take_part(jobs);
		n = 0;
	}
}

static void enter_sample(void *arg, uint64_t n)
{
	struct p2psim_jobs *jobs = arg;

	enter_place(jobs, jobs->mine, n);
}

static void sample_parts(struct p2psim_jobs *jobs, uint64_t mine)
{
	struct p2psim_exploration *e = jobs->e;
	const uint64_t samples = p2psim_exploration_samples(e), most = jobs->undivided ? samples : P2PSIM_SAMPLES_PART;
	uint64_t n, end;
	int error;

	p2psim_exploration_start(e, jobs->kind, jobs->bound);
	e->before_sample = enter_sample;
	e->before_sample_arg = jobs;
	e->search.decisions = &jobs->place->at.decisions;
	while (mine < jobs->shared->stop && !(jobs->undivided && mine) && !p2psim_exploration_out_of_time(e)) {
		n = whole_part(jobs, mine) * most;
		if (n >= samples)
			break;
		end = samples - n > most ? n + most : samples;
		jobs->mine = mine;
		error = p2psim_exploration_sample(e, jobs->kind, n, end);
		send_part(jobs, mine, error);
		mine = take_part(jobs);
	}
}

void p2psim_worker_run(struct p2psim_jobs *jobs, uint64_t mine)
{
	struct p2psim_exploration *e = jobs->e;
	struct p2psim_explore_result result = { .preemptions_min = UINT_MAX };
	struct p2psim_jobs_message bye = { .part = P2PSIM_NO_PART };

	e->result = &result;
	e->progress.live = &jobs->place->live;
	jobs->told = e->options->coverage ? p2psim_coverage_count(e->options->coverage) : 0;
	e->traces = e->failing = (struct p2psim_hash_set){};
	e->best_steps = 0;
	e->found = e->interrupted = false;
	if (mine == P2PSIM_NO_PART)
		mine = take_part(jobs);
	if (p2psim_is_sampling(jobs->kind))
		sample_parts(jobs, mine);
	else
		search_parts(jobs, mine);
	put(jobs, &bye, sizeof(bye));
	_exit(0);
}