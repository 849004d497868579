/* SPDX-License-Identifier: MIT */
/*
 * Spans in a space: the allocator behind a host bridge's window of bus addresses and behind the pages of a BAR.
 *
 *	start                                                      end
 *	  |-- span --|      |-- span --|            |-- span --|    |
 *	              ^gap              ^gap                    ^gap
 *
 * The gaps are walked in order; there are tens of them, so that a tree of gaps would not pay.
 */
#include "p2p/space.h"

#include <p2psim/linux/kernel.h>

static struct p2psim_span *span_of(const struct p2psim_tree_node *node)
{
	return container_of(node, struct p2psim_span, node);
}

static bool span_less(const struct p2psim_tree_node *a, const struct p2psim_tree_node *b)
{
	return span_of(a)->start < span_of(b)->start;
}

static const struct p2psim_tree_ops span_ops = { .less = span_less };

bool p2psim_space_place(const struct p2psim_space *space, u64 size, u64 align, const struct p2psim_span *except,
			u64 *start)
{
	struct p2psim_tree_node *node = p2psim_tree_first(&space->taken);
	u64 at = ALIGN(space->start, align);

	for (; node; node = p2psim_tree_next(node)) {
		if (span_of(node) == except)
			continue;
		if (at <= span_of(node)->start && span_of(node)->start - at >= size)
			break;
		at = ALIGN(span_of(node)->end, align);
	}
	*start = at;
	return at >= space->start && at <= space->end && space->end - at >= size;
}

struct p2psim_span *p2psim_space_next(const struct p2psim_space *space, u64 addr)
{
	struct p2psim_tree_node *node = space->taken.root;
	struct p2psim_span *best = NULL;

	while (node) {
		if (span_of(node)->end > addr) {
			best = span_of(node);
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

struct p2psim_span *p2psim_space_find(const struct p2psim_space *space, u64 addr)
{
	struct p2psim_span *span = p2psim_space_next(space, addr);

	return span && span->start <= addr ? span : NULL;
}

bool p2psim_space_is_free(const struct p2psim_space *space, u64 start, u64 end, const struct p2psim_span *except)
{
	struct p2psim_span *span;

	if (start < space->start || end > space->end || start > end)
		return false;
	span = p2psim_space_next(space, start);
	while (span && span->start < end) {
		struct p2psim_tree_node *next = p2psim_tree_next(&span->node);

		if (span != except)
			return false;
		span = next ? span_of(next) : NULL;
	}
	return true;
}

void p2psim_space_take(struct p2psim_space *space, struct p2psim_span *span)
{
	p2psim_tree_insert(&space->taken, &span->node, &span_ops);
}

void p2psim_space_give(struct p2psim_space *space, struct p2psim_span *span)
{
	p2psim_tree_erase(&space->taken, &span->node, &span_ops);
}

bool p2psim_space_is_valid(const struct p2psim_space *space)
{
	struct p2psim_tree_node *node = p2psim_tree_first(&space->taken);
	u64 at = space->start;

	for (; node; node = p2psim_tree_next(node)) {
		if (span_of(node)->start < at || span_of(node)->end <= span_of(node)->start)
			return false;
		at = span_of(node)->end;
	}
	return at <= space->end && p2psim_tree_is_valid(&space->taken, &span_ops);
}
