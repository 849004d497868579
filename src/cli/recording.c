/* SPDX-License-Identifier: MIT */
/*
 * The parser: every line is one record, fields are separated by one blank.
 */
#include "cli/recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Header lines that say nothing about how to replay, and records that only other sets have. */
static const char *const header_words[] = { "file", "swap", NULL };
static const char *const op_words[] = { "cvma", "dpt", NULL };

#define WINDOW_PAGES_MAX (1ul << 16)

struct parser {
	struct recording *r;
	unsigned int line;
	struct recorded_op *op;		/* between "op" and "end" */
};

static int bad(struct parser *p, const char *what)
{
	snprintf(p->r->error, sizeof(p->r->error), "%s:%u: %s", p->r->path, p->line, what);
	return -EINVAL;
}

static int is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return 1;
	return 0;
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
	char *word;

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
	for (word = strtok(rest, " "); word; word = strtok(NULL, " ")) {
		if (op->word_count == RECORDING_WORDS)
			return bad(p, "an operation with too many words");
		op->words[op->word_count++] = word;
	}
	return op->word_count ? 0 : bad(p, "\"op\" without an operation");
}

static int read_vma(struct parser *p, char *rest)
{
	if (!strcmp(rest, "none"))
		return 0;
	if (!strcmp(rest, "=")) {
		p->op->vmas_same = 1;
		return 0;
	}
	return add(&p->op->vmas, &p->op->vma_count, rest);
}

static int read_answer(struct parser *p, const char *word, char *rest)
{
	if (!strcmp(word, "end")) {
		if (!p->op->ret)
			return bad(p, "an operation without \"ret\"");
		p->op = NULL;
		return 0;
	}
	if (!*rest)
		return bad(p, "a record without fields");
	if (!strcmp(word, "ret"))
		p->op->ret = rest;
	else if (!strcmp(word, "ev"))
		return add(&p->op->events, &p->op->event_count, rest);
	else if (!strcmp(word, "vma"))
		return read_vma(p, rest);
	else if (!strcmp(word, "pg"))
		p->op->pages = rest;
	else if (!is_one_of(word, op_words))
		return bad(p, strcmp(word, "op") ? "an unknown record" : "\"op\" before the \"end\" of the one before");
	return 0;
}

static int read_window(struct parser *p, const char *rest)
{
	char *end;

	p->r->window = strtoul(rest, &end, 10);
	if (*rest < '0' || *rest > '9' || *end || !p->r->window || p->r->window > WINDOW_PAGES_MAX)
		return bad(p, "\"window\" needs a number of pages, 1 to 65536");
	return 0;
}

static int read_header(struct parser *p, const char *word, char *rest)
{
	if (!strcmp(word, "window"))
		return read_window(p, rest);
	if (!strcmp(word, "thp")) {
		p->r->thp = atoi(rest);
		return 0;
	}
	return is_one_of(word, header_words) ? 0 : bad(p, "an unknown record");
}

static int read_line(struct parser *p, char *line)
{
	char *rest = strchr(line, ' ');

	if (!*line || *line == '#')
		return 0;
	if (rest)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
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
	if (strncmp(line, "# mmtruth 1", 11))
		return bad(p, "this is no recording: its first line must begin with \"# mmtruth 1\"");
	for (; line && *line && !error; line = next, p->line++) {
		next = strchr(line, '\n');
		if (!next)
			return bad(p, "the file is cut off: its last line has no end");
		*next++ = '\0';
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
	}
	free(r->ops);
	free(r->text);
	memset(r, 0, sizeof(*r));
}
