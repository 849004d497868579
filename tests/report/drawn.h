/* SPDX-License-Identifier: MIT */
/*
 * A world with a trace, small tasks that write notes into it, and what the report draws of it as a string.
 */
#ifndef TESTS_REPORT_DRAWN_H
#define TESTS_REPORT_DRAWN_H

#include "core_world.h"
#include "widest.h"

#include <stdio.h>
#include <stdlib.h>

#include <p2psim/report.h>
#include <p2psim/task.h>

/* What a task writes: "+text" opens a section, "-text" closes one, "|" gives the turn back, else a note. */
struct script {
	const char *name;
	const char *const *line;
};

static inline void drawn_line(const char *line)
{
	if (*line == '+')
		p2psim_enter("%s", P2PSIM_STR(line + 1));
	else if (*line == '-')
		p2psim_leave("%s", P2PSIM_STR(line + 1));
	else
		p2psim_note("%s", P2PSIM_STR(line));
}

static inline void drawn_task(void *arg)
{
	const struct script *script = arg;
	const char *const *line;
	bool odd = false;

	p2psim_step("even turn");
	for (line = script->line; *line; line++) {
		if (**line != '|') {
			drawn_line(*line);
			continue;
		}
		odd = !odd;
		p2psim_step(odd ? "odd turn" : "even turn");
	}
}

/* Runs the scripts in turns: each up to its next "|". */
static inline void play(struct script *scripts, size_t count)
{
	struct task_struct *task[8];
	bool again = true, odd;
	size_t i;

	for (i = 0; i < count; i++)
		task[i] = p2psim_task_spawn(scripts[i].name, drawn_task, &scripts[i]);
	for (odd = true; again; odd = !odd) {
		again = false;
		for (i = 0; i < count; i++) {
			if (p2psim_task_done(task[i]))
				continue;
			p2psim_run_until(task[i], odd ? "odd turn" : "even turn");
			again = true;
		}
	}
}

static inline char *drawn(const struct p2psim_world *world, unsigned int flags)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(p2psim_report_text(world, out, flags), 0);
	fclose(out);
	return text;
}

#define assert_drawn(world, flags, expected)                                                                           \
	do {                                                                                                           \
		char *drawn_ = drawn(world, flags);                                                                    \
		assert_string_equal(drawn_, expected);                                                                 \
		free(drawn_);                                                                                          \
	} while (0)

#endif
