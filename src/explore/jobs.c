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
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "explore/jobs.h"

#define POLL_MS 250

static int hire(struct p2psim_jobs *jobs, unsigned int i, uint64_t mine)
{
	struct p2psim_worker *worker = &jobs->workers[i];
	int fds[2];

	if (pipe(fds))
		return -errno;
	worker->ended = false;
	worker->watch = (struct p2psim_watch){};
	worker->pid = p2psim_child_fork();
	if (!worker->pid) {
		close(fds[0]);
		jobs->out = fds[1];
		jobs->place = &jobs->shared->places[i];
		p2psim_worker_run(jobs, mine);
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

static int add_hashes(struct p2psim_exploration *e, const struct p2psim_finding *finding)
{
	uint64_t i;

	for (i = 0; i < finding->message.traces + finding->message.failing; i++)
		if (p2psim_hash_set_add(i < finding->message.traces ? &e->traces : &e->failing, finding->hashes[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int add_orders(struct p2psim_exploration *e, const struct p2psim_finding *finding)
{
	uint64_t i;
	int error = 0;

	for (i = 0; i < finding->message.orders && !error; i++)
		error = p2psim_coverage_add(e->options->coverage, &finding->orders[i]);
	return error;
}

/* The next part in the order of the search is here. */
static int add_up(struct p2psim_jobs *jobs)
{
	struct p2psim_exploration *e = jobs->e;
	struct p2psim_finding *finding = &jobs->findings[jobs->added++];
	const struct p2psim_jobs_message *message = &finding->message;
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

static struct p2psim_finding *finding_of(struct p2psim_jobs *jobs, uint64_t part)
{
	size_t space = jobs->space ? jobs->space : 64;
	struct p2psim_finding *findings;

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

/* What lies in a driver that the worker has loaded lies nowhere here. */
static void make_own(struct p2psim_finding *finding)
{
	struct p2psim_violation *violation = &finding->message.result.violation;
	uint64_t i;

	violation->site = p2psim_child_site(violation->site);
	for (i = 0; finding->here && i < finding->message.orders; i++) {
		finding->orders[i].before.site = p2psim_child_site(finding->orders[i].before.site);
		finding->orders[i].after.site = p2psim_child_site(finding->orders[i].after.site);
	}
}

static int keep(struct p2psim_jobs *jobs, int fd, const struct p2psim_jobs_message *message)
{
	struct p2psim_finding *finding = finding_of(jobs, message->part);
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
	make_own(finding);
	while (!error && !jobs->stopped && jobs->added < jobs->space && jobs->findings[jobs->added].here)
		error = add_up(jobs);
	return error;
}

static int refuse(struct p2psim_jobs *jobs, const char *why)
{
	snprintf(jobs->e->result->error, sizeof(jobs->e->result->error), "%s", why);
	return -EINVAL;
}

/* A worker has died: another comes to the same place and knows. */
static int replace(struct p2psim_jobs *jobs, unsigned int i, int status)
{
	const struct p2psim_worker_place *place = &jobs->shared->places[i];
	const uint64_t hang_ms = jobs->e->options->hang_ms;
	struct p2psim_jobs_crash *crash = &jobs->crashes[jobs->crash_count];
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
	if (jobs->crash_count + 1 == P2PSIM_CRASHES_MAX) {
		jobs->stopped = jobs->e->interrupted = true;
		jobs->shared->stop = 0;
		return 0;
	}
	crash->part = place->part;
	crash->execution = place->execution;
	crash->decisions = place->at.decisions;
	crash->death.hung_ms = hang_ms && jobs->workers[i].watch.idle_ms >= hang_ms ? hang_ms : 0;
	p2psim_death_describe(&crash->death, status);
	jobs->crash_count++;
	return hire(jobs, i, crash->part);
}

/* Something can be read from a worker, be it that there is no more. */
static int listen(struct p2psim_jobs *jobs, unsigned int i)
{
	struct p2psim_worker *worker = &jobs->workers[i];
	struct p2psim_jobs_message message;
	int status = 0;

	if (get(worker->fd, &message, sizeof(message))) {
		worker->ended |= message.part == P2PSIM_NO_PART;
		return message.part == P2PSIM_NO_PART ? 0 : keep(jobs, worker->fd, &message);
	}
	close(worker->fd);
	worker->fd = -1;
	waitpid(worker->pid, &status, 0);
	return worker->ended || jobs->stopped ? 0 : replace(jobs, i, status);
}

/* Kills workers that get nowhere: they are told of as if they had died by themselves. */
static void watch_all(struct p2psim_jobs *jobs)
{
	const uint64_t now = p2psim_now_ms(), waited = now - jobs->looked_ms;
	unsigned int i;

	jobs->looked_ms = now;
	for (i = 0; i < jobs->count; i++)
		if (jobs->workers[i].fd >= 0 && p2psim_watch_hangs(&jobs->workers[i].watch, &jobs->shared->places[i].at, waited,
								   jobs->e->options->hang_ms))
			kill(jobs->workers[i].pid, SIGKILL);
}

static int patience(const struct p2psim_jobs *jobs)
{
	if (jobs->e->options->hang_ms)
		return P2PSIM_WATCH_MS;
	return jobs->e->options->on_progress ? POLL_MS : -1;
}

static int listen_to_all(struct p2psim_jobs *jobs)
{
	struct pollfd fds[P2PSIM_JOBS_MAX];
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
		if (poll(fds, jobs->count, patience(jobs)) < 0 && errno != EINTR)
			return -errno;
		watch_all(jobs);
		p2psim_progress_tell(jobs->e);
		for (i = 0; i < jobs->count && !error; i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				error = listen(jobs, i);
	}
}

/* After an error some may still run: they find nobody to write to. */
static void dismiss(struct p2psim_jobs *jobs)
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
	p2psim_child_unshare(jobs->shared, sizeof(*jobs->shared));
}

int p2psim_jobs_run(struct p2psim_exploration *e, enum p2psim_strategy_kind kind, unsigned int bound)
{
	struct p2psim_jobs *jobs = calloc(1, sizeof(*jobs));
	unsigned int i;
	int error = 0;

	if (!jobs)
		return -ENOMEM;
	jobs->e = e;
	jobs->kind = kind;
	jobs->bound = bound;
	jobs->undivided = !e->options->jobs;
	jobs->count = jobs->undivided ? 1 : e->options->jobs < P2PSIM_JOBS_MAX ? e->options->jobs : P2PSIM_JOBS_MAX;
	jobs->looked_ms = p2psim_now_ms();
	jobs->shared = p2psim_child_share(sizeof(*jobs->shared));
	if (!jobs->shared) {
		free(jobs);
		return -ENOMEM;
	}
	jobs->shared->stop = P2PSIM_NO_PART;
	e->progress.places = jobs->shared->places;
	e->progress.place_count = jobs->count;
	for (i = 0; i < jobs->count; i++)
		jobs->workers[i].fd = -1;
	for (i = 0; i < jobs->count && !error; i++)
		error = hire(jobs, i, P2PSIM_NO_PART);
	if (!error)
		error = listen_to_all(jobs);
	e->progress.places = NULL;
	dismiss(jobs);
	free(jobs);
	return error;
}
