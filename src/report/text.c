/* SPDX-License-Identifier: MIT */
/*
 * The two columns.
 *
 *	  nic0                                 app
 *	  ----                                 ---
 *	  read_begin() = 4
 *	  hmm_range_fault() = 0
 *	                                       munmap(0x10000, 2000)
 *	                                         invalidate_start UNMAP
 *
 * One column a task, in the order in which they first do something; at most four, the others share the last one with
 * their name in front.  Sections (a system call, a callback) are indented; long lines are wrapped in their column;
 * a line that comes many times in a row is drawn once, with a count.  Where a violation began is marked, if known.
 *
 * The trace is walked twice: once to see how wide the columns must be, once to draw.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <p2psim/report.h>

#include "report/layout.h"

#define TEXT_MAX 512
#define DEPTH_MAX 8
#define TASKS_MAX 256		/* an event's task is one byte */

struct drawing {
	const struct p2psim_world *world;
	FILE *out;
	unsigned int flags;
	const struct p2psim_report_mark *marks;
	size_t mark_count;
	unsigned int task[REPORT_COLUMNS_MAX];	/* of each column */
	unsigned int columns;
	bool crowded;				/* the last column is shared */
	struct report_need need;
	struct report_layout layout;
	void (*line)(struct drawing *d, unsigned int column, unsigned int indent, const char *text);
	unsigned int depth[TASKS_MAX];		/* of sections, by task */
	const struct p2psim_event *cause;	/* the step that made it wrong; NULL = not known, or marked */
	char last[TEXT_MAX];			/* the line drawn last, and how often it came again */
	unsigned int last_column, last_indent, again;
};

static const char *mark_of(const struct drawing *d, const struct p2psim_event *event)
{
	size_t i;

	for (i = 0; event->type == P2PSIM_EVENT_STEP && i < d->mark_count; i++)
		if (d->marks[i].step == event->step)
			return d->marks[i].text;
	return NULL;
}

static bool is_drawn(const struct drawing *d, const struct p2psim_event *event)
{
	if (mark_of(d, event))
		return true;
	if (!event->task && !(d->flags & P2PSIM_REPORT_SETUP))
		return false;
	return event->type != P2PSIM_EVENT_STEP || d->flags & P2PSIM_REPORT_STEPS;
}

/* The column of a task; d->columns when it has none of its own. */
static unsigned int own_column(const struct drawing *d, unsigned int task)
{
	unsigned int column;

	for (column = 0; column < d->columns && d->task[column] != task; column++)
		;
	return column;
}

static unsigned int column_of(const struct drawing *d, unsigned int task)
{
	unsigned int column = own_column(d, task);

	return column < d->columns ? column : d->columns - 1;
}

static bool is_shared(const struct drawing *d, unsigned int column)
{
	return d->crowded && column == d->columns - 1;
}

static void find_columns(struct drawing *d)
{
	size_t i, count = p2psim_trace_count(d->world);

	for (i = 0; i < count; i++) {
		const struct p2psim_event *event = p2psim_trace_at(d->world, i);

		if (!is_drawn(d, event) || own_column(d, event->task) < d->columns)
			continue;
		if (d->columns == REPORT_COLUMNS_MAX)
			d->crowded = true;
		else
			d->task[d->columns++] = event->task;
	}
}

static const struct p2psim_event *step_of(const struct p2psim_world *world, uint64_t step, size_t *index)
{
	size_t i, count = p2psim_trace_count(world);

	for (i = 0; step && i < count; i++) {
		const struct p2psim_event *event = p2psim_trace_at(world, i);

		if (event->type != P2PSIM_EVENT_STEP || event->step != step)
			continue;
		if (index)
			*index = i;
		return event;
	}
	return NULL;
}

/* The step that caused the violation, if its task has something to draw. */
static const struct p2psim_event *find_cause(const struct drawing *d)
{
	const struct p2psim_violation *violation = p2psim_world_violation(d->world);
	const struct p2psim_event *cause = violation ? step_of(d->world, violation->cause_step, NULL) : NULL;

	if (!cause || (own_column(d, cause->task) == d->columns && !d->crowded))
		return NULL;
	return cause;
}

/* ---- One line ---- */

/* A name may hold anything; a picture holds printable ASCII. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static void put_blanks(FILE *out, unsigned int count)
{
	while (count--)
		fputc(' ', out);
}

static void put_wrapped(FILE *out, unsigned int start, unsigned int width, unsigned int indent, const char *text)
{
	unsigned int hang = indent + 2 < width / 2 ? indent + 2 : width / 2;

	if (indent > width / 2)
		indent = width / 2;
	while (*text) {
		size_t n = report_fit(text, width - indent);

		put_blanks(out, start + indent);
		fprintf(out, "%.*s\n", (int)n, text);
		text += n;
		while (*text == ' ')
			text++;
		indent = hang;
	}
}

static void put_in_column(struct drawing *d, unsigned int column, unsigned int indent, const char *text)
{
	put_wrapped(d->out, d->layout.start[column], d->layout.width[column], indent, text);
}

static void put_repeats(struct drawing *d)
{
	char text[48];

	if (d->again > 1) {
		snprintf(text, sizeof(text), "... %u more times", d->again);
		put_in_column(d, d->last_column, d->last_indent, text);
	} else if (d->again) {
		put_in_column(d, d->last_column, d->last_indent, d->last);
	}
	d->again = 0;
}

static void draw_line(struct drawing *d, unsigned int column, unsigned int indent, const char *text)
{
	if (column == d->last_column && indent == d->last_indent && !strcmp(text, d->last)) {
		d->again++;
		return;
	}
	put_repeats(d);
	d->last_column = column;
	d->last_indent = indent;
	snprintf(d->last, sizeof(d->last), "%s", text);
	put_in_column(d, column, indent, text);
}

static void measure_line(struct drawing *d, unsigned int column, unsigned int indent, const char *text)
{
	report_need_add(&d->need, column, indent + strlen(text));
}

/* ---- All lines ---- */

static unsigned int indent_of(const struct drawing *d, unsigned int task)
{
	unsigned int step = d->columns > 2 ? 1 : 2, depth = d->depth[task];

	return (depth < DEPTH_MAX ? depth : DEPTH_MAX) * step;
}

/* "app: " in a column that several tasks share. */
static int put_owner(const struct drawing *d, unsigned int task, char *text, size_t size)
{
	text[0] = '\0';
	if (!is_shared(d, column_of(d, task)))
		return 0;
	return snprintf(text, size, "%s: ", p2psim_world_task_name(d->world, task));
}

static void tell_event(struct drawing *d, const struct p2psim_event *event)
{
	char text[TEXT_MAX];
	const char *mark = mark_of(d, event);
	int used = put_owner(d, event->task, text, TEXT_MAX / 2);

	if (mark && used < TEXT_MAX / 2)
		used += snprintf(text + used, TEXT_MAX / 2 - (size_t)used, "%s ", mark);
	if (used >= TEXT_MAX / 2)
		used = TEXT_MAX / 2 - 1;
	p2psim_event_format(d->world, event, text + used, sizeof(text) - (size_t)used);
	make_plain(text);
	if (event->type == P2PSIM_EVENT_LEAVE && d->depth[event->task])
		d->depth[event->task]--;
	d->line(d, column_of(d, event->task), indent_of(d, event->task), text);
	if (event->type == P2PSIM_EVENT_ENTER)
		d->depth[event->task]++;
}

static void tell_cause(struct drawing *d)
{
	char text[TEXT_MAX];
	int used = put_owner(d, d->cause->task, text, TEXT_MAX / 2);

	snprintf(text + used, sizeof(text) - (size_t)used, "<-- cause of %s",
		 p2psim_oracle_name(p2psim_world_violation(d->world)->oracle));
	d->line(d, column_of(d, d->cause->task), indent_of(d, d->cause->task), text);
	d->cause = NULL;
}

static void walk(struct drawing *d, void (*line)(struct drawing *, unsigned int, unsigned int, const char *))
{
	size_t i, count = p2psim_trace_count(d->world);

	memset(d->depth, 0, sizeof(d->depth));
	d->line = line;
	d->cause = find_cause(d);
	for (i = 0; i < count; i++) {
		const struct p2psim_event *event = p2psim_trace_at(d->world, i);

		if (!is_drawn(d, event))
			continue;
		if (d->cause && event->step > d->cause->step)
			tell_cause(d);
		tell_event(d, event);
	}
}

/* ---- The picture ---- */

static void head_of(const struct drawing *d, unsigned int column, char *text, size_t size)
{
	const char *name = is_shared(d, column) ? "the others" : p2psim_world_task_name(d->world, d->task[column]);
	size_t most = d->layout.width[column] + 1;

	snprintf(text, size < most ? size : most, "%s", name);
	make_plain(text);
}

static void draw_heads(struct drawing *d)
{
	char head[P2PSIM_REPORT_COLUMNS + 1], line[2][P2PSIM_REPORT_COLUMNS + 1];
	unsigned int column;
	size_t at = 0, length;

	memset(line, ' ', sizeof(line));
	for (column = 0; column < d->columns; column++) {
		head_of(d, column, head, sizeof(head));
		length = strlen(head);
		at = d->layout.start[column];
		memcpy(line[0] + at, head, length);
		memset(line[1] + at, '-', length);
		at += length;
	}
	line[0][at] = line[1][at] = '\0';
	fprintf(d->out, "%s\n%s\n", line[0], line[1]);
}

static void draw(struct drawing *d)
{
	unsigned long long lost = p2psim_trace_lost(d->world);

	walk(d, measure_line);
	d->need.columns = d->columns;
	report_layout_choose(&d->need, &d->layout);
	draw_heads(d);
	if (lost)
		fprintf(d->out, "  (%llu earlier events were not kept)\n", lost);
	walk(d, draw_line);
	put_repeats(d);
}

int p2psim_report_text(const struct p2psim_world *world, FILE *out, unsigned int flags)
{
	return p2psim_report_marked(world, out, flags, NULL, 0);
}

int p2psim_report_marked(const struct p2psim_world *world, FILE *out, unsigned int flags,
			 const struct p2psim_report_mark *marks, size_t count)
{
	struct drawing d = { .world = world, .out = out, .flags = flags, .marks = marks, .mark_count = count,
			     .last_column = REPORT_COLUMNS_MAX };

	find_columns(&d);
	if (d.columns)
		draw(&d);
	else
		fprintf(out, "  (nothing was traced)\n");
	return fflush(out) || ferror(out) ? -EIO : 0;
}

/* ---- Violations ---- */

static void put_paragraph(FILE *out, const char *sentence)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%s", sentence);
	make_plain(text);
	put_wrapped(out, 0, P2PSIM_REPORT_COLUMNS, REPORT_MARGIN, text);
}

int p2psim_report_violation(const struct p2psim_violation *violation, FILE *out)
{
	char text[TEXT_MAX];
	int used;

	used = snprintf(text, sizeof(text), "%s by %s at step %llu", p2psim_oracle_name(violation->oracle),
			violation->task, (unsigned long long)violation->step);
	if (violation->cause_step)
		used += snprintf(text + used, sizeof(text) - (size_t)used, " (since step %llu)",
				 (unsigned long long)violation->cause_step);
	if (violation->site)
		snprintf(text + used, sizeof(text) - (size_t)used, ", %s() line %d", violation->site->func,
			 violation->site->line);
	fputc('\n', out);
	put_paragraph(out, text);
	put_paragraph(out, violation->sentence);
	return fflush(out) || ferror(out) ? -EIO : 0;
}

/* The innermost section that the task of event number `index` had open then, or NULL. */
static const struct p2psim_event *section_around(const struct p2psim_world *world, size_t index)
{
	const unsigned int task = p2psim_trace_at(world, index)->task;
	unsigned int closed = 0;

	while (index--) {
		const struct p2psim_event *event = p2psim_trace_at(world, index);

		if (event->task != task)
			continue;
		closed += event->type == P2PSIM_EVENT_LEAVE;
		if (event->type == P2PSIM_EVENT_ENTER && !closed--)
			return event;
	}
	return NULL;
}

int p2psim_report_cause(const struct p2psim_world *world, const struct p2psim_violation *violation, FILE *out)
{
	const struct p2psim_event *cause, *section;
	char text[TEXT_MAX], step[TEXT_MAX / 4], around[TEXT_MAX / 4];
	size_t index;

	cause = step_of(world, violation->cause_step, &index);
	if (!cause)
		return 0;
	p2psim_event_format(world, cause, step, sizeof(step));
	around[0] = '\0';
	section = section_around(world, index);
	if (section)
		p2psim_event_format(world, section, around, sizeof(around));
	snprintf(text, sizeof(text), "Cause: step %llu by %s: %s%s%s", (unsigned long long)cause->step,
		 p2psim_world_task_name(world, cause->task), step, section ? ", in " : "", around);
	put_paragraph(out, text);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
