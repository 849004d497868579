/* SPDX-License-Identifier: MIT */
/*
 * The parser of litmus programs: one item a line, tokens separated by blanks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/litmus.h"

#define WORDS 32

struct parser {
	struct litmus *program;
	unsigned int line;
	struct litmus_thread *thread;	/* between "thread" and "end" */
	char *word[WORDS];
	int words;
};

static int bad(struct parser *p, const char *what)
{
	snprintf(p->program->error, sizeof(p->program->error), "%s:%u: %s", p->program->path, p->line, what);
	return -EINVAL;
}

static int find(char names[][32], int count, const char *name)
{
	while (count--)
		if (!strcmp(names[count], name))
			return count;
	return -1;
}

static bool is_register(const char *word)
{
	return word[0] == 'r' && word[1] >= '0' && word[1] < '0' + LITMUS_REGISTERS && !word[2];
}

static bool read_number(const char *word, long *value)
{
	char *end;

	errno = 0;
	*value = strtol(word, &end, 10);
	return *word && !*end && !errno;
}

static bool read_operand(const char *word, struct litmus_operand *operand)
{
	operand->is_register = is_register(word);
	if (operand->is_register)
		operand->reg = word[1] - '0';
	return operand->is_register || read_number(word, &operand->value);
}

static bool read_comparison(const char *word, bool *equal)
{
	*equal = !strcmp(word, "==");
	return *equal || !strcmp(word, "!=");
}

static int declare(struct parser *p, char names[][32], int *count)
{
	if (p->words < 2 || strlen(p->word[1]) > 31)
		return bad(p, "a declaration without a name, or with one that is too long");
	if (*count == LITMUS_OBJECTS)
		return bad(p, "more than 8 objects of a kind");
	if (find(names, *count, p->word[1]) >= 0)
		return bad(p, "declared twice");
	strcpy(names[(*count)++], p->word[1]);
	return 0;
}

static int read_var(struct parser *p)
{
	struct litmus *program = p->program;
	int error = declare(p, program->vars, &program->var_count);

	if (error)
		return error;
	if (p->words != 3 || !read_number(p->word[2], &program->initial[program->var_count - 1]))
		return bad(p, "var NAME INTEGER");
	return 0;
}

static int begin_thread(struct parser *p)
{
	struct litmus *program = p->program;

	if (p->words != 2 || strlen(p->word[1]) > 31)
		return bad(p, "thread NAME");
	if (program->thread_count == LITMUS_THREADS)
		return bad(p, "more than 8 threads");
	p->thread = &program->threads[program->thread_count++];
	strcpy(p->thread->name, p->word[1]);
	return 0;
}

/* LHS CMP INT of a final line; LHS a variable or THREAD.rN. */
static bool read_term(struct parser *p, char **word, struct litmus_term *term)
{
	struct litmus *program = p->program;
	char *dot = strchr(word[0], '.');
	int t;

	if (!read_comparison(word[1], &term->equal) || !read_number(word[2], &term->value))
		return false;
	term->is_register = dot != NULL;
	if (!dot) {
		term->object = find(program->vars, program->var_count, word[0]);
		return term->object >= 0;
	}
	*dot = '\0';
	for (t = program->thread_count; t-- && strcmp(program->threads[t].name, word[0]);)
		;
	term->thread = t;
	term->object = is_register(dot + 1) ? dot[2] - '0' : -1;
	return t >= 0 && term->object >= 0;
}

static int read_final(struct parser *p)
{
	struct litmus_final *final = &p->program->finals[p->program->final_count];
	int at = 1;

	if (p->program->final_count == LITMUS_LINES)
		return bad(p, "too many final lines");
	for (;;) {
		if (final->count == LITMUS_TERMS || at + 3 > p->words || !read_term(p, &p->word[at], &final->terms[final->count]))
			return bad(p, "final LHS CMP INT [or LHS CMP INT]...");
		final->count++;
		at += 3;
		if (at == p->words)
			break;
		if (strcmp(p->word[at++], "or"))
			return bad(p, "terms of a final line are joined by \"or\"");
	}
	p->program->final_count++;
	return 0;
}

static int read_expect(struct parser *p)
{
	struct litmus_expect *expect = &p->program->expects[p->program->expect_count];

	if (p->program->expect_count == LITMUS_LINES)
		return bad(p, "too many expect lines");
	if (p->words < 3 || p->words > 4 || strlen(p->word[1]) > 31)
		return bad(p, "expect WHAT VALUE");
	strcpy(expect->what, p->word[1]);
	snprintf(expect->value, sizeof(expect->value), "%s%s%s", p->word[2], p->words == 4 ? " " : "",
		 p->words == 4 ? p->word[3] : "");
	expect->line = p->line;
	p->program->expect_count++;
	return 0;
}

static int read_header(struct parser *p)
{
	struct litmus *program = p->program;
	const char *word = p->word[0];

	if (!strcmp(word, "program") && p->words == 2) {
		snprintf(program->name, sizeof(program->name), "%s", p->word[1]);
		return 0;
	}
	if (!strcmp(word, "kind") || !strcmp(word, "features") || !strcmp(word, "note"))
		return 0;
	if (!strcmp(word, "var"))
		return read_var(p);
	if (!strcmp(word, "lock"))
		return declare(p, program->locks, &program->lock_count);
	if (!strcmp(word, "rwlock"))
		return declare(p, program->rwlocks, &program->rwlock_count);
	if (!strcmp(word, "thread"))
		return begin_thread(p);
	if (!strcmp(word, "final"))
		return read_final(p);
	return strcmp(word, "expect") ? bad(p, "an unknown item") : read_expect(p);
}

/* VERB OBJECT */
static int read_lock_op(struct parser *p, struct litmus_op *op)
{
	static const struct {
		const char *name;
		enum litmus_verb verb;
	} verbs[] = { { "lock", LITMUS_LOCK },	     { "unlock", LITMUS_UNLOCK },   { "rdlock", LITMUS_RDLOCK },
		      { "rdunlock", LITMUS_RDUNLOCK }, { "wrlock", LITMUS_WRLOCK }, { "wrunlock", LITMUS_WRUNLOCK } };
	struct litmus *program = p->program;
	int i;

	for (i = 0; i < 6 && strcmp(verbs[i].name, p->word[0]); i++)
		;
	if (i == 6)
		return bad(p, "an unknown operation");
	op->verb = verbs[i].verb;
	op->object = p->words != 2 ? -1 :
		     i < 2	   ? find(program->locks, program->lock_count, p->word[1]) :
				     find(program->rwlocks, program->rwlock_count, p->word[1]);
	return op->object >= 0 ? 0 : bad(p, "which lock?");
}

/* ifeq rN OPND skip K */
static int read_branch(struct parser *p, struct litmus_op *op)
{
	long skip;

	op->verb = p->word[0][2] == 'e' ? LITMUS_IFEQ : LITMUS_IFNE;
	if (p->words != 5 || !is_register(p->word[1]) || !read_operand(p->word[2], &op->operand) ||
	    strcmp(p->word[3], "skip") || !read_number(p->word[4], &skip))
		return bad(p, "ifeq rN OPND skip K");
	op->object = p->word[1][1] - '0';
	op->skip = (int)skip;
	return 0;
}

/* await X CMP OPND [rN], assert X|rN CMP INT */
static int read_comparing(struct parser *p, struct litmus_op *op)
{
	bool is_assert = p->word[0][1] == 's';

	if (p->words < 4 || !read_comparison(p->word[2], &op->equal) || !read_operand(p->word[3], &op->operand))
		return bad(p, "await X CMP OPND, assert X CMP INT");
	op->verb = is_assert ? LITMUS_ASSERT_VAR : LITMUS_AWAIT;
	op->object = find(p->program->vars, p->program->var_count, p->word[1]);
	if (is_assert && op->object < 0 && is_register(p->word[1])) {
		op->verb = LITMUS_ASSERT_REG;
		op->object = p->word[1][1] - '0';
	}
	if (p->words == 5 && is_register(p->word[4]))
		op->target = p->word[4][1] - '0';
	return op->object >= 0 ? 0 : bad(p, "which variable?");
}

/* read X rN, write X OPND, add X INT [rN] */
static int read_access(struct parser *p, struct litmus_op *op)
{
	char kind = p->word[0][0];

	op->verb = kind == 'r' ? LITMUS_READ : kind == 'w' ? LITMUS_WRITE : LITMUS_ADD;
	op->object = p->words < 3 ? -1 : find(p->program->vars, p->program->var_count, p->word[1]);
	if (op->object < 0)
		return bad(p, "which variable?");
	if (kind == 'r') {
		op->target = is_register(p->word[2]) ? p->word[2][1] - '0' : -1;
		return op->target >= 0 ? 0 : bad(p, "read X rN");
	}
	if (!read_operand(p->word[2], &op->operand))
		return bad(p, "an integer or a register is wanted");
	if (p->words == 4 && is_register(p->word[3]))
		op->target = p->word[3][1] - '0';
	return 0;
}

static int read_op(struct parser *p)
{
	struct litmus_thread *thread = p->thread;
	const char *verb = p->word[0];
	struct litmus_op *op;

	if (!strcmp(verb, "end")) {
		p->thread = NULL;
		return 0;
	}
	if (thread->op_count == LITMUS_OPS)
		return bad(p, "a thread with too many operations");
	op = &thread->ops[thread->op_count++];
	op->target = -1;
	if (!strcmp(verb, "ifeq") || !strcmp(verb, "ifne"))
		return read_branch(p, op);
	if (!strcmp(verb, "await") || !strcmp(verb, "assert"))
		return read_comparing(p, op);
	if (!strcmp(verb, "read") || !strcmp(verb, "write") || !strcmp(verb, "add"))
		return read_access(p, op);
	return read_lock_op(p, op);
}

static int check_branches(struct parser *p)
{
	const struct litmus *program = p->program;
	int t, i, to;

	for (t = 0; t < program->thread_count; t++) {
		for (i = 0; i < program->threads[t].op_count; i++) {
			const struct litmus_op *op = &program->threads[t].ops[i];

			to = i + 1 + op->skip;
			if ((op->verb == LITMUS_IFEQ || op->verb == LITMUS_IFNE) && (to < 0 || to > program->threads[t].op_count))
				return bad(p, "a jump leaves its thread");
		}
	}
	return 0;
}

static int read_line(struct parser *p, char *line)
{
	char *word, *rest = NULL;

	p->words = 0;
	for (word = strtok_r(line, " \t\r\n", &rest); word && p->words < WORDS; word = strtok_r(NULL, " \t\r\n", &rest))
		p->word[p->words++] = word;
	if (!p->words || p->word[0][0] == '#')
		return 0;
	return p->thread ? read_op(p) : read_header(p);
}

/* A comment or a note may be as long as it likes; 1: the file has ended. */
static int get_line(struct parser *p, FILE *file, char *line, int size)
{
	int c = 0;

	if (!fgets(line, size, file))
		return ferror(file) ? bad(p, strerror(errno)) : 1;
	p->line++;
	if (strchr(line, '\n') || feof(file))
		return 0;
	line[size - 1] = '\0';
	if (line[strspn(line, " \t")] != '#' && strncmp(line + strspn(line, " \t"), "note ", 5))
		return bad(p, "a line is too long, or holds a zero byte");
	while (c != '\n' && c != EOF)
		c = getc(file);
	return 0;
}

int litmus_read(struct litmus *program, const char *path)
{
	struct parser p = { .program = program };
	FILE *file = fopen(path, "r");
	char line[512];
	int error = 0;

	memset(program, 0, sizeof(*program));
	program->path = path;
	if (!file) {
		error = -errno;
		snprintf(program->error, sizeof(program->error), "%s: %s", path, strerror(errno));
		return error;
	}
	while (!error && !(error = get_line(&p, file, line, sizeof(line))))
		error = read_line(&p, line);
	fclose(file);
	error = error > 0 ? 0 : error;
	if (!error && p.thread)
		error = bad(&p, "the file is cut off: a thread without \"end\"");
	if (!error && (!program->name[0] || !program->thread_count))
		error = bad(&p, "this is no litmus program: it has no \"program\" or no \"thread\"");
	return error ? error : check_branches(&p);
}
