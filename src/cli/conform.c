/* SPDX-License-Identifier: MIT */
/*
 * conform: replays recordings of a real kernel and compares the answers.
 *
 * Per operation: the result, the notifier callbacks (without 'ev R', which are not stable from run to run), the VMAs,
 * the page-table entries.  From the first operation on that is not supported, the rest of the file counts as unsupported.
 * After a mismatch the simulated state is no longer the recorded one: the file ends there too, its rest counted apart.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/internal.h"
#include "cli/replayer.h"

#define VERBS_MAX 64
#define SIDE_WIDTH 40		/* of a side: the whole table fits in 100 columns */

struct tally {
	unsigned long ops, mismatches, unsupported, files, whole;
	unsigned long verb_count[VERBS_MAX];
	char verb_text[VERBS_MAX][24];
	int verbs;
	int limit;		/* files, 0 = all */
	bool explain, malformed;
};

/* What the recording says stays so until it says otherwise. */
struct expected {
	char **vmas;
	int vma_count;
	const char *pages;	/* NULL: not said yet */
	char empty[24];		/* a window without pages: ". 64" */
};

static void count_verb(struct tally *tally, const char *name)
{
	int i;

	for (i = 0; i < tally->verbs && strcmp(tally->verb_text[i], name); i++)
		;
	if (i == VERBS_MAX)
		return;
	if (i == tally->verbs)
		snprintf(tally->verb_text[tally->verbs++], sizeof(tally->verb_text[0]), "%s", name);
	tally->verb_count[i]++;
}

static bool is_stable(const char *event)
{
	return event[0] != 'R';
}

static bool events_agree(const struct recorded_op *op, const struct answer *answer)
{
	int i, given = 0;

	for (i = 0; i < op->event_count; i++) {
		if (!is_stable(op->events[i]))
			continue;
		if (given == answer->event_count || strcmp(op->events[i], answer->events[given++]))
			return false;
	}
	return given == answer->event_count;
}

static bool vmas_agree(const struct expected *expected, const struct answer *answer)
{
	int i;

	for (i = 0; i < expected->vma_count; i++)
		if (i == answer->vma_count || strcmp(expected->vmas[i], answer->vmas[i]))
			return false;
	return i == answer->vma_count;
}

static void follow(struct expected *expected, const struct recorded_op *op)
{
	if (!op->vmas_same) {
		expected->vmas = op->vmas;
		expected->vma_count = op->vma_count;
	}
	if (op->pages && strcmp(op->pages, "="))
		expected->pages = op->pages;
	else if (op->pages && !expected->pages)
		expected->pages = expected->empty;
}

/* How many characters of `text` go on a line of a side: up to a blank, if there is one. */
static int piece(const char *text)
{
	int at;

	if (strlen(text) <= SIDE_WIDTH)
		return (int)strlen(text);
	for (at = SIDE_WIDTH; at > SIDE_WIDTH / 2; at--)
		if (text[at] == ' ')
			return at;
	return SIDE_WIDTH;
}

static const char *behind(const char *text, int length)
{
	text += length;
	return text + strspn(text, " ");
}

/* Two texts side by side, wrapped if they are long; NULL: there is none. */
static void put_pair(const char *what, const char *recorded, const char *given)
{
	const char *left = recorded ? recorded : "-", *right = given ? given : "-";
	const char *mark = recorded && given && !strcmp(recorded, given) ? "" : "   <==";

	do {
		int left_length = piece(left), right_length = piece(right);

		printf("    %-4s %-*.*s |%s%.*s%s\n", what, SIDE_WIDTH, left_length, left, right_length ? " " : "",
		       right_length, right, mark);
		left = behind(left, left_length);
		right = behind(right, right_length);
		what = mark = "";
	} while (*left || *right);
}

static void put_events(const struct recorded_op *op, const struct answer *answer)
{
	int i, given = 0;

	for (i = 0; i < op->event_count; i++)
		if (is_stable(op->events[i]))
			put_pair("ev", op->events[i], given < answer->event_count ? answer->events[given++] : NULL);
	while (given < answer->event_count)
		put_pair("ev", NULL, answer->events[given++]);
}

static void put_difference(const struct recording *recording, const struct recorded_op *op,
			   const struct expected *expected, const struct answer *answer, bool explain)
{
	int i;

	printf("%s:%u:", recording->path, op->line);
	for (i = 0; i < op->word_count; i++)
		printf(" %s", op->words[i]);
	printf("\n    %-4s %-*s | simulated\n", "", SIDE_WIDTH, "recorded");
	if (explain || strcmp(op->ret, answer->ret))
		put_pair("ret", op->ret, answer->ret);
	if (explain || !events_agree(op, answer))
		put_events(op, answer);
	if (!strcmp(op->words[0], "exit"))
		return;
	if (explain || !vmas_agree(expected, answer))
		for (i = 0; i < expected->vma_count || i < answer->vma_count; i++)
			put_pair("vma", i < expected->vma_count ? expected->vmas[i] : NULL,
				 i < answer->vma_count ? answer->vmas[i] : NULL);
	if (expected->pages && (explain || strcmp(expected->pages, answer->pages)))
		put_pair("pg", expected->pages, answer->pages);
}

static bool agrees(const struct recorded_op *op, const struct expected *expected, const struct answer *answer)
{
	if (strcmp(op->ret, answer->ret) || !events_agree(op, answer))
		return false;
	if (!strcmp(op->words[0], "exit"))
		return true;
	return vmas_agree(expected, answer) && (!expected->pages || !strcmp(expected->pages, answer->pages));
}

/* Returns how many operations agreed; the rest is counted by the caller. */
static size_t replay_ops(struct tally *tally, struct replayer *replayer, const struct recording *recording,
			 struct answer *answer)
{
	struct expected expected = {};
	size_t i;

	snprintf(expected.empty, sizeof(expected.empty), ". %lu", recording->window);
	for (i = 0; i < recording->count; i++) {
		const struct recorded_op *op = &recording->ops[i];

		if (!replayer_supports(op)) {
			count_verb(tally, op->words[0]);
			tally->unsupported += recording->count - i;
			return i;
		}
		replayer_do(replayer, op, answer);
		follow(&expected, op);
		tally->ops++;
		if (agrees(op, &expected, answer))
			continue;
		tally->mismatches++;
		put_difference(recording, op, &expected, answer, tally->explain);
		return i;
	}
	tally->whole++;
	return i;
}

static int replay(struct tally *tally, const struct recording *recording)
{
	struct answer *answer;
	struct replayer *replayer;
	int error;

	if (recording->thp > 0) { /* huge pages change what every operation answers */
		count_verb(tally, "(huge pages)");
		tally->unsupported += recording->count;
		return 0;
	}
	answer = calloc(1, sizeof(*answer));
	replayer = calloc(1, sizeof(*replayer));
	error = answer && replayer ? replayer_begin(replayer, recording->window) : -ENOMEM;

	if (!error) {
		replay_ops(tally, replayer, recording, answer);
		replayer_end(replayer);
	}
	free(replayer);
	free(answer);
	return error;
}

/* A file that cannot be read or is malformed is told of; the others still run.  0 or -ENOMEM. */
static int conform_file(struct tally *tally, const char *path)
{
	struct recording recording;
	int error;

	if (tally->limit && tally->files == (unsigned long)tally->limit)
		return 0;
	error = recording_read(&recording, path);
	if (!error) {
		tally->files++;
		error = replay(tally, &recording);
		if (error)
			cli_say(CLI_INTERNAL, "%s: %s", path, strerror(-error));
	} else if (error != -ENOMEM) {
		cli_say(CLI_USAGE, "%s", recording.error);
		tally->malformed = true;
		error = 0;
	}
	recording_free(&recording);
	return error;
}

static int is_recording(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 4 && !strcmp(entry->d_name + length - 4, ".txt") && strncmp(entry->d_name, "FORMAT", 6);
}

static int conform_path(struct tally *tally, const char *path);

static int conform_directory(struct tally *tally, const char *path)
{
	struct dirent **entries;
	char child[4096];
	int i, count = scandir(path, &entries, is_recording, alphasort), error = 0;

	if (count <= 0) {
		cli_say(CLI_USAGE, "%s: %s", path, count ? strerror(errno) : "a folder without recordings (*.txt)");
		tally->malformed = true;
	}
	for (i = 0; i < count; i++) {
		snprintf(child, sizeof(child), "%s/%s", path, entries[i]->d_name);
		if (!error)
			error = conform_path(tally, child);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return error;
}

static int conform_path(struct tally *tally, const char *path)
{
	struct stat stat_buf;

	if (stat(path, &stat_buf)) {
		tally->malformed = true;
		cli_say(CLI_USAGE, "%s: %s", path, strerror(errno));
		return 0;
	}
	return S_ISDIR(stat_buf.st_mode) ? conform_directory(tally, path) : conform_file(tally, path);
}

static void put_totals(const struct tally *tally)
{
	int i;

	printf("files %lu, of which %lu replayed whole\n", tally->files, tally->whole);
	for (i = 0; i < tally->verbs; i++)
		printf("%s%s %lu", !i ? "first unsupported: " : i % 8 ? ", " : ",\n    ", tally->verb_text[i],
		       tally->verb_count[i]);
	if (tally->verbs)
		putchar('\n');
	printf("ops %lu mismatches %lu unsupported %lu\n", tally->ops, tally->mismatches, tally->unsupported);
}

int cli_conform(struct cli *cli)
{
	struct tally tally = { .limit = cli->first, .explain = cli->explain };
	int i, error = 0;

	if (!cli->arg_count)
		return cli_say(CLI_USAGE, "conform takes recordings, or folders of them");
	if (cli->first < 0)
		return cli_say(CLI_USAGE, "--first takes a number of files");
	for (i = 0; i < cli->arg_count && !error; i++)
		error = conform_path(&tally, cli->args[i]);
	if (error)
		return CLI_INTERNAL;
	put_totals(&tally);
	if (tally.malformed)
		return CLI_USAGE;
	return tally.mismatches ? CLI_SURPRISE : CLI_OK;
}
