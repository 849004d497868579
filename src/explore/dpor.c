/* SPDX-License-Identifier: MIT */
/*
 * Source sets: which other branches a new node asks for.
 *
 * After a task has taken its step e, these can race:
 *
 *	A. its new pending step o with an earlier step i of another task that depends on o and does not happen before it:
 *	   some branch must let o's side go first at i.
 *	B. the pending step of any other task with e itself, when that task could have gone instead of e.
 *	C. e with the steps that others took while e was pending.  B has seen those at which e could have gone; this is for
 *	   the rest: a writer that waits for one reader while another one gets in.
 *
 * ALGO of A and C.  Walk i from the newest step to the oldest with `seen` = what happens before o, at first the clock of
 * the task's last step.
 *	1. i in seen: nothing to reverse.
 *	2. i independent of o: go on.
 *	3. i lets go of the lock that o takes: they can never be tried in the other order; the step that took it can.
 *	4. else (i, o) is a race: add a branch at i; seen |= what happens before i, since i now happens before o.
 * Walking on after 1 is essential: an earlier read of another task may still race.
 *
 * At the end of an execution A is asked once more, of all that still wait.
 */
#include <string.h>

#include <p2psim/trace.h>

#include "explore/search.h"

static bool is_before(const struct p2psim_node *step, const uint16_t *clock)
{
	return clock[step->chosen] >= step->nth;
}

static void join(uint16_t *clock, const uint16_t *other)
{
	unsigned int t;

	for (t = 0; t < P2PSIM_SEARCH_TASKS; t++)
		if (other[t] > clock[t])
			clock[t] = other[t];
}

static bool lets_go_for(const struct p2psim_op *step, const struct p2psim_op *pending)
{
	bool releases = step->kind == P2PSIM_STEP_UNLOCK || step->kind == P2PSIM_STEP_RDUNLOCK;

	return releases && (pending->kind == P2PSIM_STEP_LOCK || pending->kind == P2PSIM_STEP_RDLOCK);
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

		if (is_before(event, step->clock) || in >> step->chosen & 1)
			continue;
		for (j = at + 1; j < i && !depends; j++)
			depends = !is_before(event, search->nodes[j].clock) && is_before(&search->nodes[j], step->clock);
		in |= 1ull << step->chosen;
		if (!depends)
			first |= 1ull << step->chosen;
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

/* The step `op` of `task`, whose past is `seen`, against the steps from `from` up to `end`. */
static void scan(struct p2psim_search *search, size_t from, size_t end, unsigned int task, const struct p2psim_op *op,
		 uint16_t *seen)
{
	size_t i = end;

	while (i-- > from) {
		const struct p2psim_node *step = &search->nodes[i];

		if (is_before(step, seen) || !p2psim_steps_depend(&step->step, op))
			continue;
		if (lets_go_for(&step->step, op))
			continue;
		add_branch(search, i, end, task, seen);
		join(seen, step->clock);
	}
}

static void past_of(const struct p2psim_search *search, int32_t step, uint16_t *seen)
{
	if (step < 0)
		memset(seen, 0, sizeof(uint16_t[P2PSIM_SEARCH_TASKS]));
	else
		memcpy(seen, search->nodes[step].clock, sizeof(uint16_t[P2PSIM_SEARCH_TASKS]));
}

/* C */
static void scan_taken_step(struct p2psim_search *search, size_t at)
{
	const struct p2psim_node *taken = &search->nodes[at];
	uint16_t seen[P2PSIM_SEARCH_TASKS];

	past_of(search, taken->previous, seen);
	scan(search, (size_t)(taken->previous + 1), at, taken->chosen, &taken->step, seen);
}

/* B */
static void scan_other_tasks(struct p2psim_search *search, size_t end)
{
	struct p2psim_node *event = &search->nodes[end - 1];
	uint64_t others = event->enabled & ~(1ull << event->chosen);

	for (; others; others &= others - 1) {
		unsigned int task = (unsigned int)__builtin_ctzll(others);

		if (!(event->back >> task & 1) && p2psim_steps_depend(&event->step, p2psim_task_pending(search->world, task)))
			event->back |= 1ull << task;
	}
}

/* A */
static void scan_pending_step(struct p2psim_search *search, size_t end, unsigned int task)
{
	uint16_t seen[P2PSIM_SEARCH_TASKS];

	if (!p2psim_task_is_live(search->world, task))
		return;
	past_of(search, search->latest[task], seen);
	scan(search, 0, end, task, p2psim_task_pending(search->world, task), seen);
}

void p2psim_dpor_at_node(struct p2psim_search *search, size_t depth)
{
	scan_taken_step(search, depth - 1);
	scan_other_tasks(search, depth);
	scan_pending_step(search, depth, search->nodes[depth - 1].chosen);
}

void p2psim_dpor_at_end(struct p2psim_search *search, size_t depth)
{
	unsigned int task, count = p2psim_world_task_count(search->world);

	p2psim_dpor_at_node(search, depth);
	for (task = 1; task < count && task < P2PSIM_SEARCH_TASKS; task++)
		scan_pending_step(search, depth, task);
}
