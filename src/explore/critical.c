/* SPDX-License-Identifier: MIT */
/*
 * The critical order: what the failing executions have in common that the passing ones lack.
 *
 * Orders are pairs of dependent steps of two tasks, "this one before that one", as the minimal execution has them.  In any
 * other execution an order holds if the first step is taken and the second is not taken before it; so it holds, too, for a
 * step that its task waits to take for ever, which is what a deadlock is made of.  Each execution becomes a mask of the
 * orders that hold:
 *
 *	necessary	bits that all failing masks share
 *	exact		a set of necessary bits that no passing mask contains
 *
 * The order of two critical sections is that of their locks; unlocking is left out.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <p2psim/trace.h>

#include "explore/trial.h"

#define NEVER SIZE_MAX

/* A step of the minimal execution, or one that a task still stands before at its end. */
struct moment {
	uint8_t task;
	size_t at;
	const struct p2psim_op *op;
};

static bool is_unlock(const struct p2psim_op *op)
{
	return op->kind == P2PSIM_STEP_UNLOCK || op->kind == P2PSIM_STEP_RDUNLOCK || op->kind == P2PSIM_STEP_DOWNGRADE;
}

static bool is_lock(const struct p2psim_op *op)
{
	return op->kind == P2PSIM_STEP_LOCK || op->kind == P2PSIM_STEP_RDLOCK;
}

static bool tells_something(const struct moment *a, const struct moment *b)
{
	if (a->task == b->task || !p2psim_steps_depend(a->op, b->op))
		return false;
	if (is_unlock(a->op))
		return b->op->kind == P2PSIM_STEP_TRYLOCK;
	return !is_unlock(b->op) || a->op->kind == P2PSIM_STEP_TRYLOCK;
}

static uint64_t unit_of(const struct p2psim_op *op)
{
	return op->access_count ? op->access[0].start : 0;
}

static uint32_t object_of(const struct p2psim_op *op)
{
	return op->access_count ? op->access[0].obj : 0;
}

static bool looks_like(const struct p2psim_landmark *mark, unsigned int task, const struct p2psim_op *op)
{
	return mark->task == task && mark->kind == op->kind && mark->obj == object_of(op) && mark->start == unit_of(op) &&
	       mark->label == op->label;
}

/* The landmark of a moment, made when there is none yet. */
static size_t landmark(struct p2psim_critical *c, const struct p2psim_search *search, const struct moment *m)
{
	struct p2psim_landmark *mark;
	size_t i;

	for (i = 0; i < c->landmark_count; i++)
		if (c->landmarks[i].at == m->at)
			return i;
	mark = &c->landmarks[c->landmark_count++];
	*mark = (struct p2psim_landmark){ m->task, m->op->kind, object_of(m->op), unit_of(m->op), m->op->label, 1, m->at };
	for (i = 0; i < m->at && i < search->depth; i++)
		mark->nth += looks_like(mark, search->nodes[i].chosen, &search->nodes[i].step);
	return c->landmark_count - 1;
}

/* Lower is more telling: what is near, and data before locks. */
static size_t price(const struct moment *a, const struct moment *b, size_t depth)
{
	return (b->at < depth ? b->at : depth) - a->at + (is_lock(a->op) && is_lock(b->op) ? depth : 0);
}

struct pair {
	struct moment first, second;
	size_t price;
};

static int cheaper_first(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->price != y->price)
		return x->price < y->price ? -1 : 1;
	return x->first.at < y->first.at ? -1 : x->first.at > y->first.at;
}

/* The i-th step, or behind them what each task stands before; false: none such. */
static bool moment_at(const struct p2psim_search *search, size_t i, struct moment *m)
{
	unsigned int task = (unsigned int)(i - search->depth);

	m->at = i;
	if (i < search->depth) {
		m->task = search->nodes[i].chosen;
		m->op = &search->nodes[i].step;
		return true;
	}
	m->task = (uint8_t)task;
	if (!task || task >= P2PSIM_SEARCH_TASKS || !p2psim_task_is_live(search->world, task))
		return false;
	m->op = p2psim_task_pending(search->world, task);
	return true;
}

/* The cheapest pairs, sorted; the number of them. */
static size_t find_pairs(const struct p2psim_search *search, struct pair *pairs)
{
	size_t i, j, count = 0, end = search->depth + p2psim_world_task_count(search->world);
	struct pair pair;

	for (i = 0; i < search->depth; i++) {
		moment_at(search, i, &pair.first);
		for (j = i + 1; j < end; j++) {
			if (!moment_at(search, j, &pair.second) || !tells_something(&pair.first, &pair.second))
				continue;
			pair.price = price(&pair.first, &pair.second, search->depth);
			if (count == P2PSIM_CRITICAL_MAX) {
				if (pair.price >= pairs[count - 1].price)
					continue;
				count--;
			}
			pairs[count++] = pair;
			if (count == P2PSIM_CRITICAL_MAX)
				qsort(pairs, count, sizeof(pairs[0]), cheaper_first);
		}
	}
	qsort(pairs, count, sizeof(pairs[0]), cheaper_first);
	return count;
}

void p2psim_critical_begin(struct p2psim_critical *c, const struct p2psim_search *search)
{
	struct pair pairs[P2PSIM_CRITICAL_MAX];
	size_t i;

	memset(c, 0, sizeof(*c));
	c->order_count = find_pairs(search, pairs);
	for (i = 0; i < c->order_count; i++) {
		c->orders[i].first = landmark(c, search, &pairs[i].first);
		c->orders[i].second = landmark(c, search, &pairs[i].second);
	}
	c->necessary = c->order_count == 64 ? UINT64_MAX : (1ull << c->order_count) - 1;
}

/* Which orders hold in the execution at hand. */
static uint64_t holding(const struct p2psim_critical *c, const struct p2psim_search *search)
{
	size_t at[2 * P2PSIM_CRITICAL_MAX], i, m;
	uint32_t seen[2 * P2PSIM_CRITICAL_MAX] = { 0 };
	uint64_t mask = 0;

	for (m = 0; m < c->landmark_count; m++)
		at[m] = NEVER;
	for (i = 0; i < search->depth; i++)
		for (m = 0; m < c->landmark_count; m++)
			if (looks_like(&c->landmarks[m], search->nodes[i].chosen, &search->nodes[i].step) &&
			    ++seen[m] == c->landmarks[m].nth)
				at[m] = i;
	for (i = 0; i < c->order_count; i++)
		if (at[c->orders[i].first] < at[c->orders[i].second])
			mask |= 1ull << i;
	return mask;
}

int p2psim_critical_add(struct p2psim_critical *c, const struct p2psim_search *search, bool failed)
{
	uint64_t mask = holding(c, search);
	int error = 0;

	c->executions++;
	if (failed)
		c->necessary &= mask;
	else
		error = p2psim_hash_set_add(&c->passing, mask);
	return error < 0 ? error : 0;
}

/* How many sorts of passing execution have all these orders. */
static size_t passing_with(const struct p2psim_critical *c, uint64_t orders)
{
	size_t i, count = 0;

	for (i = 0; i < c->passing.space; i++)
		count += c->passing.slots[i] && !(orders & ~c->passing.slots[i]);
	return count;
}

static uint64_t bit(unsigned int i)
{
	return 1ull << i;
}

/* The first set of `size` necessary orders behind `from` that, with `set`, no passing execution has; 0: none. */
static uint64_t exact_set(const struct p2psim_critical *c, uint64_t set, unsigned int from, unsigned int size)
{
	uint64_t found = 0;
	unsigned int i;

	if (!size)
		return passing_with(c, set) ? 0 : set;
	for (i = from; i < c->order_count && !found; i++)
		if (c->necessary >> i & 1)
			found = exact_set(c, set | bit(i), i + 1, size - 1);
	return found;
}

static uint64_t best_single(const struct p2psim_critical *c)
{
	size_t fewest = SIZE_MAX, count;
	uint64_t best = 0;
	unsigned int i;

	for (i = 0; i < c->order_count; i++) {
		if (!(c->necessary >> i & 1))
			continue;
		count = passing_with(c, bit(i));
		if (count < fewest) {
			fewest = count;
			best = bit(i);
		}
	}
	return best;
}

unsigned int p2psim_critical_solve(const struct p2psim_critical *c, unsigned int chosen[P2PSIM_ORDERS_MAX], bool *exact)
{
	unsigned int size, count = 0, i;
	uint64_t set = 0;

	if (!passing_with(c, c->necessary))
		for (size = 1; size <= P2PSIM_ORDERS_MAX && !set; size++)
			set = exact_set(c, 0, 0, size);
	*exact = set != 0;
	if (!set)
		set = best_single(c);
	for (i = 0; i < c->order_count; i++)
		if (set >> i & 1)
			chosen[count++] = i;
	return count;
}

void p2psim_critical_free(struct p2psim_critical *c)
{
	p2psim_hash_set_free(&c->passing);
}
