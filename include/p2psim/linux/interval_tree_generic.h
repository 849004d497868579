/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/interval_tree_generic.h, 6.1 (same): functions for a tree of closed intervals of one's own type.
 *
 *	INTERVAL_TREE_DEFINE(struct, rb_node field, type of a point, field for the greatest last below,
 *			     START(entry), LAST(entry), static or nothing, prefix)
 *
 * gives prefix_insert(), prefix_remove(), prefix_iter_first() and prefix_iter_next() on a struct rb_root_cached.  Ordered by
 * start; intervals with the same start keep the order in which they came.  The intervals that touch a range are found in
 * O(log n + found):
 *
 *	                 [30,40] .90
 *	                /           \
 *	       [10,90] .90        [50,55] .70
 *	        /                       \
 *	   [5,7] .7                   [60,70] .70
 *
 * A query [s, l] need not look below a node whose number (the greatest `last` below it) is less than s, nor right of one whose
 * start is past l.
 */
#ifndef P2PSIM_LINUX_INTERVAL_TREE_GENERIC_H
#define P2PSIM_LINUX_INTERVAL_TREE_GENERIC_H

#include <p2psim/linux/rbtree.h>

#define INTERVAL_TREE_DEFINE(itstruct, itrb, ittype, itsubtree, ITSTART, ITLAST, itstatic, itprefix)                   \
	RB_DECLARE_CALLBACKS_MAX(static, itprefix##_augment, itstruct, itrb, ittype, itsubtree, ITLAST);               \
                                                                                                                       \
	itstatic void itprefix##_insert(itstruct *node, struct rb_root_cached *root)                                   \
	{                                                                                                              \
		struct rb_node **link = &root->rb_root.rb_node, *parent = NULL;                                        \
		ittype start = ITSTART(node), last = ITLAST(node);                                                     \
		bool leftmost = true;                                                                                  \
                                                                                                                       \
		while (*link) {                                                                                        \
			itstruct *above = rb_entry(*link, itstruct, itrb);                                             \
                                                                                                                       \
			parent = *link;                                                                                \
			if (above->itsubtree < last)                                                                   \
				above->itsubtree = last;                                                               \
			if (start < ITSTART(above)) {                                                                  \
				link = &parent->rb_left;                                                               \
			} else {                                                                                       \
				link = &parent->rb_right;                                                              \
				leftmost = false;                                                                      \
			}                                                                                              \
		}                                                                                                      \
		node->itsubtree = last;                                                                                \
		rb_link_node(&node->itrb, parent, link);                                                               \
		rb_insert_augmented_cached(&node->itrb, root, leftmost, &itprefix##_augment);                          \
	}                                                                                                              \
                                                                                                                       \
	itstatic void itprefix##_remove(itstruct *node, struct rb_root_cached *root)                                   \
	{                                                                                                              \
		rb_erase_augmented_cached(&node->itrb, root, &itprefix##_augment);                                     \
	}                                                                                                              \
                                                                                                                       \
	/* The leftmost of this subtree that touches [start, last].  Goes down only. */                                \
	static inline itstruct *itprefix##_leftmost(itstruct *node, ittype start, ittype last)                         \
	{                                                                                                              \
		while (node && node->itsubtree >= start) {                                                             \
			itstruct *left = rb_entry_safe(node->itrb.rb_left, itstruct, itrb);                            \
                                                                                                                       \
			if (left && left->itsubtree >= start)                                                          \
				node = left;                                                                           \
			else if (ITSTART(node) > last)                                                                 \
				return NULL;                                                                           \
			else if (ITLAST(node) >= start)                                                                \
				return node;                                                                           \
			else                                                                                           \
				node = rb_entry_safe(node->itrb.rb_right, itstruct, itrb);                             \
		}                                                                                                      \
		return NULL;                                                                                           \
	}                                                                                                              \
                                                                                                                       \
	itstatic itstruct *itprefix##_iter_first(struct rb_root_cached *root, ittype start, ittype last)               \
	{                                                                                                              \
		return itprefix##_leftmost(rb_entry_safe(root->rb_root.rb_node, itstruct, itrb), start, last);         \
	}                                                                                                              \
                                                                                                                       \
	itstatic itstruct *itprefix##_iter_next(itstruct *node, ittype start, ittype last)                             \
	{                                                                                                              \
		struct rb_node *at = &node->itrb, *from;                                                               \
                                                                                                                       \
		for (;;) {                                                                                             \
			itstruct *right = rb_entry_safe(at->rb_right, itstruct, itrb);                                 \
                                                                                                                       \
			if (right && right->itsubtree >= start)                                                        \
				return itprefix##_leftmost(right, start, last);                                        \
			do {                                                                                           \
				from = at;                                                                             \
				at = rb_parent(at);                                                                    \
			} while (at && at->rb_right == from);                                                          \
			if (!at || ITSTART(rb_entry(at, itstruct, itrb)) > last)                                       \
				return NULL;                                                                           \
			if (ITLAST(rb_entry(at, itstruct, itrb)) >= start)                                             \
				return rb_entry(at, itstruct, itrb);                                                   \
		}                                                                                                      \
	}                                                                                                              \
	struct rb_root_cached

#endif
