/* SPDX-License-Identifier: MIT */
/*
 * A balanced binary tree inside the objects that it orders (a treap; its priorities are the hashed order of insertion, so
 * the shape depends on nothing but the calls).  Ordered by the caller's comparison; `augment`, when given, recomputes what
 * a node says about its subtree and is called bottom-up after every change.
 */
#ifndef P2PSIM_CORE_TREE_H
#define P2PSIM_CORE_TREE_H

#include <p2psim/linux/mm_types.h>

struct p2psim_tree_ops {
	/* a before b?  Equal elements keep the order of insertion. */
	bool (*less)(const struct p2psim_tree_node *a, const struct p2psim_tree_node *b);
	void (*augment)(struct p2psim_tree_node *node);	/* may be NULL */
};

void p2psim_tree_insert(struct p2psim_tree *tree, struct p2psim_tree_node *node, const struct p2psim_tree_ops *ops);
void p2psim_tree_erase(struct p2psim_tree *tree, struct p2psim_tree_node *node, const struct p2psim_tree_ops *ops);
/* Recomputes the augmentation from `node` up to the root, after its key's payload changed in place. */
void p2psim_tree_update(struct p2psim_tree_node *node, const struct p2psim_tree_ops *ops);
struct p2psim_tree_node *p2psim_tree_first(const struct p2psim_tree *tree);
struct p2psim_tree_node *p2psim_tree_last(const struct p2psim_tree *tree);
struct p2psim_tree_node *p2psim_tree_next(const struct p2psim_tree_node *node);
struct p2psim_tree_node *p2psim_tree_prev(const struct p2psim_tree_node *node);
/* Order, heap and parent links are right (and, with augment, recomputing changes nothing the caller compares). */
bool p2psim_tree_is_valid(const struct p2psim_tree *tree, const struct p2psim_tree_ops *ops);

#endif
