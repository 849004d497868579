/* SPDX-License-Identifier: MIT */
/*
 * replay --step: a schedule, one step at a time, forward and back.  Commands come from standard input, a line each, from a
 * terminal or not.
 *
 * The whole execution has been run and its trace kept; since it is a function of its decisions, going back to step n-1 is
 * looking at the trace there.  What a task stands before is its next step in the trace.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p2psim/report.h>

#include "cli/internal.h"

#define TEXT_MAX 200

struct walk {
	const struct p2psim_world *world;
	size_t *steps;			/* events that are steps of tasks */
	size_t count;
	size_t at;			/* so many of them have been taken */
};

static const char help[] =
	"  n [N]    the next step, or N of them; so does an empty line\n"
	"  b [N]    back by one step, or N\n"
	"  s        on to where another task goes on\n"
	"  u TEXT   on to a step, or what happens in it, that contains TEXT\n"
	"  c        on to the end\n"
	"  g N      to step N, forward or back\n"
	"  w        where every task stands\n"
	"  p        the picture of the whole execution\n"
	"  q        enough\n";

static const struct p2psim_event *step_at(const struct walk *w, size_t i)
{
	return p2psim_trace_at(w->world, w->steps[i]);
}

static int find_steps(struct walk *w)
{
	size_t i, count = p2psim_trace_count(w->world);

	w->steps = calloc(count + 1, sizeof(*w->steps));
	if (!w->steps)
		return -1;
	for (i = 0; i < count; i++) {
		const struct p2psim_event *event = p2psim_trace_at(w->world, i);

		if (event->type == P2PSIM_EVENT_STEP && event->task)
			w->steps[w->count++] = i;
	}
	return 0;
}

/* The events of the i-th step end where the next one begins; the last one's, with the run's. */
static size_t end_of(const struct walk *w, size_t i)
{
	size_t end = w->steps[i] + 1, count = p2psim_trace_count(w->world);

	if (i + 1 < w->count)
		return w->steps[i + 1];
	while (end < count && p2psim_trace_at(w->world, end)->task)
		end++;
	return end;
}

static void show_step(const struct walk *w, size_t i)
{
	const struct p2psim_event *event = step_at(w, i);
	char text[TEXT_MAX];
	size_t e;

	p2psim_event_format(w->world, event, text, sizeof(text));
	printf("%5llu  %-12s %s\n", (unsigned long long)event->step, p2psim_world_task_name(w->world, event->task), text);
	for (e = w->steps[i] + 1; e < end_of(w, i); e++) {
		p2psim_event_format(w->world, p2psim_trace_at(w->world, e), text, sizeof(text));
		printf("%20s     %s\n", "", text);
	}
}

static bool mentions(const struct walk *w, size_t i, const char *what)
{
	char text[TEXT_MAX];
	size_t e;

	for (e = w->steps[i]; e < end_of(w, i); e++) {
		p2psim_event_format(w->world, p2psim_trace_at(w->world, e), text, sizeof(text));
		if (strstr(text, what))
			return true;
	}
	return false;
}

/* The position has changed: the step that was taken last. */
static void show_position(const struct walk *w)
{
	if (w->at)
		show_step(w, w->at - 1);
	else
		printf("       (before the first step)\n");
}

static bool is_at_end(const struct walk *w)
{
	if (w->at < w->count)
		return false;
	printf("       (the end)\n");
	return true;
}

static void show_next(struct walk *w)
{
	show_step(w, w->at++);
}

static void forward(struct walk *w, unsigned long n)
{
	while (n-- && !is_at_end(w))
		show_next(w);
}

static void back(struct walk *w, unsigned long n)
{
	w->at -= n < w->at ? n : w->at;
	show_position(w);
}

static void to_switch(struct walk *w)
{
	if (is_at_end(w))
		return;
	do
		show_next(w);
	while (w->at < w->count && step_at(w, w->at)->task == step_at(w, w->at - 1)->task);
}

static void until(struct walk *w, const char *what)
{
	do {
		if (is_at_end(w))
			return;
		show_next(w);
	} while (!mentions(w, w->at - 1, what));
}

static void go_to(struct walk *w, unsigned long step)
{
	w->at = 0;
	while (w->at < w->count && step_at(w, w->at)->step <= step)
		w->at++;
	show_position(w);
}

static void show_tasks(const struct walk *w)
{
	unsigned int task, count = p2psim_world_task_count(w->world);
	uint64_t enabled = w->at < w->count ? step_at(w, w->at)->enabled : 0;
	char text[TEXT_MAX];
	size_t i;

	for (task = 1; task < count; task++) {
		for (i = w->at; i < w->count && step_at(w, i)->task != task; i++)
			;
		if (i < w->count)
			p2psim_event_format(w->world, step_at(w, i), text, sizeof(text));
		printf("       %-12s %s%s\n", p2psim_world_task_name(w->world, task),
		       i == w->count ? "takes no further step" : enabled >> task & 1 ? "can go on: " : "waits: ",
		       i == w->count ? "" : text);
	}
}

/* The number behind a command, 1 when there is none; false after complaining. */
static bool read_number(const char *text, unsigned long *number)
{
	char *end;

	*number = 1;
	if (!*text)
		return true;
	*number = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end)
		return true;
	cli_say(CLI_USAGE, "\"%s\" is no number of steps", text);
	return false;
}

static void walk_numbered(struct walk *w, char command, const char *rest)
{
	unsigned long number;

	if (!read_number(rest, &number))
		return;
	if (command == 'n')
		forward(w, number);
	else if (command == 'b')
		back(w, number);
	else
		go_to(w, number);
}

/* False: enough. */
static bool obey(struct walk *w, const char *line)
{
	char command = *line ? *line : 'n';
	const char *rest = line + (*line != '\0');

	if (*rest && *rest != ' ')
		command = '?';
	rest += strspn(rest, " ");
	if (strchr("nbg", command))
		walk_numbered(w, command, rest);
	else if (command == 's')
		to_switch(w);
	else if (command == 'u' && *rest)
		until(w, rest);
	else if (command == 'c')
		forward(w, w->count - w->at);
	else if (command == 'w')
		show_tasks(w);
	else if (command == 'p')
		p2psim_report_text(w->world, stdout, P2PSIM_REPORT_NO_FLAGS);
	else if (command == 'h')
		fputs(help, stdout);
	else if (command != 'q')
		cli_say(CLI_USAGE, "\"%s\" is no command here (h lists them)", line);
	return command != 'q';
}

int cli_walk(const struct p2psim_world *world)
{
	const bool terminal = isatty(STDIN_FILENO);
	struct walk w = { .world = world };
	char line[TEXT_MAX];

	if (find_steps(&w))
		return -1;
	fprintf(stderr, "%zu steps; n next, b back, s switch, u TEXT until, c end, w where, h help, q quit\n", w.count);
	do {
		if (terminal)
			fprintf(stderr, "> ");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			break;
		line[strcspn(line, "\n")] = '\0';
	} while (obey(&w, line));
	free(w.steps);
	return 0;
}
