/* SPDX-License-Identifier: MIT */
/*
 * Depth-first search over executions, by replaying: the stack of nodes is the schedule of the execution at hand, the
 * next execution changes the deepest node that has something left to try.
 *
 *	fixed prefix				new nodes
 *	n0 ---- n1 ---- ... ---- n[fixed-1] ---- n[fixed] ---- ...
 *				 chosen: the new branch
 *
 * sleep: after a branch is done, its task sleeps in the node's later branches, until a step that depends on its own.
 * An execution in which all that can run is asleep repeats a trace and is given up ("redundant").
 */
#include <stdlib.h>
#include <string.h>

#include "explore/coverage.h"
#include "explore/search.h"

bool p2psim_steps_depend(const struct p2psim_op *a, const struct p2psim_op *b)
{
	unsigned int i, j;

	for (i = 0; i < a->access_count; i++)
		for (j = 0; j < b->access_count; j++) {
			const struct p2psim_access *x = &a->access[i], *y = &b->access[j];

			if (x->obj == y->obj && (x->write || y->write) && x->start <= y->last && y->start <= x->last)
				return true;
		}
	return false;
}

static uint64_t bit(unsigned int task)
{
	return 1ull << task;
}

struct p2psim_glance p2psim_search_glance(const struct p2psim_op *op)
{
	struct p2psim_glance glance = { 0 };
	unsigned int i;

	for (i = 0; i < op->access_count; i++) {
		uint64_t object = bit(op->access[i].obj * 0x9e3779b9u >> 26);

		glance.names |= object;
		glance.writes |= op->access[i].write ? object : 0;
	}
	return glance;
}

static struct p2psim_node *grow(struct p2psim_search *search)
{
	size_t space = search->space ? 2 * search->space : 128;
	struct p2psim_glance *glances;
	struct p2psim_node *nodes;

	if (search->depth < search->space)
		return &search->nodes[search->depth];
	nodes = realloc(search->nodes, space * sizeof(*nodes));
	if (!nodes)
		return NULL;
	search->nodes = nodes;
	glances = realloc(search->glances, space * sizeof(*glances));
	if (!glances)
		return NULL;
	search->glances = glances;
	search->space = space;
	return &search->nodes[search->depth];
}

/* Sleepers of the new node: those of the parent, and its finished branches, that do not depend on the step between. */
static uint64_t inherited_sleep(const struct p2psim_search *search)
{
	const struct p2psim_node *parent;
	uint64_t candidates, sleep = 0;

	if (!search->depth)
		return 0;
	parent = &search->nodes[search->depth - 1];
	candidates = (parent->sleep | parent->done) & ~p2psim_search_outcomes(parent->task);
	for (; candidates; candidates &= candidates - 1) {
		unsigned int chosen = (unsigned int)__builtin_ctzll(candidates);

		if (!p2psim_steps_depend(p2psim_task_pending(search->world, p2psim_search_task(chosen)), &parent->step))
			sleep |= bit(chosen);
	}
	return sleep;
}

/* What taking `chosen` here costs in preemptions. */
static unsigned int cost(const struct p2psim_search *search, const struct p2psim_node *node, unsigned int chosen)
{
	bool could_go_on = search->depth && (node->enabled & bit(node->last));

	return could_go_on && p2psim_search_task(chosen) != node->last && !p2psim_task_pending(search->world, node->last)->yields;
}

static uint64_t within_bound(const struct p2psim_search *search, const struct p2psim_node *node, unsigned int used)
{
	uint64_t mask = node->enabled, allowed = 0;

	for (; mask; mask &= mask - 1) {
		unsigned int task = (unsigned int)__builtin_ctzll(mask);

		if (used + cost(search, node, task) <= search->bound)
			allowed |= bit(task);
	}
	return allowed;
}

/* What systematic search wants to try at a new node, and what it tries first. */
static bool plan(struct p2psim_search *search, struct p2psim_node *node, unsigned int fallback, unsigned int used)
{
	uint64_t open = node->enabled & ~node->sleep;

	if (!open) {
		search->redundant = true;
		return false;
	}
	node->chosen = (uint8_t)(open & bit(fallback) ? fallback : (unsigned int)__builtin_ctzll(open));
	node->done = 0;
	switch (search->kind) {
	case P2PSIM_EXPLORE_DPOR:
		node->back = node->enabled;
		if (search->depth >= search->split && !search->in_blocks)
			node->back &= p2psim_search_outcomes(p2psim_search_task(node->chosen));
		break;
	case P2PSIM_EXPLORE_ICB:
		node->back = within_bound(search, node, used);
		break;
	default:
		node->back = node->enabled;
		break;
	}
	return true;
}

/* A clock says what happens before a step, so the sum over all steps of (task, clock) tells traces apart. */
static uint64_t hash_of(const struct p2psim_search *search, const struct p2psim_node *node)
{
	uint64_t hash = node->chosen + 1ull;
	unsigned int t;

	for (t = 0; t < search->tasks; t++) {
		if (!node->clock[t])
			continue;
		hash = (hash ^ ((uint64_t)t << 32 | node->clock[t])) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 31;
	}
	return hash * hash;
}

const uint16_t *p2psim_search_past(const struct p2psim_search *search, int32_t previous)
{
	static const uint16_t nothing[P2PSIM_SEARCH_TASKS];

	return previous < 0 ? nothing : search->nodes[previous].clock;
}

/* What happens before the step at `at`: its task's past, and that of every step that it depends on. */
static void find_clock(struct p2psim_search *search, size_t at)
{
	struct p2psim_node *node = &search->nodes[at];
	const uint16_t *past = p2psim_search_past(search, node->previous);
	struct p2psim_glance *own = &search->glances[at], *earlier = own;
	size_t unordered = p2psim_search_unordered(search, past, at);

	*own = p2psim_search_glance(&node->step);
	own->task = node->task;
	own->nth = node->nth;
	memcpy(node->clock, past, sizeof(node->clock));
	node->clock[node->task] = node->nth;
	while (unordered) {
		earlier--;
		if (past[earlier->task] >= earlier->nth)
			continue;
		unordered--;
		if (node->clock[earlier->task] < earlier->nth && p2psim_glances_meet(earlier, own) &&
		    p2psim_steps_depend(&search->nodes[earlier - search->glances].step, &node->step))
			p2psim_search_join(search, node->clock, search->nodes[earlier - search->glances].clock);
	}
	node->trace = (at ? search->nodes[at - 1].trace : 0) + hash_of(search, node);
}

/* The chosen step is about to be taken: what it is and what happens before it. */
static void settle(struct p2psim_search *search, size_t at)
{
	struct p2psim_node *node = &search->nodes[at];

	node->task = (uint8_t)p2psim_search_task(node->chosen);
	if (node->task >= search->tasks)
		search->tasks = node->task + 1u;
	if (search->want_steps)
		node->step = *p2psim_task_pending(search->world, node->task);
	node->previous = search->latest[node->task];
	node->nth = node->previous < 0 ? 1 : (uint16_t)(search->nodes[node->previous].nth + 1);
	node->preemptions = (uint16_t)((at ? search->nodes[at - 1].preemptions : 0) + cost(search, node, node->chosen));
	if (search->coverage)
		node->place = p2psim_coverage_number(search->coverage, search->world, &node->step);
	if (search->want_clocks)
		find_clock(search, at);
	if (search->kind == P2PSIM_EXPLORE_DPOR && !search->in_blocks)
		p2psim_dpor_at_step(search, at);
	search->latest[node->task] = (int32_t)at;
}

/* Does the prescribed part of the execution repeat what it was? */
static bool repeats(const struct p2psim_search *search, const struct p2psim_node *node, uint64_t enabled)
{
	const struct p2psim_op *now = p2psim_task_pending(search->world, p2psim_search_task(node->chosen)), *then = &node->step;

	if (node->enabled != enabled)
		return false;
	if (search->depth + 1 == search->fixed)
		return true; /* the new branch */
	return now->kind == then->kind && now->access_count == then->access_count && now->label == then->label &&
	       (!now->access_count ||
		(now->access[0].obj == then->access[0].obj && now->access[0].start == then->access[0].start));
}

static unsigned int give_up(struct p2psim_search *search, const struct p2psim_choice *choice)
{
	p2psim_world_end(search->world);
	return choice->fallback;
}

static bool sleeps(const struct p2psim_search *search)
{
	return !search->in_blocks && (search->kind == P2PSIM_EXPLORE_DPOR || search->kind == P2PSIM_EXPLORE_SLEEP);
}

/* A task's next step has no number in a clock. */
static bool is_past_counting(const struct p2psim_search *search, const struct p2psim_choice *choice)
{
	const int32_t previous = choice->last < P2PSIM_SEARCH_TASKS ? search->latest[choice->last] : -1;

	return previous >= 0 && search->nodes[previous].nth == UINT16_MAX;
}

static unsigned int pick(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	struct p2psim_search *search = (struct p2psim_search *)strategy;
	struct p2psim_node *node = grow(search);

	if (!node || (!choice->adverse && choice->enabled >> P2PSIM_SEARCH_TASKS)) {
		search->no_memory = true;
		return give_up(search, choice);
	}
	if (search->depth == search->max_depth || (search->want_clocks && is_past_counting(search, choice))) {
		search->cut = true;
		return give_up(search, choice);
	}
	if (search->skip && search->depth == search->split) {
		search->skipped = true;
		return give_up(search, choice);
	}
	if (search->depth < search->fixed) {
		if (!repeats(search, node, choice->enabled)) {
			search->diverged = true;
			return give_up(search, choice);
		}
	} else {
		node->enabled = choice->enabled;
		node->last = (uint8_t)choice->last;
		node->sleep = sleeps(search) ? inherited_sleep(search) : 0;
		if (search->sampler)
			node->chosen = (uint8_t)search->sampler->pick(search->sampler, choice);
		else if (!plan(search, node, choice->fallback, search->depth ? node[-1].preemptions : 0))
			return give_up(search, choice);
	}
	if (search->depth + 1 >= search->fixed)
		settle(search, search->depth);
	else
		search->latest[node->task] = (int32_t)search->depth;
	search->depth++;
	if (search->decisions)
		*search->decisions = search->depth;
	if (search->depth == search->stop_at) {
		search->stopped_task = node->task;
		p2psim_world_end(search->world);
	}
	return node->chosen;
}

void p2psim_search_init(struct p2psim_search *search, enum p2psim_strategy_kind kind, unsigned int bound)
{
	memset(search, 0, sizeof(*search));
	search->base.pick = pick;
	search->kind = kind;
	search->bound = bound;
	search->want_steps = true;
	search->want_clocks = kind == P2PSIM_EXPLORE_DPOR || kind == P2PSIM_EXPLORE_SLEEP;
	search->max_depth = P2PSIM_MAX_DEPTH;
}

void p2psim_search_free(struct p2psim_search *search)
{
	free(search->nodes);
	free(search->glances);
	search->nodes = NULL;
	search->glances = NULL;
}

void p2psim_search_begin(struct p2psim_search *search, struct p2psim_world *world)
{
	unsigned int t;

	search->world = world;
	search->in_blocks = p2psim_world_config(world)->nonpreemptive;
	search->depth = 0;
	search->redundant = search->cut = search->diverged = search->skipped = false;
	if (search->covered >= search->fixed)
		search->covered = search->fixed ? search->fixed - 1 : 0;
	for (t = 0; t < P2PSIM_SEARCH_TASKS; t++)
		search->latest[t] = -1;
}

bool p2psim_search_next(struct p2psim_search *search)
{
	size_t at = search->depth;

	if (search->kind == P2PSIM_EXPLORE_DPOR && !search->in_blocks && !search->cut && !search->skipped)
		p2psim_dpor_at_end(search, search->redundant ? search->nodes[at].enabled : 0);
	while (at--) {
		struct p2psim_node *node = &search->nodes[at];
		uint64_t open;

		node->done |= bit(node->chosen);
		open = node->back & ~node->done & ~node->sleep;
		if (open) {
			node->chosen = (uint8_t)__builtin_ctzll(open);
			search->fixed = at + 1;
			search->part += at < search->split;
			return true;
		}
	}
	return false;
}

unsigned int p2psim_search_done_ppm(const struct p2psim_search *search)
{
	double share = 1, done = 0;
	size_t i;

	for (i = 0; i < search->depth; i++) {
		const struct p2psim_node *node = &search->nodes[i];
		const uint64_t behind = node->done & ~bit(node->chosen);
		const int branches = __builtin_popcountll((node->back & ~node->sleep) | node->done | bit(node->chosen));

		done += share * __builtin_popcountll(behind) / branches;
		share /= branches;
	}
	return (unsigned int)((done + share) * 1e6);
}

uint64_t p2psim_search_trace(const struct p2psim_search *search)
{
	return search->depth ? search->nodes[search->depth - 1].trace : 0;
}

unsigned int p2psim_search_preemptions(const struct p2psim_search *search)
{
	return search->depth ? search->nodes[search->depth - 1].preemptions : 0;
}
