/* SPDX-License-Identifier: MIT */
/*
 * conform: replays recordings of a real kernel and compares the answers.
 *
 * From the first operation on that is not supported, the rest of a file counts as unsupported.  After a mismatch the
 * simulated state is no longer the recorded one: the file ends there too, its rest counted apart.  Threads take one file
 * after the other, each in a world of its own; what they have to say is printed in the order of the files.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/conform_compare.h"
#include "cli/internal.h"
#include "cli/recording_paths.h"

#define VERBS_MAX 64
#define JOBS_MAX 64

/* What became of one file. */
struct outcome {
	const char *path;
	char *text;			/* differences, or NULL */
	char complaint[300];		/* it cannot be read, or is malformed */
	int error;			/* -ENOMEM */
	unsigned long ops, mismatches, unsupported;
	char first_unsupported[24];	/* verb */
	bool whole, done;
};

struct batch {
	struct outcome *files;
	size_t count;
	bool explain, progress, refused;
	atomic_size_t next;
	pthread_mutex_t lock;		/* of `done` */
	pthread_cond_t some_done;
};

/* ---- one file ---- */

static void replay_ops(struct outcome *outcome, FILE *out, struct replayer *replayer, const struct recording *recording,
		       struct answer *answer, bool explain)
{
	struct expected expected;
	size_t i;

	conform_expect_nothing(&expected, recording);
	for (i = 0; i < recording->count; i++) {
		const struct recorded_op *op = &recording->ops[i];

		if (!replayer_supports(op)) {
			snprintf(outcome->first_unsupported, sizeof(outcome->first_unsupported), "%s", op->words[0]);
			outcome->unsupported += recording->count - i;
			return;
		}
		replayer_do(replayer, op, answer);
		conform_follow(&expected, op);
		outcome->ops++;
		if (conform_agrees(op, &expected, answer))
			continue;
		outcome->mismatches++;
		conform_put_difference(out, recording, op, &expected, answer, explain);
		return;
	}
	outcome->whole = true;
}

static int replay(struct outcome *outcome, FILE *out, const struct recording *recording, bool explain)
{
	struct answer *answer;
	struct replayer *replayer;
	const char *left_over;
	int error;

	answer = calloc(1, sizeof(*answer));
	replayer = calloc(1, sizeof(*replayer));
	error = answer && replayer ? replayer_begin(replayer, recording) : -ENOMEM;
	if (!error)
		replay_ops(outcome, out, replayer, recording, answer, explain);
	left_over = replayer ? replayer_end(replayer) : NULL;
	if (left_over && !error) {
		outcome->mismatches++;
		fprintf(out, "%s: at the end: %s\n", recording->path, left_over);
	}
	free(replayer);
	free(answer);
	return error;
}

static void conform_file(struct outcome *outcome, bool explain)
{
	struct recording recording;
	size_t size;
	FILE *out = open_memstream(&outcome->text, &size);

	outcome->error = recording_read(&recording, outcome->path);
	if (!outcome->error)
		outcome->error = out ? replay(outcome, out, &recording, explain) : -ENOMEM;
	else if (outcome->error != -ENOMEM)
		snprintf(outcome->complaint, sizeof(outcome->complaint), "%s", recording.error);
	recording_free(&recording);
	if (out)
		fclose(out);
}

/* ---- many ---- */

static void *worker(void *arg)
{
	struct batch *batch = arg;
	size_t i;

	while ((i = atomic_fetch_add(&batch->next, 1)) < batch->count) {
		conform_file(&batch->files[i], batch->explain);
		pthread_mutex_lock(&batch->lock);
		batch->files[i].done = true;
		pthread_cond_signal(&batch->some_done);
		pthread_mutex_unlock(&batch->lock);
	}
	return NULL;
}

static void wait_for(struct batch *batch, size_t i)
{
	pthread_mutex_lock(&batch->lock);
	while (!batch->files[i].done)
		pthread_cond_wait(&batch->some_done, &batch->lock);
	pthread_mutex_unlock(&batch->lock);
}

static void put_progress(const struct batch *batch, size_t done)
{
	if (batch->progress)
		fprintf(stderr, "\r%zu of %zu files%s", done, batch->count, done == batch->count ? "\n" : "");
}

static void put_outcome(struct batch *batch, size_t i)
{
	struct outcome *outcome = &batch->files[i];

	if (outcome->text && *outcome->text)
		fputs(outcome->text, stdout);
	if (outcome->complaint[0]) {
		cli_say(CLI_USAGE, "%s", outcome->complaint);
		batch->refused = true;
	} else if (outcome->error) {
		cli_say(CLI_INTERNAL, "%s: %s", outcome->path, strerror(-outcome->error));
	}
	put_progress(batch, i + 1);
}

/* Starts as many threads as there are to be had; without one this thread does it all. */
static void run_batch(struct batch *batch, int jobs)
{
	pthread_t threads[JOBS_MAX];
	size_t i;
	int started = 0;

	while (started < jobs && !pthread_create(&threads[started], NULL, worker, batch))
		started++;
	if (!started)
		worker(batch);
	for (i = 0; i < batch->count; i++) {
		wait_for(batch, i);
		put_outcome(batch, i);
	}
	while (started--)
		pthread_join(threads[started], NULL);
}

/* ---- totals ---- */

struct totals {
	unsigned long ops, mismatches, unsupported, files, whole;
	int error;
	struct {
		const char *name;
		unsigned long count;
	} verbs[VERBS_MAX];
	int verb_count;
};

static void count_verb(struct totals *totals, const char *name)
{
	int i;

	for (i = 0; i < totals->verb_count && strcmp(totals->verbs[i].name, name); i++)
		;
	if (i == VERBS_MAX)
		return;
	totals->verbs[i].name = name;
	totals->verbs[i].count++;
	totals->verb_count += i == totals->verb_count;
}

static void add_up(struct totals *totals, const struct batch *batch)
{
	const struct outcome *outcome;

	for (outcome = batch->files; outcome < batch->files + batch->count; outcome++) {
		totals->files += !outcome->complaint[0];
		totals->error = outcome->error && !outcome->complaint[0] ? outcome->error : totals->error;
		totals->ops += outcome->ops;
		totals->mismatches += outcome->mismatches;
		totals->unsupported += outcome->unsupported;
		totals->whole += outcome->whole;
		if (outcome->first_unsupported[0])
			count_verb(totals, outcome->first_unsupported);
	}
}

static void put_totals(const struct totals *totals)
{
	int i;

	printf("files %lu, of which %lu replayed whole\n", totals->files, totals->whole);
	for (i = 0; i < totals->verb_count; i++)
		printf("%s%s %lu", !i ? "first unsupported: " : i % 8 ? ", " : ",\n    ", totals->verbs[i].name,
		       totals->verbs[i].count);
	if (totals->verb_count)
		putchar('\n');
	printf("ops %lu mismatches %lu unsupported %lu\n", totals->ops, totals->mismatches, totals->unsupported);
}

static int conform_batch(struct cli *cli, struct batch *batch)
{
	struct totals totals = {};
	int jobs = cli->jobs ? cli->jobs : (int)sysconf(_SC_NPROCESSORS_ONLN);

	run_batch(batch, jobs < JOBS_MAX ? jobs : JOBS_MAX);
	add_up(&totals, batch);
	put_totals(&totals);
	if (totals.error)
		return CLI_INTERNAL;
	if (batch->refused)
		return CLI_USAGE;
	return totals.mismatches ? CLI_SURPRISE : CLI_OK;
}

static int conform_paths(struct cli *cli, const struct recording_paths *paths)
{
	struct batch batch = {
		.explain = cli->explain,
		.refused = paths->refused,
		.progress = cli->progress || isatty(STDERR_FILENO),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.some_done = PTHREAD_COND_INITIALIZER,
	};
	size_t i;
	int status;

	if (paths->left_out)
		cli_say(CLI_OK, "%zu files in folders are no recordings: left out", paths->left_out);
	batch.count = cli->first && (size_t)cli->first < paths->count ? (size_t)cli->first : paths->count;
	batch.files = calloc(batch.count + 1, sizeof(*batch.files));
	if (!batch.files)
		return cli_say(CLI_INTERNAL, "%s", strerror(ENOMEM));
	for (i = 0; i < batch.count; i++)
		batch.files[i].path = paths->files[i];
	status = conform_batch(cli, &batch);
	for (i = 0; i < batch.count; i++)
		free(batch.files[i].text);
	free(batch.files);
	return status;
}

int cli_conform(struct cli *cli)
{
	struct recording_paths paths = { .only = cli->file };
	int i, error = 0, status;

	if (!cli->arg_count)
		return cli_say(CLI_USAGE, "conform takes recordings, or folders of them");
	if (cli->first < 0)
		return cli_say(CLI_USAGE, "--first takes a number of files");
	if (cli->jobs < 0)
		return cli_say(CLI_USAGE, "--jobs takes a number of threads");
	for (i = 0; i < cli->arg_count && !error; i++)
		error = recording_paths_add(&paths, cli->args[i]);
	if (error)
		status = cli_say(CLI_INTERNAL, "%s", strerror(-error));
	else if (paths.only && !paths.count)
		status = cli_say(CLI_USAGE, "no recording is called %s", paths.only);
	else
		status = conform_paths(cli, &paths);
	recording_paths_free(&paths);
	return status;
}
