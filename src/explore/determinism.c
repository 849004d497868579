/* SPDX-License-Identifier: MIT */
/*
 * An execution twice, step by step.  What a step is: its kind, its label, what it touches, and who else could have gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p2psim/trace.h>

#include "core/module.h"
#include "explore/determinism.h"

#define WHY "did it look at an address, or at the time?"

/* The task whose step or outcome was picked. */
static unsigned int whose(const struct p2psim_choice *choice, unsigned int picked)
{
	return choice->adverse ? choice->last : picked;
}

static unsigned int pick_recorded(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	struct p2psim_determinism *d = (struct p2psim_determinism *)strategy;
	unsigned int task = d->inner->pick(d->inner, choice);
	size_t space = d->space ? 2 * d->space : 128;
	struct p2psim_taken *steps;

	if (d->count == d->space) {
		steps = realloc(d->steps, space * sizeof(*steps));
		if (!steps) {
			d->no_memory = true;
			return task;
		}
		d->steps = steps;
		d->space = space;
	}
	d->steps[d->count].task = task;
	d->steps[d->count].enabled = choice->enabled;
	d->steps[d->count++].op = *p2psim_task_pending(choice->world, whose(choice, task));
	return task;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_op(const struct p2psim_op *a, const struct p2psim_op *b)
{
	unsigned int i;

	if (a->kind != b->kind || a->access_count != b->access_count || !same_text(a->label, b->label))
		return false;
	for (i = 0; i < a->access_count; i++)
		if (a->access[i].obj != b->access[i].obj || a->access[i].write != b->access[i].write ||
		    a->access[i].start != b->access[i].start || a->access[i].last != b->access[i].last)
			return false;
	return true;
}

static void describe(const struct p2psim_world *world, const struct p2psim_op *op, char *text, size_t size)
{
	const char *kind = p2psim_step_kind_name((enum p2psim_step_kind)op->kind);

	if (op->access_count && op->access[0].last != UINT64_MAX)
		snprintf(text, size, "%s %s[%llx]", kind, p2psim_world_object_name(world, op->access[0].obj),
			 (unsigned long long)op->access[0].start);
	else if (op->access_count)
		snprintf(text, size, "%s %s", kind, p2psim_world_object_name(world, op->access[0].obj));
	else
		snprintf(text, size, "%s \"%s\"", kind, op->label ? op->label : "");
}

static void tell_step(struct p2psim_determinism *d, const struct p2psim_taken *then, const struct p2psim_op *now)
{
	char before[48], after[48];

	describe(d->first, &then->op, before, sizeof(before));
	describe(d->second, now, after, sizeof(after));
	snprintf(d->error, sizeof(d->error), "not deterministic: step %llu of %.20s is %s the first time, %s the second; " WHY,
		 (unsigned long long)p2psim_world_steps(d->second) + 1, p2psim_world_task_name(d->second, then->task),
		 before, after);
}

static void tell(struct p2psim_determinism *d, const char *what)
{
	snprintf(d->error, sizeof(d->error), "not deterministic: %s (step %llu); " WHY, what,
		 (unsigned long long)p2psim_world_steps(d->second) + 1);
}

static unsigned int pick_repeated(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	struct p2psim_determinism *d = (struct p2psim_determinism *)strategy;
	const struct p2psim_taken *then = &d->steps[d->at];

	if (d->at == d->count)
		tell(d, "the second time it is longer");
	else if (choice->enabled != then->enabled)
		tell(d, "other tasks can run than the first time");
	else if (!same_op(&then->op, p2psim_task_pending(choice->world, whose(choice, then->task))))
		tell_step(d, then, p2psim_task_pending(choice->world, whose(choice, then->task)));
	if (d->error[0]) {
		p2psim_world_end(choice->world);
		return choice->fallback;
	}
	d->at++;
	return then->task;
}

int p2psim_determinism_init(struct p2psim_determinism *d, const struct p2psim_config *config)
{
	struct p2psim_world *entered = p2psim_world_current();

	memset(d, 0, sizeof(*d));
	d->second = p2psim_world_create(config);
	p2psim_world_enter(entered);
	return d->second ? 0 : -ENOMEM;
}

void p2psim_determinism_free(struct p2psim_determinism *d)
{
	free(d->steps);
	if (d->second)
		p2psim_world_destroy(d->second);
	memset(d, 0, sizeof(*d));
}

struct p2psim_strategy *p2psim_determinism_record(struct p2psim_determinism *d, struct p2psim_strategy *inner)
{
	d->base.pick = pick_recorded;
	d->inner = inner;
	d->count = 0;
	return &d->base;
}

static void compare_ends(struct p2psim_determinism *d, const struct p2psim_execution *x,
			 const struct p2psim_execution *again)
{
	if (d->error[0])
		return;
	if (d->at < d->count)
		tell(d, "the second time it is shorter");
	else if (x->setup_error != again->setup_error)
		tell(d, "its setup fails only once");
	else if (x->verdict != again->verdict)
		tell(d, "after the same steps its verdict is another one");
	else if (p2psim_execution_end_mark(x) != p2psim_execution_end_mark(again))
		tell(d, "after the same steps its end is another one");
}

int p2psim_determinism_repeat(struct p2psim_determinism *d, const struct p2psim_execution *x)
{
	struct p2psim_execution again = *x;
	int error;

	if (d->no_memory)
		return -ENOMEM;
	d->first = x->world;
	d->at = 0;
	d->base.pick = pick_repeated;
	again.world = d->second;
	again.strategy = &d->base;
	p2psim_modules_let_go(x->world); /* its execution is over; there is one copy of a driver's data */
	p2psim_world_enter(d->second);
	p2psim_world_reset(d->second);
	error = p2psim_execution_run(&again);
	p2psim_modules_let_go(d->second);
	p2psim_world_enter(x->world);
	if (error)
		return error;
	compare_ends(d, x, &again);
	return d->error[0] ? -EILSEQ : 0;
}
