/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/interval_tree.h, 6.1 (reduced: no spans).
 *
 * A tree of closed intervals [start, last], ordered by start; intervals with the same start keep the order in which
 * they came.  Every node knows the greatest `last` below it, so that the intervals that touch a range are found in
 * O(log n + found).  The caller fills start and last, start <= last, and leaves them alone while the node is in a
 * tree.
 *
 * The tree takes no lock and no step: whoever shares one brings both.
 */
#ifndef P2PSIM_LINUX_INTERVAL_TREE_H
#define P2PSIM_LINUX_INTERVAL_TREE_H

#include <p2psim/linux/rbtree.h>

P2PSIM_BEGIN_DECLS

struct interval_tree_node {
	struct rb_node rb;
	unsigned long start;
	unsigned long last;		/* inclusive */
	unsigned long __subtree_last;	/* the greatest `last` of this node and those below it */
};

P2PSIM_EXPORT void interval_tree_insert(struct interval_tree_node *node, struct rb_root_cached *root);
/* `node` must be in `root`. */
P2PSIM_EXPORT void interval_tree_remove(struct interval_tree_node *node, struct rb_root_cached *root);

/*
 * The first interval, by start, that has a point in common with [start, last]; NULL if there is none.
 * interval_tree_iter_next() gives the one after `node`, for the same start and last.
 */
P2PSIM_EXPORT struct interval_tree_node *interval_tree_iter_first(struct rb_root_cached *root, unsigned long start,
								  unsigned long last);
P2PSIM_EXPORT struct interval_tree_node *interval_tree_iter_next(struct interval_tree_node *node, unsigned long start,
								 unsigned long last);

/* Order, parent links and every __subtree_last are right. */
P2PSIM_EXPORT bool p2psim_interval_tree_is_valid(const struct rb_root_cached *root);

P2PSIM_END_DECLS

#endif
