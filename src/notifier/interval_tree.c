/* SPDX-License-Identifier: MIT */
/*
 * The tree of closed intervals, of unsigned long: what interval_tree_generic.h generates, and a check of it.
 */
#include <p2psim/linux/interval_tree.h>
#include <p2psim/linux/interval_tree_generic.h>

#define START(node) ((node)->start)
#define LAST(node) ((node)->last)

INTERVAL_TREE_DEFINE(struct interval_tree_node, rb, unsigned long, __subtree_last, START, LAST, , interval_tree);

bool p2psim_interval_tree_is_valid(const struct rb_root_cached *root)
{
	unsigned long start = 0;
	struct rb_node *node;

	if (!p2psim_rbtree_is_valid(&root->rb_root) || root->rb_leftmost != rb_first(&root->rb_root))
		return false;
	for (node = root->rb_leftmost; node; node = rb_next(node)) {
		struct interval_tree_node *entry = rb_entry(node, struct interval_tree_node, rb);

		if (entry->start > entry->last || entry->start < start ||
		    entry->__subtree_last != interval_tree_augment_of_subtree(entry))
			return false;
		start = entry->start;
	}
	return true;
}
