/* SPDX-License-Identifier: MIT */
/*
 * Places are numbered as they come, when the step is about to be taken: later its object may have no name any more.  An order
 * is a pair of numbers in a set and, as they came, in a list.  An execution is looked at when it has ended well, and only
 * behind what it shares with the one before.
 *
 * The same line may have several static sites (a header that many files include), and a label several addresses: places are
 * compared by what they say.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p2psim/trace.h>

#include "explore/coverage.h"

#define PLACES_MAX 0xffff
#define ALIASES 1024			/* a power of two */

struct pair {
	uint16_t first, second;
	bool forward, backward;
};

/* A site, and the number of the place that it last was: spares the search among all places. */
struct alias {
	const struct p2psim_site *site;
	unsigned int number;		/* from 1; 0 = free */
};

struct p2psim_coverage {
	struct p2psim_coverage_place *places;
	size_t place_count, place_space;
	struct alias aliases[ALIASES];
	struct p2psim_hash_set set;	/* of before << 16 | after, plus 1 */
	uint32_t *orders;		/* the same, as they came */
	size_t order_count, order_space;
	struct pair *pairs;		/* sorted */
	size_t pair_count;
};

static const struct p2psim_site nowhere = { "", "?", 0 };

struct p2psim_coverage *p2psim_coverage_create(void)
{
	return calloc(1, sizeof(struct p2psim_coverage));
}

void p2psim_coverage_destroy(struct p2psim_coverage *coverage)
{
	if (!coverage)
		return;
	p2psim_hash_set_free(&coverage->set);
	free(coverage->places);
	free(coverage->orders);
	free(coverage->pairs);
	free(coverage);
}

/* Room for one more of `size` bytes. */
static void *grown(void *array, size_t count, size_t *space, size_t size)
{
	size_t more = *space ? 2 * *space : 64;
	void *bigger;

	if (count < *space)
		return array;
	bigger = realloc(array, more * size);
	if (bigger)
		*space = more;
	return bigger;
}

/* By file, line and what is done there. */
static int compare(const struct p2psim_coverage_place *a, const struct p2psim_coverage_place *b)
{
	int by = strcmp(a->site->file, b->site->file);

	if (!by)
		by = (a->site->line > b->site->line) - (a->site->line < b->site->line);
	if (!by)
		by = strcmp(a->site->func, b->site->func);
	return by ? by : strcmp(a->what, b->what);
}

/* Its number, from 1; 0: no memory, or too many. */
static unsigned int intern(struct p2psim_coverage *c, const struct p2psim_coverage_place *place)
{
	void *bigger;
	size_t i;

	for (i = 0; i < c->place_count; i++)
		if (!compare(&c->places[i], place))
			return (unsigned int)i + 1;
	bigger = c->place_count < PLACES_MAX ? grown(c->places, i, &c->place_space, sizeof(*c->places)) : NULL;
	if (!bigger)
		return 0;
	c->places = bigger;
	c->places[c->place_count++] = *place;
	return (unsigned int)c->place_count;
}

/* What it touches, or what it is called. */
static const char *object_of(const struct p2psim_world *world, const struct p2psim_op *op)
{
	if (op->access_count)
		return p2psim_world_object_name(world, op->access[0].obj);
	return op->label ? op->label : "";
}

static bool is_at(const struct p2psim_coverage_place *place, const struct p2psim_op *op, const char *object)
{
	const char *known = place->what + place->kind_length;
	const size_t room = sizeof(place->what) - 1 - place->kind_length, length = strnlen(object, room);

	return place->site == op->site && place->kind == op->kind && place->label == op->label &&
	       !strncmp(known, object, length) && (!known[length] || (op->label && known[length] == ' '));
}

uint16_t p2psim_coverage_number(struct p2psim_coverage *c, const struct p2psim_world *world, const struct p2psim_op *op)
{
	const uintptr_t key = (uintptr_t)op->site / 8 + op->kind * 31u + (op->access_count ? op->access[0].obj : 0);
	struct alias *alias = &c->aliases[key % ALIASES];
	const char *object = object_of(world, op), *label = op->access_count ? op->label : NULL;
	struct p2psim_coverage_place place = { op->site ? op->site : &nowhere, op->label, op->kind, 0, "" };

	if (alias->number && alias->site == op->site && is_at(&c->places[alias->number - 1], op, object))
		return (uint16_t)alias->number;
	place.kind_length = (uint16_t)snprintf(place.what, sizeof(place.what), "%s ",
					       p2psim_step_kind_name((enum p2psim_step_kind)op->kind));
	snprintf(place.what + place.kind_length, sizeof(place.what) - place.kind_length, "%s%s%s%s", object, label ? " (" : "",
		 label ? label : "", label ? ")" : "");
	*alias = (struct alias){ op->site, intern(c, &place) };
	return (uint16_t)alias->number;
}

static int add(struct p2psim_coverage *c, unsigned int before, unsigned int after)
{
	const uint32_t order = (before - 1) << 16 | (after - 1);
	int ret = p2psim_hash_set_add(&c->set, (uint64_t)order + 1);
	void *bigger;

	if (ret <= 0)
		return ret;
	bigger = grown(c->orders, c->order_count, &c->order_space, sizeof(*c->orders));
	if (!bigger)
		return -ENOMEM;
	c->orders = bigger;
	c->orders[c->order_count++] = order;
	return 0;
}

static int add_step(struct p2psim_coverage *c, struct p2psim_search *search, size_t at)
{
	const struct p2psim_node *node = &search->nodes[at], *earlier;
	int error = node->place ? 0 : -ENOMEM;

	while (at-- && !error) {
		earlier = &search->nodes[at];
		if (earlier->task != node->task && p2psim_steps_depend(&earlier->step, &node->step))
			error = add(c, earlier->place, node->place);
	}
	return error;
}

int p2psim_coverage_execution(struct p2psim_coverage *coverage, struct p2psim_search *search)
{
	int error = 0;

	while (search->covered < search->depth && !error)
		error = add_step(coverage, search, search->covered++);
	return error;
}

int p2psim_coverage_add(struct p2psim_coverage *coverage, const struct p2psim_coverage_order *order)
{
	struct p2psim_coverage_place first = order->before, second = order->after;
	unsigned int before, after;

	first.site = first.site ? first.site : &nowhere;
	second.site = second.site ? second.site : &nowhere;
	before = intern(coverage, &first);
	after = intern(coverage, &second);
	return before && after ? add(coverage, before, after) : -ENOMEM;
}

size_t p2psim_coverage_count(const struct p2psim_coverage *coverage)
{
	return coverage->order_count;
}

struct p2psim_coverage_order p2psim_coverage_at(const struct p2psim_coverage *coverage, size_t index)
{
	const uint32_t order = coverage->orders[index];

	return (struct p2psim_coverage_order){ coverage->places[order >> 16], coverage->places[order & 0xffff] };
}

/* ---- pairs ---- */

static int compare_pairs(const void *a, const void *b, void *coverage)
{
	const struct p2psim_coverage *c = coverage;
	const struct pair *x = a, *y = b;
	int by = compare(&c->places[x->first], &c->places[y->first]);

	return by ? by : compare(&c->places[x->second], &c->places[y->second]);
}

static struct pair pair_of(const struct p2psim_coverage *c, uint32_t order)
{
	const uint16_t before = (uint16_t)(order >> 16), after = (uint16_t)order;

	if (compare(&c->places[before], &c->places[after]) > 0)
		return (struct pair){ after, before, .backward = true };
	return (struct pair){ before, after, .forward = true };
}

int p2psim_coverage_sort(struct p2psim_coverage *coverage)
{
	struct pair *pairs = malloc((coverage->order_count + 1) * sizeof(*pairs));
	size_t i, kept = 0;

	if (!pairs)
		return -ENOMEM;
	for (i = 0; i < coverage->order_count; i++)
		pairs[i] = pair_of(coverage, coverage->orders[i]);
	qsort_r(pairs, coverage->order_count, sizeof(*pairs), compare_pairs, coverage);
	for (i = 0; i < coverage->order_count; i++) {
		if (kept && !compare_pairs(&pairs[kept - 1], &pairs[i], coverage)) {
			pairs[kept - 1].forward |= pairs[i].forward;
			pairs[kept - 1].backward |= pairs[i].backward;
			continue;
		}
		pairs[kept++] = pairs[i];
	}
	free(coverage->pairs);
	coverage->pairs = pairs;
	coverage->pair_count = kept;
	return 0;
}

size_t p2psim_coverage_pairs(const struct p2psim_coverage *coverage)
{
	return coverage->pair_count;
}

struct p2psim_covered_pair p2psim_coverage_pair(const struct p2psim_coverage *coverage, size_t index)
{
	const struct pair *pair = &coverage->pairs[index];
	const struct p2psim_coverage_place *first = &coverage->places[pair->first], *second = &coverage->places[pair->second];

	return (struct p2psim_covered_pair){
		.first = { first->site, first->what },
		.second = { second->site, second->what },
		.forward = pair->forward,
		.backward = pair->backward,
		.same = pair->first == pair->second,
	};
}

size_t p2psim_coverage_orders(const struct p2psim_coverage *coverage, size_t *possible)
{
	size_t i;

	if (possible)
		*possible = 0;
	for (i = 0; i < coverage->pair_count && possible; i++)
		*possible += coverage->pairs[i].first == coverage->pairs[i].second ? 1 : 2;
	return coverage->order_count;
}
