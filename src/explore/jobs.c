/* SPDX-License-Identifier: MIT */
/*
 * Worker processes.
 *
 * The search tree is divided by its first decisions into parts.  Each worker walks over all parts, takes the next one that
 * nobody has, and sends what it finds through a pipe.  The parent adds up the parts in their order, and stops where a
 * single process would: what comes out does not depend on timing.
 *
 * A worker that dies has left in shared memory where it was: part, execution, decisions.  Another takes its place, comes
 * to the same execution by the same decisions, ends it before the fatal one takes effect, and counts it as a CRASH.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "explore/exploration.h"

#define JOBS_MAX 64
#define PARTS_WANTED 64
#define SPLIT_MAX 12
#define CRASHES_MAX 64
#define NOBODY UINT64_MAX
#define POLL_MS 250

/* Where a worker is; it outlives the worker. */
struct place {
	volatile uint64_t part, execution, decisions;
	volatile bool scouting;
};

struct shared {
	uint64_t next;			/* part, as this shard counts, that nobody has taken */
	uint64_t parts;			/* so many there are; 0 = not known yet */
	volatile uint64_t stop;		/* parts from here on are not wanted */
	struct place places[JOBS_MAX];
};

struct crash {
	uint64_t part, execution, decisions;
	char how[64];
};

/* What a worker sends of each part, and, as part NOBODY, when it has come to its end. */
struct message {
	uint64_t part;			/* as this shard counts */
	struct p2psim_explore_result result;
	uint64_t best_steps, traces, failing;	/* so many hashes follow */
	uint64_t orders;		/* and then so many orders of conflict pairs, new ones */
	int error;
	bool found, interrupted;
};

struct finding {
	struct message message;
	uint64_t *hashes;
	struct p2psim_coverage_order *orders;
	bool here;
};

struct worker {
	pid_t pid;
	int fd;
	bool ended;			/* said so */
};

struct jobs {
	struct p2psim_exploration *e;
	enum p2psim_strategy_kind kind;
	unsigned int bound, count;
	struct shared *shared;
	struct worker workers[JOBS_MAX];
	bool undivided;			/* it dies within the first steps: one part */
	struct crash crashes[CRASHES_MAX];
	unsigned int crash_count;
	struct finding *findings;	/* by part, as this shard counts */
	size_t space;
	uint64_t added;			/* parts added up, in order */
	bool stopped;
	/* of a worker */
	struct place *place;
	uint64_t mine;			/* samples: the part at hand */
	size_t told;			/* orders of conflict pairs that the parent knows */
	int out;
};

static uint64_t whole_part(const struct jobs *jobs, uint64_t part)
{
	const struct p2psim_explore_options *options = jobs->e->options;

	return options->shards ? part * options->shards + options->shard - 1 : part;
}

static uint64_t take_part(const struct jobs *jobs)
{
	return __atomic_fetch_add(&jobs->shared->next, 1, __ATOMIC_SEQ_CST);
}

/* ---- in a worker ---- */

static void put(const struct jobs *jobs, const void *data, size_t size)
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

static void put_set(const struct jobs *jobs, const struct p2psim_hash_set *set)
{
	uint64_t zero = 0;
	size_t i;

	if (set->has_zero)
		put(jobs, &zero, sizeof(zero));
	for (i = 0; i < set->space; i++)
		if (set->slots[i])
			put(jobs, &set->slots[i], sizeof(set->slots[i]));
}

static size_t new_orders(const struct jobs *jobs)
{
	const struct p2psim_coverage *coverage = jobs->e->options->coverage;

	return coverage ? p2psim_coverage_count(coverage) - jobs->told : 0;
}

static void put_orders(struct jobs *jobs)
{
	size_t more = new_orders(jobs);

	for (; more--; jobs->told++) {
		struct p2psim_coverage_order order = p2psim_coverage_at(jobs->e->options->coverage, jobs->told);

		put(jobs, &order, sizeof(order));
	}
}

/* Tells the parent of a part, and forgets it. */
static void send_part(struct jobs *jobs, uint64_t part, int error)
{
	struct p2psim_exploration *e = jobs->e;
	struct message message = { .part = part, .best_steps = e->best_steps, .error = error, .found = e->found,
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
}

/* Before an execution: where we are, and whether somebody died there. */
static void enter_place(struct jobs *jobs, uint64_t part, uint64_t execution)
{
	struct p2psim_exploration *e = jobs->e;
	unsigned int i;

	jobs->place->part = part;
	jobs->place->execution = execution;
	jobs->place->decisions = 0;
	e->x.crash = NULL;
	e->search.stop_at = 0;
	for (i = 0; i < jobs->crash_count; i++) {
		if (jobs->crashes[i].part != part || jobs->crashes[i].execution != execution)
			continue;
		e->x.crash = jobs->crashes[i].how;
		e->x.crash_early = !jobs->crashes[i].decisions;
		e->x.crash_task = &e->search.stopped_task;
		e->search.stop_at = jobs->crashes[i].decisions;
	}
}

static uint64_t parts_at(struct jobs *jobs, size_t split)
{
	struct p2psim_search *search = &jobs->e->search;

	p2psim_exploration_start(jobs->e, jobs->kind, jobs->bound);
	search->split = split;
	search->skip = true;
	do {
		if (p2psim_exploration_step(jobs->e))
			return NOBODY; /* told of by whoever takes part 0 */
	} while (p2psim_search_next(search));
	return search->part + 1;
}

/* So many first decisions that there are parts enough: the same in every worker and every shard. */
static size_t find_split(struct jobs *jobs)
{
	size_t split = 0;
	uint64_t parts = 1;

	jobs->place->scouting = true;
	while (!jobs->undivided && split < SPLIT_MAX && (parts = parts_at(jobs, split)) < PARTS_WANTED)
		split++;
	jobs->place->scouting = false;
	jobs->shared->parts = parts == NOBODY ? 0 : parts;
	return split;
}

static void search_parts(struct jobs *jobs, uint64_t mine)
{
	struct p2psim_exploration *e = jobs->e;
	struct p2psim_search *search = &e->search;
	size_t split = find_split(jobs);
	uint64_t part, n = 0;
	bool more = true;
	int error;

	p2psim_exploration_start(e, jobs->kind, jobs->bound);
	search->split = split;
	search->decisions = &jobs->place->decisions;
	while (more && mine < jobs->shared->stop) {
		part = search->part;
		search->skip = part != whole_part(jobs, mine);
		enter_place(jobs, mine, search->skip ? NOBODY : n++);
		error = p2psim_exploration_step(e);
		if (!search->skip && (error || !p2psim_exploration_may_go_on(e)) && search->depth > split)
			search->depth = split; /* the rest of the part is not wanted */
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
	struct jobs *jobs = arg;

	enter_place(jobs, jobs->mine, n);
}

static void sample_parts(struct jobs *jobs, uint64_t mine)
{
	struct p2psim_exploration *e = jobs->e;
	uint64_t samples = p2psim_exploration_samples(e), n, end;
	int error;

	p2psim_exploration_start(e, jobs->kind, jobs->bound);
	e->before_sample = enter_sample;
	e->before_sample_arg = jobs;
	e->search.decisions = &jobs->place->decisions;
	while (mine < jobs->shared->stop && !p2psim_exploration_out_of_time(e)) {
		n = whole_part(jobs, mine) * P2PSIM_SAMPLES_PART;
		if (n >= samples)
			break;
		end = samples - n > P2PSIM_SAMPLES_PART ? n + P2PSIM_SAMPLES_PART : samples;
		jobs->mine = mine;
		error = p2psim_exploration_sample(e, jobs->kind, n, end);
		send_part(jobs, mine, error);
		mine = take_part(jobs);
	}
}

static void work(struct jobs *jobs, uint64_t mine)
{
	struct p2psim_exploration *e = jobs->e;
	struct p2psim_explore_result result = { .preemptions_min = UINT_MAX };
	struct message bye = { .part = NOBODY };

	e->result = &result;
	e->progress.silent = true;
	jobs->told = e->options->coverage ? p2psim_coverage_count(e->options->coverage) : 0;
	e->traces = e->failing = (struct p2psim_hash_set){};
	e->best_steps = 0;
	e->found = e->interrupted = false;
	if (mine == NOBODY)
		mine = take_part(jobs);
	if (p2psim_is_sampling(jobs->kind))
		sample_parts(jobs, mine);
	else
		search_parts(jobs, mine);
	put(jobs, &bye, sizeof(bye));
	_exit(0);
}

/* ---- in the parent ---- */

static int hire(struct jobs *jobs, unsigned int i, uint64_t mine)
{
	struct worker *worker = &jobs->workers[i];
	int fds[2];

	if (pipe(fds))
		return -errno;
	fflush(NULL);
	worker->ended = false;
	worker->pid = fork();
	if (!worker->pid) {
		close(fds[0]);
		jobs->out = fds[1];
		jobs->place = &jobs->shared->places[i];
		work(jobs, mine);
	}
	close(fds[1]);
	worker->fd = fds[0];
	if (worker->pid > 0)
		return 0;
	close(fds[0]);
	worker->fd = -1;
	return -EAGAIN;
}

/* False: the other end is closed. */
static bool get(int fd, void *data, size_t size)
{
	char *at = data;
	ssize_t n;

	while (size) {
		n = read(fd, at, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

static int add_hashes(struct p2psim_exploration *e, const struct finding *finding)
{
	uint64_t i;

	for (i = 0; i < finding->message.traces + finding->message.failing; i++)
		if (p2psim_hash_set_add(i < finding->message.traces ? &e->traces : &e->failing, finding->hashes[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int add_orders(struct p2psim_exploration *e, const struct finding *finding)
{
	uint64_t i;
	int error = 0;

	for (i = 0; i < finding->message.orders && !error; i++)
		error = p2psim_coverage_add(e->options->coverage, &finding->orders[i]);
	return error;
}

/* The next part in the order of the search is here. */
static int add_up(struct jobs *jobs)
{
	struct p2psim_exploration *e = jobs->e;
	struct finding *finding = &jobs->findings[jobs->added++];
	const struct message *message = &finding->message;
	int error = add_hashes(e, finding);

	if (!error)
		error = add_orders(e, finding);
	free(finding->hashes);
	free(finding->orders);
	finding->hashes = NULL;
	finding->orders = NULL;
	if (message->error)
		memcpy(e->result->error, message->result.error, sizeof(e->result->error));
	p2psim_exploration_add(e, &message->result, message->best_steps);
	e->found |= message->found;
	e->interrupted |= message->interrupted;
	e->progress.parts = jobs->shared->parts / (e->options->shards ? e->options->shards : 1);
	e->progress.parts_done = jobs->added;
	if (message->error || error || (e->found && !e->options->keep_going) || !p2psim_exploration_may_go_on(e)) {
		jobs->stopped = true;
		jobs->shared->stop = jobs->added;
	}
	return message->error ? message->error : error;
}

static struct finding *finding_of(struct jobs *jobs, uint64_t part)
{
	size_t space = jobs->space ? jobs->space : 64;
	struct finding *findings;

	while (space <= part)
		space *= 2;
	if (space == jobs->space)
		return &jobs->findings[part];
	findings = realloc(jobs->findings, space * sizeof(*findings));
	if (!findings)
		return NULL;
	memset(findings + jobs->space, 0, (space - jobs->space) * sizeof(*findings));
	jobs->findings = findings;
	jobs->space = space;
	return &findings[part];
}

static int keep(struct jobs *jobs, int fd, const struct message *message)
{
	struct finding *finding = finding_of(jobs, message->part);
	size_t hashes = message->traces + message->failing;
	int error = 0;

	if (!finding)
		return -ENOMEM;
	finding->message = *message;
	finding->hashes = malloc((hashes + 1) * sizeof(*finding->hashes));
	finding->orders = malloc((message->orders + 1) * sizeof(*finding->orders));
	if (!finding->hashes || !finding->orders)
		return -ENOMEM;
	finding->here = get(fd, finding->hashes, hashes * sizeof(*finding->hashes)) &&
			get(fd, finding->orders, message->orders * sizeof(*finding->orders));
	while (!error && !jobs->stopped && jobs->added < jobs->space && jobs->findings[jobs->added].here)
		error = add_up(jobs);
	return error;
}

static void describe_death(int status, char *how, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(how, size, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(how, size, "it exits with status %d", WEXITSTATUS(status));
}

static int refuse(struct jobs *jobs, const char *why)
{
	snprintf(jobs->e->result->error, sizeof(jobs->e->result->error), "%s", why);
	return -EINVAL;
}

/* A worker has died: another comes to the same place and knows. */
static int replace(struct jobs *jobs, unsigned int i, int status)
{
	const struct place *place = &jobs->shared->places[i];
	struct crash *crash = &jobs->crashes[jobs->crash_count];
	unsigned int k;

	if (place->scouting) {
		jobs->undivided = true;
		if (!jobs->added)
			jobs->shared->next = 1;
		return i ? 0 : hire(jobs, i, 0);
	}
	for (k = 0; k < jobs->crash_count; k++)
		if (jobs->crashes[k].part == place->part && jobs->crashes[k].execution == place->execution)
			return refuse(jobs, "the program dies at another place each time");
	if (jobs->crash_count + 1 == CRASHES_MAX) {
		jobs->stopped = jobs->e->interrupted = true;
		jobs->shared->stop = 0;
		return 0;
	}
	crash->part = place->part;
	crash->execution = place->execution;
	crash->decisions = place->decisions;
	describe_death(status, crash->how, sizeof(crash->how));
	jobs->crash_count++;
	return hire(jobs, i, crash->part);
}

/* Something can be read from a worker, be it that there is no more. */
static int listen(struct jobs *jobs, unsigned int i)
{
	struct worker *worker = &jobs->workers[i];
	struct message message;
	int status = 0;

	if (get(worker->fd, &message, sizeof(message))) {
		worker->ended |= message.part == NOBODY;
		return message.part == NOBODY ? 0 : keep(jobs, worker->fd, &message);
	}
	close(worker->fd);
	worker->fd = -1;
	waitpid(worker->pid, &status, 0);
	return worker->ended || jobs->stopped ? 0 : replace(jobs, i, status);
}

static int listen_to_all(struct jobs *jobs)
{
	struct pollfd fds[JOBS_MAX];
	unsigned int i, open;
	int error = 0;

	for (;;) {
		for (i = open = 0; i < jobs->count; i++) {
			fds[i].fd = jobs->workers[i].fd;
			fds[i].events = POLLIN;
			fds[i].revents = 0;
			open += fds[i].fd >= 0;
		}
		if (!open || error)
			return error;
		if (poll(fds, jobs->count, jobs->e->options->on_progress ? POLL_MS : -1) < 0 && errno != EINTR)
			return -errno;
		p2psim_progress_tell(jobs->e);
		for (i = 0; i < jobs->count && !error; i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				error = listen(jobs, i);
	}
}

/* After an error some may still run: they find nobody to write to. */
static void dismiss(struct jobs *jobs)
{
	unsigned int i;
	size_t p;

	jobs->shared->stop = 0;
	for (i = 0; i < jobs->count; i++) {
		if (jobs->workers[i].fd < 0)
			continue;
		while (jobs->workers[i].fd >= 0 && get(jobs->workers[i].fd, &p, 1))
			;
		close(jobs->workers[i].fd);
		waitpid(jobs->workers[i].pid, NULL, 0);
	}
	for (p = 0; p < jobs->space; p++) {
		free(jobs->findings[p].hashes);
		free(jobs->findings[p].orders);
	}
	free(jobs->findings);
	munmap(jobs->shared, sizeof(*jobs->shared));
}

int p2psim_jobs_run(struct p2psim_exploration *e, enum p2psim_strategy_kind kind, unsigned int bound)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));
	unsigned int i;
	int error = 0;

	if (!jobs)
		return -ENOMEM;
	jobs->e = e;
	jobs->kind = kind;
	jobs->bound = bound;
	jobs->count = e->options->jobs < JOBS_MAX ? e->options->jobs : JOBS_MAX;
	jobs->shared = mmap(NULL, sizeof(*jobs->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (jobs->shared == MAP_FAILED) {
		free(jobs);
		return -ENOMEM;
	}
	jobs->shared->stop = NOBODY;
	for (i = 0; i < jobs->count; i++)
		jobs->workers[i].fd = -1;
	for (i = 0; i < jobs->count && !error; i++)
		error = hire(jobs, i, NOBODY);
	if (!error)
		error = listen_to_all(jobs);
	dismiss(jobs);
	free(jobs);
	return error;
}
