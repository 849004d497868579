/* SPDX-License-Identifier: MIT */
/*
 * The parser: every line is one record, fields are separated by one blank.
 */
#include "cli/recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/recording_check.h"

#define WINDOW_PAGES_MAX (1ul << 16)

struct parser {
	struct recording *r;
	unsigned int line;
	bool begun;			/* a record has been there */
	struct recorded_op *op;		/* between "op" and "end" */
};

static int bad(struct parser *p, const char *what)
{
	snprintf(p->r->error, sizeof(p->r->error), "%s:%u: %s", p->r->path, p->line, what);
	return -EINVAL;
}

/* A complaint, or NULL. */
static int judge(struct parser *p, const char *complaint)
{
	return complaint ? bad(p, complaint) : 0;
}

static int add(char ***list, int *count, char *line)
{
	char **grown = realloc(*list, (size_t)(*count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[(*count)++] = line;
	return 0;
}

static int begin_op(struct parser *p, char *rest)
{
	struct recording *r = p->r;
	size_t space = r->space ? 2 * r->space : 64;
	struct recorded_op *ops, *op;
	char *word, *next = NULL;

	if (!r->window)
		return bad(p, "an operation before \"window\"");
	if (r->count == r->space) {
		ops = realloc(r->ops, space * sizeof(*ops));
		if (!ops)
			return -ENOMEM;
		r->ops = ops;
		r->space = space;
	}
	op = p->op = &r->ops[r->count++];
	memset(op, 0, sizeof(*op));
	op->line = p->line;
	for (word = strtok_r(rest, " ", &next); word; word = strtok_r(NULL, " ", &next)) {
		if (op->word_count == RECORDING_WORDS)
			return bad(p, "an operation with too many words");
		op->words[op->word_count++] = word;
	}
	return op->word_count ? judge(p, recording_check_op(op)) : bad(p, "\"op\" without an operation");
}

/* "none"; "=" is the list before, or the parent's; else one VMA more. */
static int read_vma(struct parser *p, char ***list, int *count, int *same, char *rest)
{
	const char *complaint;

	if (*same)
		return bad(p, "a VMA after \"=\"");
	if (!strcmp(rest, "none"))
		return 0;
	*same = !strcmp(rest, "=");
	if (*same)
		return *count ? bad(p, "\"=\" after a VMA") : 0;
	complaint = recording_check_vma(rest);
	return complaint ? bad(p, complaint) : add(list, count, rest);
}

static int read_event(struct parser *p, char *rest)
{
	const char *complaint = recording_check_event(rest);

	p->r->with_owners |= recording_has_owner(rest);
	return complaint ? bad(p, complaint) : add(&p->op->events, &p->op->event_count, rest);
}

/* A record that an operation has once. */
static int read_once(struct parser *p, char **field, char *rest)
{
	if (*field)
		return bad(p, "the same record twice");
	*field = rest;
	return 0;
}

static int read_pages(struct parser *p, char *rest)
{
	int error = read_once(p, &p->op->pages, rest);

	return error || !strcmp(rest, "=") ? error : judge(p, recording_check_pages(rest, p->r->window));
}

/* "0 . 64": the table of a device. */
static int read_mirror(struct parser *p, char *rest)
{
	const char *complaint = recording_check_mirror(rest, p->r->window);

	p->r->with_owners = 1;
	return complaint ? bad(p, complaint) : read_once(p, &p->op->mirrors[rest[0] - '0'], rest + 2);
}

static int read_end(struct parser *p)
{
	if (!p->op->ret)
		return bad(p, "an operation without \"ret\"");
	p->op = NULL;
	return 0;
}

static int read_answer(struct parser *p, const char *word, char *rest)
{
	struct recorded_op *op = p->op;

	if (!strcmp(word, "end"))
		return read_end(p);
	if (!*rest)
		return bad(p, "a record without fields");
	if (!strcmp(word, "ret"))
		return read_once(p, &op->ret, rest);
	if (!strcmp(word, "ev"))
		return read_event(p, rest);
	if (!strcmp(word, "vma"))
		return read_vma(p, &op->vmas, &op->vma_count, &op->vmas_same, rest);
	if (!strcmp(word, "cvma"))
		return read_vma(p, &op->child_vmas, &op->child_vma_count, &op->child_vmas_same, rest);
	if (!strcmp(word, "pg"))
		return read_pages(p, rest);
	if (!strcmp(word, "op"))
		return bad(p, "\"op\" before the \"end\" of the one before");
	return strcmp(word, "dpt") ? bad(p, "an unknown record") : read_mirror(p, rest);
}

static int read_window(struct parser *p, const char *rest)
{
	char *end;

	p->r->window = strtoul(rest, &end, 10);
	if (*rest < '0' || *rest > '9' || *end || !p->r->window || p->r->window > WINDOW_PAGES_MAX)
		return bad(p, "\"window\" needs a number of pages, 1 to 65536");
	return 0;
}

/* "file 0 10000": the next one, and its size. */
static int read_file(struct parser *p, const char *rest)
{
	struct recording *r = p->r;
	const char *size = strchr(rest, ' ');

	if (!size || size - rest != 1 || rest[0] != '0' + r->file_count || !recording_is_hex(size + 1))
		return bad(p, "files read: file 0 SIZE, file 1 SIZE ...");
	if (r->file_count == RECORDING_FILES)
		return bad(p, "more files than there can be");
	r->file_sizes[r->file_count++] = strtoul(size + 1, NULL, 16);
	return 0;
}

static int read_digit(struct parser *p, const char *rest, int most, int *value)
{
	if (rest[0] < '0' || rest[0] > '0' + most || rest[1])
		return bad(p, "a setting that there is not");
	*value = rest[0] - '0';
	return 0;
}

static int read_header(struct parser *p, const char *word, char *rest)
{
	if (!strcmp(word, "window"))
		return read_window(p, rest);
	if (!strcmp(word, "file"))
		return read_file(p, rest);
	if (!strcmp(word, "thp"))
		return read_digit(p, rest, 2, &p->r->thp);
	if (!strcmp(word, "swap")) {
		p->r->with_owners = 1;
		return read_digit(p, rest, 1, &p->r->swap);
	}
	if (!strcmp(word, "events") && !strcmp(rest, "0")) {
		p->r->without_events = 1;
		return 0;
	}
	return bad(p, "an unknown record");
}

static int read_line(struct parser *p, char *line)
{
	char *rest = strchr(line, ' ');

	if (!*line || *line == '#')
		return 0;
	p->begun = p->begun || recording_begins_with(line);
	if (rest)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
	if (!p->begun)
		return bad(p, "this is no recording: it begins with \"window\", \"file\", \"thp\", \"swap\" or \"op\"");
	if (p->op)
		return read_answer(p, line, rest);
	return strcmp(line, "op") ? read_header(p, line, rest) : begin_op(p, rest);
}

static int slurp(struct recording *r, size_t *size)
{
	FILE *file = fopen(r->path, "r");
	size_t used = 0, space = 0, n;
	char *grown;

	if (!file)
		return -errno;
	do {
		if (space - used < 4096) {
			space = space ? 2 * space : 65536;
			grown = realloc(r->text, space + 1);
			if (!grown) {
				fclose(file);
				return -ENOMEM;
			}
			r->text = grown;
		}
		n = fread(r->text + used, 1, space - used, file);
		used += n;
	} while (n);
	r->text[used] = '\0';
	n = (size_t)ferror(file);
	fclose(file);
	*size = used;
	return n ? -EIO : 0;
}

/* A NUL would end the text early, without a word. */
static int check_text(struct parser *p, size_t size)
{
	const char *at;

	p->line = 1;
	if (strlen(p->r->text) == size)
		return 0;
	for (at = p->r->text; *at; at++)
		p->line += *at == '\n';
	return bad(p, "a NUL byte: this is no text");
}

static int parse(struct parser *p)
{
	char *line = p->r->text, *next;
	int error = 0;

	p->line = 1;
	if (!*line)
		return bad(p, "this is no recording: it is empty");
	for (; *line && !error; line = next, p->line++) {
		next = line + strcspn(line, "\n");
		if (!*next && strcmp(line, "end"))
			return bad(p, "the file is cut off: its last line has no end");
		if (*next)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		error = read_line(p, line);
	}
	if (error)
		return error;
	if (p->op)
		return bad(p, "the file is cut off inside an operation");
	if (!p->r->window)
		return bad(p, "there is no \"window\"");
	return p->r->count ? 0 : bad(p, "there is no operation");
}

int recording_read(struct recording *r, const char *path)
{
	struct parser p = { .r = r };
	size_t size = 0;
	int error;

	memset(r, 0, sizeof(*r));
	r->path = path;
	r->thp = -1;
	error = slurp(r, &size);
	if (!error)
		error = check_text(&p, size);
	if (!error)
		error = parse(&p);
	if (error && !r->error[0])
		snprintf(r->error, sizeof(r->error), "%s: %s", path, strerror(-error));
	return error;
}

void recording_free(struct recording *r)
{
	size_t i;

	for (i = 0; i < r->count; i++) {
		free(r->ops[i].events);
		free(r->ops[i].vmas);
		free(r->ops[i].child_vmas);
	}
	free(r->ops);
	free(r->text);
	memset(r, 0, sizeof(*r));
}
