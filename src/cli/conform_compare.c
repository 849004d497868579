/* SPDX-License-Identifier: MIT */
/*
 * Comparing an operation's answers, and showing in two halves of a line what differs.
 */
#include "cli/conform_compare.h"

#include <string.h>

#define SIDE_WIDTH 40		/* of a side: the whole table fits in 100 columns */

void conform_expect_nothing(struct expected *expected, const struct recording *recording)
{
	memset(expected, 0, sizeof(*expected));
	snprintf(expected->empty, sizeof(expected->empty), ". %lu", recording->window);
	expected->any_events = recording->without_events;
}

/* After an operation that names no device at all they may have been closed, or not have been looked at. */
static bool looks_at_mirrors(const struct recorded_op *op)
{
	return strcmp(op->words[0], "pvr") && strcmp(op->words[0], "pvw") && strcmp(op->words[0], "exit");
}

static void follow_mirrors(struct expected *expected, const struct recorded_op *op)
{
	int i;

	expected->any_mirrors = !looks_at_mirrors(op);
	for (i = 0; i < RECORDING_MIRRORS && !expected->any_mirrors; i++) {
		if (!op->mirrors[i])
			expected->mirrors[i] = NULL;
		else if (strcmp(op->mirrors[i], "="))
			expected->mirrors[i] = op->mirrors[i];
		else if (!expected->mirrors[i])
			expected->mirrors[i] = expected->empty;
	}
}

void conform_follow(struct expected *expected, const struct recorded_op *op)
{
	follow_mirrors(expected, op);
	if (!op->vmas_same) {
		expected->vmas = op->vmas;
		expected->vma_count = op->vma_count;
	}
	if (op->pages && strcmp(op->pages, "="))
		expected->pages = op->pages;
	else if (op->pages && !expected->pages)
		expected->pages = expected->empty;
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

/* A list of VMAs: as recorded, or as answered. */
static bool lists_agree(char **recorded, int count, char given[][ANSWER_LINE], int given_count)
{
	int i;

	for (i = 0; i < count; i++)
		if (i == given_count || strcmp(recorded[i], given[i]))
			return false;
	return i == given_count;
}

static bool vmas_agree(const struct expected *expected, const struct answer *answer)
{
	return lists_agree(expected->vmas, expected->vma_count, (char(*)[ANSWER_LINE])answer->vmas, answer->vma_count);
}

/* What the child of a fork is to have: `*count` of them. */
static char **child_vmas(const struct recorded_op *op, const struct expected *expected, int *count)
{
	*count = op->child_vmas_same ? expected->vma_count : op->child_vma_count;
	return op->child_vmas_same ? expected->vmas : op->child_vmas;
}

static bool children_agree(const struct recorded_op *op, const struct expected *expected, const struct answer *answer)
{
	int count;
	char **vmas = child_vmas(op, expected, &count);

	return strcmp(op->words[0], "fork") ||
	       lists_agree(vmas, count, (char(*)[ANSWER_LINE])answer->child_vmas, answer->child_vma_count);
}

/* Of one device: "" is what a closed one has. */
static bool mirror_agrees(const struct expected *expected, const struct answer *answer, int i)
{
	return expected->any_mirrors || !strcmp(expected->mirrors[i] ? expected->mirrors[i] : "", answer->mirrors[i]);
}

static bool mirrors_agree(const struct expected *expected, const struct answer *answer)
{
	int i;

	for (i = 0; i < RECORDING_MIRRORS; i++)
		if (!mirror_agrees(expected, answer, i))
			return false;
	return true;
}

bool conform_agrees(const struct recorded_op *op, const struct expected *expected, const struct answer *answer)
{
	if (answer->violation[0] || strcmp(op->ret, answer->ret) || !(expected->any_events || events_agree(op, answer)))
		return false;
	if (!strcmp(op->words[0], "exit"))
		return true;
	return vmas_agree(expected, answer) && children_agree(op, expected, answer) &&
	       (!expected->pages || !strcmp(expected->pages, answer->pages)) && mirrors_agree(expected, answer);
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
static void put_pair(FILE *out, const char *what, const char *recorded, const char *given)
{
	const char *left = recorded ? recorded : "-", *right = given ? given : "-";
	const char *mark = recorded && given && !strcmp(recorded, given) ? "" : "   <==";

	do {
		int left_length = piece(left), right_length = piece(right);

		fprintf(out, "    %-4s %-*.*s |%s%.*s%s\n", what, SIDE_WIDTH, left_length, left, right_length ? " " : "",
		       right_length, right, mark);
		left = behind(left, left_length);
		right = behind(right, right_length);
		what = mark = "";
	} while (*left || *right);
}

static void put_events(FILE *out, const struct recorded_op *op, const struct answer *answer)
{
	int i, given = 0;

	for (i = 0; i < op->event_count; i++)
		if (is_stable(op->events[i]))
			put_pair(out, "ev", op->events[i], given < answer->event_count ? answer->events[given++] : NULL);
	while (given < answer->event_count)
		put_pair(out, "ev", NULL, answer->events[given++]);
}

static void put_vmas(FILE *out, const char *what, char **recorded, int count, char given[][ANSWER_LINE], int given_count)
{
	int i;

	for (i = 0; i < count || i < given_count; i++)
		put_pair(out, what, i < count ? recorded[i] : NULL, i < given_count ? given[i] : NULL);
}

/* Sections of the semantics reference: of the result, by verb; the others are the same for all. */
static const struct {
	const char *verb, *section;
} sections[] = {
	{ "mmap", "1.4" },	{ "munmap", "1.5" },	{ "mprotect", "1.6" },	{ "mremap", "1.7" },	{ "madvise", "1.8" },
	{ "fork", "1.9" },	{ "exit", "1.10" },	{ "cexit", "1.10" },	{ "rd", "2.2" },	{ "wr", "2.2" },
	{ "rdr", "2.2" },	{ "wrr", "2.2" },	{ "cr", "2.2" },	{ "cw", "2.2" },	{ "hmm", "4.5" },
	{ "excl", "7" },	{ "migr", "7" },	{ "gup", "6.1" },	{ "pvr", "6.1" },	{ "pvw", "6.1" },
	{ "forcew", "6.1" },	{ "dmig", "7.2, 8.1" },	{ "dsys", "7.2, 8.1" },	{ "cdmig", "7.2, 8.1" },
	{ "cdsys", "7.2, 8.1" }, { "drel", "7.6, 8.1" }, { "dclose", "7.6, 8.1" }, { "dexcl", "4.7, 8.1" },
	{ "dread", "4.5, 8.1" }, { "dwrite", "4.5, 8.1" }, { "dsnap", "4.5, 8.1" }, { "dopen", "8.1" },
	{ "dchk", "8.1" },	{ NULL, "1, 2" },
};

static void put_sections(FILE *out, const struct recorded_op *op)
{
	int i;

	for (i = 0; sections[i].verb && strcmp(sections[i].verb, op->words[0]); i++)
		;
	fprintf(out, "    rules: result %s, events 3.4, VMAs 1.12, entries 2.1 and 2.3\n", sections[i].section);
}

static void put_mirrors(FILE *out, const struct expected *expected, const struct answer *answer, bool explain)
{
	char what[8];
	int i;

	for (i = 0; i < RECORDING_MIRRORS; i++) {
		snprintf(what, sizeof(what), "dp%d", i);
		if (!mirror_agrees(expected, answer, i) || (explain && expected->mirrors[i]))
			put_pair(out, what, expected->mirrors[i], answer->mirrors[i][0] ? answer->mirrors[i] : NULL);
	}
}

void conform_put_difference(FILE *out, const struct recording *recording, const struct recorded_op *op,
			    const struct expected *expected, const struct answer *answer, bool explain)
{
	char **vmas;
	int i, count;

	fprintf(out, "%s:%u:", recording->path, op->line);
	for (i = 0; i < op->word_count; i++)
		fprintf(out, " %s", op->words[i]);
	fprintf(out, "\n    %-4s %-*s | simulated\n", "", SIDE_WIDTH, "recorded");
	if (explain)
		put_sections(out, op);
	if (answer->violation[0])
		put_pair(out, "", NULL, answer->violation);
	if (explain || strcmp(op->ret, answer->ret))
		put_pair(out, "ret", op->ret, answer->ret);
	if (!expected->any_events && (explain || !events_agree(op, answer)))
		put_events(out, op, answer);
	if (!strcmp(op->words[0], "exit"))
		return;
	if (explain || !vmas_agree(expected, answer))
		put_vmas(out, "vma", expected->vmas, expected->vma_count, (char(*)[ANSWER_LINE])answer->vmas,
			 answer->vma_count);
	if (!children_agree(op, expected, answer)) {
		vmas = child_vmas(op, expected, &count);
		put_vmas(out, "cvma", vmas, count, (char(*)[ANSWER_LINE])answer->child_vmas, answer->child_vma_count);
	}
	if (expected->pages && (explain || strcmp(expected->pages, answer->pages)))
		put_pair(out, "pg", expected->pages, answer->pages);
	put_mirrors(out, expected, answer, explain);
}
