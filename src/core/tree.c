/* SPDX-License-Identifier: MIT */
/*
 * The treap of tree.h.  A node's priority comes from how many nodes the tree has seen, through an integer hash: expected
 * depth is logarithmic, and the same calls make the same tree everywhere.
 */
#include "core/tree.h"

static u32 next_priority(struct p2psim_tree *tree)
{
	u32 x = ++tree->inserted * 0x9e3779b1u;

	x ^= x >> 16;
	x *= 0x85ebca6bu;
	x ^= x >> 13;
	x *= 0xc2b2ae35u;
	return x ^ (x >> 16);
}

static inline void augment(struct p2psim_tree_node *node, const struct p2psim_tree_ops *ops)
{
	if (ops->augment)
		ops->augment(node);
}

/* Puts `child` where `node` hung. */
static void replace(struct p2psim_tree *tree, struct p2psim_tree_node *node, struct p2psim_tree_node *child)
{
	struct p2psim_tree_node *parent = node->parent;

	if (!parent)
		tree->root = child;
	else if (parent->left == node)
		parent->left = child;
	else
		parent->right = child;
	if (child)
		child->parent = parent;
}

/* Lifts `node` above its parent, keeping the order. */
static void rotate_up(struct p2psim_tree *tree, struct p2psim_tree_node *node, const struct p2psim_tree_ops *ops)
{
	struct p2psim_tree_node *parent = node->parent;

	replace(tree, parent, node);
	if (parent->left == node) {
		parent->left = node->right;
		if (node->right)
			node->right->parent = parent;
		node->right = parent;
	} else {
		parent->right = node->left;
		if (node->left)
			node->left->parent = parent;
		node->left = parent;
	}
	parent->parent = node;
	augment(parent, ops);
	augment(node, ops);
}

void p2psim_tree_update(struct p2psim_tree_node *node, const struct p2psim_tree_ops *ops)
{
	if (!ops->augment)
		return;
	for (; node; node = node->parent)
		ops->augment(node);
}

void p2psim_tree_insert(struct p2psim_tree *tree, struct p2psim_tree_node *node, const struct p2psim_tree_ops *ops)
{
	struct p2psim_tree_node *parent = NULL, **link = &tree->root;

	while (*link) {
		parent = *link;
		link = ops->less(node, parent) ? &parent->left : &parent->right;
	}
	node->left = node->right = NULL;
	node->parent = parent;
	node->priority = next_priority(tree);
	*link = node;
	augment(node, ops);
	while (node->parent && node->parent->priority < node->priority)
		rotate_up(tree, node, ops);
	p2psim_tree_update(node->parent, ops);
}

void p2psim_tree_erase(struct p2psim_tree *tree, struct p2psim_tree_node *node, const struct p2psim_tree_ops *ops)
{
	struct p2psim_tree_node *left, *right;

	while (node->left && node->right) {
		left = node->left;
		right = node->right;
		rotate_up(tree, left->priority > right->priority ? left : right, ops);
	}
	replace(tree, node, node->left ? node->left : node->right);
	p2psim_tree_update(node->parent, ops);
	node->left = node->right = node->parent = NULL;
}

struct p2psim_tree_node *p2psim_tree_first(const struct p2psim_tree *tree)
{
	struct p2psim_tree_node *node = tree->root;

	while (node && node->left)
		node = node->left;
	return node;
}

struct p2psim_tree_node *p2psim_tree_last(const struct p2psim_tree *tree)
{
	struct p2psim_tree_node *node = tree->root;

	while (node && node->right)
		node = node->right;
	return node;
}

struct p2psim_tree_node *p2psim_tree_next(const struct p2psim_tree_node *node)
{
	if (node->right) {
		for (node = node->right; node->left; node = node->left)
			;
		return (struct p2psim_tree_node *)node;
	}
	while (node->parent && node->parent->right == node)
		node = node->parent;
	return node->parent;
}

struct p2psim_tree_node *p2psim_tree_prev(const struct p2psim_tree_node *node)
{
	if (node->left) {
		for (node = node->left; node->right; node = node->right)
			;
		return (struct p2psim_tree_node *)node;
	}
	while (node->parent && node->parent->left == node)
		node = node->parent;
	return node->parent;
}

static bool links_are_valid(const struct p2psim_tree_node *node)
{
	if (node->left && (node->left->parent != node || node->left->priority > node->priority))
		return false;
	return !node->right || (node->right->parent == node && node->right->priority <= node->priority);
}

bool p2psim_tree_is_valid(const struct p2psim_tree *tree, const struct p2psim_tree_ops *ops)
{
	const struct p2psim_tree_node *node, *prev = NULL;

	if (tree->root && tree->root->parent)
		return false;
	for (node = p2psim_tree_first(tree); node; prev = node, node = p2psim_tree_next(node)) {
		if (!links_are_valid(node))
			return false;
		if (prev && ops->less(node, prev))
			return false;
	}
	return true;
}
