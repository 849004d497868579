/* SPDX-License-Identifier: MIT */
/*
 * The steps that critical orders are made of, in words: the minimal execution with a trace, and which of its steps they are.
 */
#include <stdio.h>

#include <p2psim/trace.h>

#include "explore/trial.h"

/* Follows another strategy and writes down which step of the world each choice became. */
struct numbering {
	struct p2psim_strategy base;
	struct p2psim_strategy *inner;
	const size_t *at;
	struct p2psim_named_step *steps[2 * P2PSIM_ORDERS_MAX];
	unsigned int count;
	size_t depth;
};

static unsigned int pick_numbering(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	struct numbering *n = (struct numbering *)strategy;
	unsigned int i;

	for (i = 0; i < n->count; i++)
		if (n->at[i] == n->depth)
			n->steps[i]->step = p2psim_world_steps(choice->world) + 1;
	n->depth++;
	return n->inner->pick(n->inner, choice);
}

static void name_step(const struct p2psim_trials *t, struct p2psim_named_step *named, size_t at)
{
	const struct p2psim_world *world = t->x.world;
	const struct p2psim_search *search = &t->search;
	const bool taken = at < search->depth;
	const unsigned int task = taken ? search->nodes[at].task : (unsigned int)(at - search->depth);
	const struct p2psim_op *op = taken ? &search->nodes[at].step : p2psim_task_pending(world, task);
	size_t i, count = p2psim_trace_count(world);

	named->site = op->site;
	snprintf(named->task, sizeof(named->task), "%s", p2psim_world_task_name(world, task));
	snprintf(named->what, sizeof(named->what), "%s %s", p2psim_step_kind_name((enum p2psim_step_kind)op->kind),
		 op->access_count ? p2psim_world_object_name(world, op->access[0].obj) : op->label ? op->label : "");
	for (i = 0; taken && i < count; i++) {
		const struct p2psim_event *event = p2psim_trace_at(world, i);

		if (event->type == P2PSIM_EVENT_STEP && event->step == named->step)
			p2psim_event_format(world, event, named->what, sizeof(named->what));
	}
}

int p2psim_name_orders(struct p2psim_trials *t, struct p2psim_guided_strategy *schedule,
		       const size_t at[2 * P2PSIM_ORDERS_MAX], struct p2psim_minimal *minimal)
{
	struct numbering n = { .base.pick = pick_numbering, .inner = &schedule->base, .at = at,
			       .count = 2 * minimal->order_count };
	unsigned int i;
	int error;

	for (i = 0; i < n.count; i++)
		n.steps[i] = i & 1 ? &minimal->orders[i / 2].second : &minimal->orders[i / 2].first;
	p2psim_guided_begin(schedule);
	error = p2psim_trial(t, &n.base);
	if (error < 0)
		return error;
	for (i = 0; i < n.count; i++)
		name_step(t, n.steps[i], at[i]);
	minimal->verdict = t->x.verdict;
	if (p2psim_world_violation(t->x.world))
		minimal->violation = *p2psim_world_violation(t->x.world);
	return 0;
}
