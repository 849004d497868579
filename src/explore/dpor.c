/* SPDX-License-Identifier: MIT */
/*
 * Source sets: which other branches an execution asks for.
 *
 * A step o races with an earlier step i of another task that depends on it and happens before it through nothing else:
 * some branch at i must let o's side go first.  Which task can begin that branch depends on all that lies between the two,
 * so o is looked at when it is taken.  A task whose guard stays closed is looked at when the execution ends, by a deadlock
 * or because all others sleep.
 *
 * Looking only when o becomes pending is not enough.  Here o is T0's, pending from the start, and after "T2: w1" the
 * branch at "T1: w2" must begin with T2, not with T0, which sleeps there:
 *
 *	T0: write 1-3		T1: Ry; write 2		T2: write 1
 *
 * ALGO.  Walk i from the newest step to the oldest with `seen` = what happens before o, at first the clock of the task's
 * step before.
 *	1. i in seen: nothing to reverse.
 *	2. i independent of o: go on.
 *	3. i lets go of the lock that o waits for: they can never be tried in the other order; the step that took it can.
 *	4. else (i, o) is a race: add a branch at i; seen |= what happens before i, since i now happens before o.
 * Walking on after 1 is essential: an earlier read of another task may still race.
 *
 * Where something may go wrong (p2psim_adverse()) both outcomes are tried from the start; such a node touches nothing, so
 * that no race is ever found there.
 */
#include <string.h>

#include <p2psim/trace.h>

#include "explore/search.h"

static bool is_before(const struct p2psim_node *step, const uint16_t *clock)
{
	return clock[step->task] >= step->nth;
}

/* Waits until the lock is free, and for nothing else: whoever may be killed, and whoever only queues, goes before too. */
static bool waits_for_lock(const struct p2psim_op *op)
{
	return (op->kind == P2PSIM_STEP_LOCK || op->kind == P2PSIM_STEP_RDLOCK) && op->enabled && !op->deadline &&
	       !(op->label && strstr(op->label, "killable"));
}

static bool lets_go_for(const struct p2psim_op *step, const struct p2psim_op *op)
{
	return (step->kind == P2PSIM_STEP_UNLOCK || step->kind == P2PSIM_STEP_RDUNLOCK ||
		step->kind == P2PSIM_STEP_DOWNGRADE) && waits_for_lock(op);
}

/*
 * Tasks that can go first in "the steps after `at` that do not happen after it, then the pending step of `task`", whose
 * past is `seen`.
 */
static uint64_t initials(const struct p2psim_search *search, size_t at, size_t end, unsigned int task,
			 const uint16_t *seen)
{
	const struct p2psim_node *event = &search->nodes[at];
	uint64_t in = 0, first = 0;
	size_t i, j;

	for (i = at + 1; i < end; i++) {
		const struct p2psim_node *step = &search->nodes[i];
		bool depends = false;

		if (is_before(event, step->clock) || in >> step->task & 1)
			continue;
		for (j = at + 1; j < i && !depends; j++)
			depends = !is_before(event, search->nodes[j].clock) && is_before(&search->nodes[j], step->clock);
		in |= 1ull << step->task;
		if (!depends)
			first |= 1ull << step->task;
	}
	if (in >> task & 1)
		return first;
	for (j = at + 1; j < end; j++)
		if (!is_before(event, search->nodes[j].clock) && is_before(&search->nodes[j], seen))
			return first;
	return first | 1ull << task;
}

static void add_branch(struct p2psim_search *search, size_t at, size_t end, unsigned int task, const uint16_t *seen)
{
	struct p2psim_node *node = &search->nodes[at];
	uint64_t first = initials(search, at, end, task, seen) & node->enabled;

	if (!first)
		node->back |= node->enabled;
	else if (!(node->back & first))
		node->back |= first >> task & 1 ? 1ull << task : first & -first;
}

/* `op` is what `task` does after the first `end` steps, or would do; `previous` is its step before. */
static void scan(struct p2psim_search *search, size_t end, unsigned int task, int32_t previous,
		 const struct p2psim_op *op)
{
	const uint16_t *past = p2psim_search_past(search, previous);
	const struct p2psim_glance own = p2psim_search_glance(op);
	size_t i = end, unordered = p2psim_search_unordered(search, past, end);
	uint16_t seen[P2PSIM_SEARCH_TASKS];

	memcpy(seen, past, sizeof(seen));
	while (unordered) {
		const struct p2psim_glance *glance = &search->glances[--i];
		const struct p2psim_node *step = &search->nodes[i];

		if (past[glance->task] >= glance->nth)
			continue;
		unordered--;
		if (!p2psim_glances_meet(glance, &own) || !p2psim_steps_depend(&step->step, op) || lets_go_for(&step->step, op))
			continue;
		if (!is_before(step, seen)) {
			add_branch(search, i, end, task, seen);
			p2psim_search_join(search, seen, step->clock);
		} else if (op->enabled) {
			add_branch(search, i, end, task, past);
		}
	}
}

void p2psim_dpor_at_step(struct p2psim_search *search, size_t at)
{
	const struct p2psim_node *node = &search->nodes[at];

	scan(search, at, node->task, node->previous, &node->step);
}

void p2psim_dpor_at_end(struct p2psim_search *search, uint64_t asleep)
{
	unsigned int task, count = p2psim_world_task_count(search->world);

	for (task = 1; task < count && task < P2PSIM_SEARCH_TASKS; task++)
		if (!(asleep >> task & 1) && p2psim_task_is_live(search->world, task))
			scan(search, search->depth, task, search->latest[task], p2psim_task_pending(search->world, task));
}
