/* SPDX-License-Identifier: MIT */
/*
 * The tree of closed intervals: the library's treap, ordered by start, each node knowing the greatest `last` below it.
 *
 *	                 [30,40] .90
 *	                /           \
 *	       [10,90] .90        [50,55] .70
 *	        /                       \
 *	   [5,7] .7                   [60,70] .70
 *
 * A query [s, l] need not look below a node whose number is less than s, nor right of one whose start is past l.
 * Compared with the kernel: a treap for a red-black tree, functions for macros that generate them.
 */
#include <p2psim/linux/interval_tree.h>

#include "core/tree.h"

static struct interval_tree_node *entry_of(const struct p2psim_tree_node *node)
{
	return node ? container_of((struct p2psim_tree_node *)node, struct interval_tree_node, rb) : NULL;
}

static bool starts_before(const struct p2psim_tree_node *a, const struct p2psim_tree_node *b)
{
	return entry_of(a)->start < entry_of(b)->start;
}

static unsigned long subtree_last(const struct p2psim_tree_node *node)
{
	const struct interval_tree_node *left = entry_of(node->left), *right = entry_of(node->right);
	unsigned long last = entry_of(node)->last;

	if (left && left->__subtree_last > last)
		last = left->__subtree_last;
	if (right && right->__subtree_last > last)
		last = right->__subtree_last;
	return last;
}

static void keep_subtree_last(struct p2psim_tree_node *node)
{
	entry_of(node)->__subtree_last = subtree_last(node);
}

static const struct p2psim_tree_ops interval_ops = {
	.less = starts_before,
	.augment = keep_subtree_last,
};

void interval_tree_insert(struct interval_tree_node *node, struct rb_root_cached *root)
{
	p2psim_tree_insert(&root->tree, &node->rb, &interval_ops);
}

void interval_tree_remove(struct interval_tree_node *node, struct rb_root_cached *root)
{
	p2psim_tree_erase(&root->tree, &node->rb, &interval_ops);
}

/* The leftmost node of the subtree that touches [start, last].  Goes down only: O(depth). */
static struct interval_tree_node *leftmost(struct interval_tree_node *node, unsigned long start, unsigned long last)
{
	while (node && node->__subtree_last >= start) {
		struct interval_tree_node *left = entry_of(node->rb.left);

		if (left && left->__subtree_last >= start) {
			/* Somebody on the left reaches start; if none of them begins by last, nobody else does. */
			node = left;
		} else if (node->start > last) {
			return NULL;
		} else if (node->last >= start) {
			return node;
		} else {
			node = entry_of(node->rb.right);
		}
	}
	return NULL;
}

struct interval_tree_node *interval_tree_iter_first(struct rb_root_cached *root, unsigned long start,
						    unsigned long last)
{
	return leftmost(entry_of(root->tree.root), start, last);
}

struct interval_tree_node *interval_tree_iter_next(struct interval_tree_node *node, unsigned long start,
						   unsigned long last)
{
	struct p2psim_tree_node *at = &node->rb, *from;

	for (;;) {
		struct interval_tree_node *right = entry_of(at->right);

		if (right && right->__subtree_last >= start)
			return leftmost(right, start, last);
		do {
			from = at;
			at = at->parent;
		} while (at && at->right == from);
		if (!at || entry_of(at)->start > last)
			return NULL;
		if (entry_of(at)->last >= start)
			return entry_of(at);
	}
}

bool p2psim_interval_tree_is_valid(const struct rb_root_cached *root)
{
	const struct p2psim_tree_node *node;

	if (!p2psim_tree_is_valid(&root->tree, &interval_ops))
		return false;
	for (node = p2psim_tree_first(&root->tree); node; node = p2psim_tree_next(node)) {
		const struct interval_tree_node *entry = entry_of(node);

		if (entry->start > entry->last || entry->__subtree_last != subtree_last(node))
			return false;
	}
	return true;
}
