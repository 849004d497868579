/* SPDX-License-Identifier: MIT */
/*
 * A minimal counterexample on paper: how small it is and how that is known, the two columns with the critical steps
 * marked, what it hangs on, and the string that replays it.
 */
#include <errno.h>
#include <string.h>

#include <p2psim/report.h>

#include "cli/internal.h"

#define MARKS_MAX (2 * P2PSIM_ORDERS_MAX)

/* The critical steps, numbered in the order in which they come; one that is in two orders has one number. */
struct marks {
	struct p2psim_report_mark mark[MARKS_MAX];
	char text[MARKS_MAX][8];
	size_t count;
};

static size_t place_of(const struct marks *marks, uint64_t step)
{
	size_t i;

	for (i = 0; i < marks->count && marks->mark[i].step != step; i++)
		;
	return i;
}

static void add_mark(struct marks *marks, uint64_t step)
{
	size_t i;

	if (!step || place_of(marks, step) < marks->count)
		return;
	for (i = marks->count++; i && marks->mark[i - 1].step > step; i--)
		marks->mark[i].step = marks->mark[i - 1].step;
	marks->mark[i].step = step;
}

static void number_steps(struct marks *marks, const struct p2psim_minimal *minimal)
{
	unsigned int i;

	marks->count = 0;
	for (i = 0; i < minimal->order_count; i++) {
		add_mark(marks, minimal->orders[i].first.step);
		add_mark(marks, minimal->orders[i].second.step);
	}
	for (i = 0; i < marks->count; i++) {
		snprintf(marks->text[i], sizeof(marks->text[i]), "(%u)", i + 1);
		marks->mark[i].text = marks->text[i];
	}
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* How many preemptions, and how it is known that there is no way with fewer. */
static void put_size(FILE *out, const struct p2psim_minimal *m)
{
	fprintf(out, "  minimal: %u preemption%s, ", m->preemptions, plural(m->preemptions));
	if (m->adversities)
		fprintf(out, "%u thing%s gone wrong by %s, ", m->adversities, plural(m->adversities),
			m->adversities == 1 ? "itself" : "themselves");
	fprintf(out, "%u switch%s, %llu step%s\n", m->switches, m->switches == 1 ? "" : "es", (unsigned long long)m->steps,
		plural(m->steps));
	if (m->certified && !m->preemptions)
		return;
	if (m->certified)
		fprintf(out, "  no schedule with fewer preemptions fails: all %llu were run\n",
			(unsigned long long)m->exhausted_executions);
	else if (m->exhausted)
		fprintf(out, "  none with fewer than %u preemption%s fails (all %llu were run); between, not all were\n",
			m->exhausted, plural(m->exhausted), (unsigned long long)m->exhausted_executions);
	else
		fprintf(out, "  whether fewer preemptions are enough is not known: the budget was too small\n");
}

static void put_needless(FILE *out, const struct p2psim_scenario *scenario, const struct p2psim_minimal *m)
{
	const char *separator = "  not needed for it: ";
	int i;

	for (i = 0; i < P2PSIM_SCENARIO_TASKS; i++) {
		if (!(m->needless >> i & 1))
			continue;
		fprintf(out, "%s%s", separator, scenario->tasks[i].name);
		separator = ", ";
	}
	if (m->needless)
		fputc('\n', out);
}

static void put_named_step(FILE *out, const struct marks *marks, const struct p2psim_named_step *step)
{
	if (step->step)
		fprintf(out, "    (%zu) %s: %s", place_of(marks, step->step) + 1, step->task, step->what);
	else
		fprintf(out, "    (-) %s: %s, for which it waits", step->task, step->what);
	if (step->site)
		fprintf(out, ", %s() line %d", step->site->func, step->site->line);
	fputc('\n', out);
}

static void put_orders(FILE *out, const struct marks *marks, const struct p2psim_minimal *m)
{
	unsigned int i;

	if (m->claim == P2PSIM_ORDER_ANY)
		fprintf(out, "  it fails in every order");
	else if (m->claim == P2PSIM_ORDER_UNKNOWN)
		fprintf(out, "  no single order of two steps decides whether it fails");
	else
		fprintf(out, "  it fails %s these orders hold", m->claim == P2PSIM_ORDER_EXACT ? "if and only if" : "only if");
	if (!m->looked_at)
		fprintf(out, " (not looked at: the budget was too small)\n");
	else if (m->over_traces)
		fprintf(out, " (all %llu traces)\n", (unsigned long long)m->looked_at);
	else
		fprintf(out, " (all %llu executions with at most %u preemption%s)\n", (unsigned long long)m->looked_at,
			m->preemptions, plural(m->preemptions));
	for (i = 0; i < m->order_count; i++) {
		put_named_step(out, marks, &m->orders[i].first);
		fprintf(out, "      before\n");
		put_named_step(out, marks, &m->orders[i].second);
	}
}

/* The two columns of the minimal execution. */
static int draw(FILE *out, const struct p2psim_scenario *scenario, const struct p2psim_minimal *m,
		const struct marks *marks)
{
	struct p2psim_run_options options = { .policy = P2PSIM_POLICY_REPLAY, .replay = m->schedule,
					      .trace_events = CLI_TRACE_EVENTS };
	struct p2psim_config config = scenario->config;
	struct p2psim_run_result result;
	struct p2psim_world *world;
	int error;

	config.trace_events = CLI_TRACE_EVENTS;
	world = p2psim_world_create(&config);
	if (!world)
		return -ENOMEM;
	error = p2psim_scenario_run(scenario, world, &options, &result);
	if (!error) {
		fputc('\n', out);
		p2psim_report_marked(world, out, P2PSIM_REPORT_NO_FLAGS, marks->mark, marks->count);
		fputc('\n', out);
	}
	p2psim_world_destroy(world);
	return error;
}

int cli_put_minimal(FILE *out, const struct cli *cli, const struct p2psim_scenario *scenario,
		    const struct p2psim_minimal *minimal)
{
	struct marks marks;
	int error;

	number_steps(&marks, minimal);
	put_size(out, minimal);
	put_needless(out, scenario, minimal);
	error = draw(out, scenario, minimal, &marks);
	if (error)
		return error;
	put_orders(out, &marks, minimal);
	fprintf(out, "  %u preemption%s: %s replay '%s' %s%s\n", minimal->preemptions, plural(minimal->preemptions),
		cli->program, scenario->name, minimal->schedule, cli->config_words);
	return 0;
}
