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
 * a line that comes many times in a row is drawn once, with a count.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <p2psim/report.h>

#define COLUMNS_MAX 4
#define MARGIN 2
#define TEXT_MAX 256
#define DEPTH_MAX 8

struct column {
	unsigned int task;
	unsigned int depth;
};

struct drawing {
	const struct p2psim_world *world;
	FILE *out;
	unsigned int flags;
	struct column column[COLUMNS_MAX];
	unsigned int columns;
	bool crowded;			/* the last column is shared */
	unsigned int width;		/* of the text in a column */
	unsigned int depth[64];		/* of sections, by task */
	char line[TEXT_MAX];		/* the last one drawn, and how often it came */
	unsigned int line_column, line_indent, repeats;
};

static bool is_drawn(const struct drawing *d, const struct p2psim_event *event)
{
	if (!event->task && !(d->flags & P2PSIM_REPORT_SETUP))
		return false;
	return event->type != P2PSIM_EVENT_STEP || d->flags & P2PSIM_REPORT_STEPS;
}

static unsigned int column_of(const struct drawing *d, unsigned int task)
{
	unsigned int i;

	for (i = 0; i < d->columns; i++)
		if (d->column[i].task == task)
			return i;
	return d->columns - 1;
}

static void find_columns(struct drawing *d)
{
	size_t i, count = p2psim_trace_count(d->world);
	unsigned int c;

	for (i = 0; i < count; i++) {
		const struct p2psim_event *event = p2psim_trace_at(d->world, i);

		if (!is_drawn(d, event))
			continue;
		for (c = 0; c < d->columns && d->column[c].task != event->task; c++)
			;
		if (c < d->columns)
			continue;
		if (d->columns == COLUMNS_MAX)
			d->crowded = true;
		else
			d->column[d->columns++].task = event->task;
	}
	if (d->columns)
		d->width = (P2PSIM_REPORT_COLUMNS - MARGIN - (d->columns - 1)) / d->columns;
}

static unsigned int start_of(const struct drawing *d, unsigned int column)
{
	return MARGIN + column * (d->width + 1);
}

static void put_blanks(struct drawing *d, unsigned int count)
{
	while (count--)
		fputc(' ', d->out);
}

/* Up to where the text goes on this line: at a blank if there is one. */
static size_t fit(const char *text, size_t room)
{
	size_t length = strlen(text), at;

	if (length <= room)
		return length;
	for (at = room; at > room / 3; at--)
		if (text[at] == ' ')
			return at;
	return room;
}

static void put_wrapped(struct drawing *d, unsigned int column, unsigned int indent, const char *text)
{
	while (*text) {
		size_t n = fit(text, d->width - indent);

		put_blanks(d, start_of(d, column) + indent);
		fprintf(d->out, "%.*s\n", (int)n, text);
		text += n;
		while (*text == ' ')
			text++;
		if (indent + 2 < d->width / 2)
			indent += 2;
		if (indent > d->width / 2)
			indent = d->width / 2;
	}
}

static void flush_repeats(struct drawing *d)
{
	char text[48];

	if (d->repeats > 1) {
		snprintf(text, sizeof(text), "... %u more times", d->repeats - 1);
		put_wrapped(d, d->line_column, d->line_indent, text);
	} else if (d->repeats == 1) {
		put_wrapped(d, d->line_column, d->line_indent, d->line);
	}
	d->repeats = 0;
}

static void put_line(struct drawing *d, unsigned int column, unsigned int indent, const char *text)
{
	if (column == d->line_column && !strcmp(text, d->line)) {
		d->repeats++;
		return;
	}
	flush_repeats(d);
	d->line_column = column;
	d->line_indent = indent;
	snprintf(d->line, sizeof(d->line), "%s", text);
	put_wrapped(d, column, indent, text);
}

static unsigned int indent_of(const struct drawing *d, unsigned int depth)
{
	unsigned int step = d->columns > 2 ? 1 : 2;

	return (depth < DEPTH_MAX ? depth : DEPTH_MAX) * step;
}

static void draw_event(struct drawing *d, const struct p2psim_event *event)
{
	unsigned int column = column_of(d, event->task), *depth = &d->depth[event->task % 64];
	char text[TEXT_MAX];
	int used = 0;

	if (event->type == P2PSIM_EVENT_LEAVE && *depth)
		--*depth;
	if (d->crowded && column == d->columns - 1)
		used = snprintf(text, sizeof(text), "%s: ", p2psim_world_task_name(d->world, event->task));
	p2psim_event_format(d->world, event, text + used, sizeof(text) - (size_t)used);
	put_line(d, column, indent_of(d, *depth), text);
	if (event->type == P2PSIM_EVENT_ENTER)
		++*depth;
}

static const char *head_of(const struct drawing *d, unsigned int column)
{
	if (d->crowded && column == d->columns - 1)
		return "the others";
	return p2psim_world_task_name(d->world, d->column[column].task);
}

static void draw_heads(struct drawing *d)
{
	static const char dashes[] = "------------------------------------";
	char line[2][P2PSIM_REPORT_COLUMNS + 1];
	unsigned int c, at;

	memset(line, ' ', sizeof(line));
	for (c = at = 0; c < d->columns; c++) {
		int length = (int)strlen(head_of(d, c));

		if (length > (int)d->width)
			length = (int)d->width;
		at = start_of(d, c);
		memcpy(line[0] + at, head_of(d, c), (size_t)length);
		memcpy(line[1] + at, dashes, (size_t)length);
		at += (unsigned int)length;
	}
	line[0][at] = line[1][at] = '\0';
	fprintf(d->out, "%s\n%s\n", line[0], line[1]);
}

int p2psim_report_text(const struct p2psim_world *world, FILE *out, unsigned int flags)
{
	struct drawing d = { .world = world, .out = out, .flags = flags };
	size_t i, count = p2psim_trace_count(world);

	find_columns(&d);
	if (!d.columns) {
		fprintf(out, "  (nothing was traced)\n");
		return ferror(out) ? -EIO : 0;
	}
	draw_heads(&d);
	if (p2psim_trace_lost(world))
		fprintf(out, "  (%llu earlier events were not kept)\n", (unsigned long long)p2psim_trace_lost(world));
	for (i = 0; i < count; i++)
		if (is_drawn(&d, p2psim_trace_at(world, i)))
			draw_event(&d, p2psim_trace_at(world, i));
	flush_repeats(&d);
	return ferror(out) ? -EIO : 0;
}

static void put_paragraph(FILE *out, const char *text)
{
	size_t n;

	while (*text) {
		n = fit(text, P2PSIM_REPORT_COLUMNS - MARGIN);
		fprintf(out, "  %.*s\n", (int)n, text);
		text += n;
		while (*text == ' ')
			text++;
	}
}

int p2psim_report_violation(const struct p2psim_violation *violation, FILE *out)
{
	fprintf(out, "\n  %s by %s at step %llu", p2psim_oracle_name(violation->oracle), violation->task,
		(unsigned long long)violation->step);
	if (violation->cause_step)
		fprintf(out, " (since step %llu)", (unsigned long long)violation->cause_step);
	if (violation->site)
		fprintf(out, ", %s() line %d", violation->site->func, violation->site->line);
	fputc('\n', out);
	put_paragraph(out, violation->sentence);
	return ferror(out) ? -EIO : 0;
}
