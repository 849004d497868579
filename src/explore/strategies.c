/* SPDX-License-Identifier: MIT */
/*
 * The simple strategies: the default policy (recorded), random, and directed stops by name.
 */
#include <stdio.h>
#include <string.h>

#include <p2psim/trace.h>

#include "explore/internal.h"

static unsigned int pick_default(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	(void)strategy;
	return choice->fallback;
}

void p2psim_default_init(struct p2psim_default_strategy *plain)
{
	plain->base.pick = pick_default;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static unsigned int pick_random(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	struct p2psim_random_strategy *random = (struct p2psim_random_strategy *)strategy;
	uint64_t mask = choice->enabled;
	unsigned int n;

	if (!(mask & (mask - 1)))
		return choice->fallback;
	if (choice->adverse) /* rarely enough that not always the first occasions are taken */
		return next_random(&random->state) >> 61 ? choice->last : choice->adverse;
	for (n = 0; mask; n++)
		mask &= mask - 1;
	mask = choice->enabled;
	for (n = (unsigned int)(((next_random(&random->state) >> 32) * n) >> 32); n; n--)
		mask &= mask - 1;
	return (unsigned int)__builtin_ctzll(mask);
}

void p2psim_random_init(struct p2psim_random_strategy *random, uint64_t seed)
{
	random->base.pick = pick_random;
	random->state = seed;
}

/*
 * A directed schedule: blank-separated stops, "task" or "task>label".
 *
 *	"task>label"	the task runs until it stands before a step with that label; while it is blocked, others do
 *	"task"		the task runs until it is done or blocked
 */
static bool next_stop(struct p2psim_directed_strategy *directed)
{
	const char *start = directed->rest + strspn(directed->rest, " \t\n");
	size_t length = strcspn(start, " \t\n"), name = strcspn(start, "> \t\n");

	directed->task[0] = directed->label[0] = '\0';
	directed->rest = start + length;
	if (!length)
		return false;
	snprintf(directed->task, sizeof(directed->task), "%.*s", (int)name, start);
	if (name < length)
		snprintf(directed->label, sizeof(directed->label), "%.*s", (int)(length - name - 1), start + name + 1);
	return true;
}

static unsigned int task_named(const struct p2psim_world *world, const char *name)
{
	unsigned int i, count = p2psim_world_task_count(world);

	for (i = 1; i < count; i++)
		if (!strcmp(p2psim_world_task_name(world, i), name))
			return i;
	return 0;
}

static void complain(struct p2psim_directed_strategy *directed, struct p2psim_world *world, const char *what)
{
	snprintf(directed->error, sizeof(directed->error), "the schedule's stop \"%s%s%s\": %s", directed->task,
		 directed->label[0] ? ">" : "", directed->label, what);
	p2psim_world_end(world);
}

enum stop { STOP_PICK, STOP_FALLBACK, STOP_REACHED };

/* What the stop at hand wants now. */
static enum stop look_at_stop(struct p2psim_directed_strategy *directed, const struct p2psim_choice *choice,
			      unsigned int task)
{
	const struct p2psim_op *pending = p2psim_task_pending(choice->world, task);

	if (!p2psim_task_is_live(choice->world, task)) {
		if (!directed->label[0])
			return STOP_REACHED;
		complain(directed, choice->world, "the task ended without coming there");
		return STOP_FALLBACK;
	}
	if (directed->label[0] && pending->label && !strcmp(pending->label, directed->label))
		return STOP_REACHED;
	if (choice->enabled >> task & 1)
		return STOP_PICK;
	return directed->label[0] ? STOP_FALLBACK : STOP_REACHED;
}

static unsigned int pick_directed(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	struct p2psim_directed_strategy *directed = (struct p2psim_directed_strategy *)strategy;

	if (choice->adverse)
		return choice->fallback;
	for (; directed->task[0]; next_stop(directed)) {
		unsigned int task = task_named(choice->world, directed->task);

		if (!task) {
			complain(directed, choice->world, "there is no task of that name");
			return choice->fallback;
		}
		switch (look_at_stop(directed, choice, task)) {
		case STOP_PICK:
			return task;
		case STOP_FALLBACK:
			return choice->fallback;
		case STOP_REACHED:
			break;
		}
	}
	return choice->fallback;
}

void p2psim_directed_init(struct p2psim_directed_strategy *directed, const char *schedule)
{
	memset(directed, 0, sizeof(*directed));
	directed->base.pick = pick_directed;
	directed->rest = schedule;
	next_stop(directed);
}

void p2psim_directed_finish(struct p2psim_directed_strategy *directed)
{
	for (; directed->task[0] && !directed->error[0]; next_stop(directed))
		if (directed->label[0])
			snprintf(directed->error, sizeof(directed->error),
				 "the schedule's stop \"%s>%s\" was never reached", directed->task, directed->label);
}
