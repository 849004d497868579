/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees, as the textbook has them (Cormen et al., Introduction to Algorithms, chapter 13), with the parent and the
 * colour in one word, and told to the caller where it keeps something about subtrees.
 */
#include <p2psim/linux/rbtree.h>

#define BLACK 1ul

static bool is_red(const struct rb_node *node)
{
	return node && !(node->__rb_parent_color & BLACK);
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->__rb_parent_color = (unsigned long)parent | (node->__rb_parent_color & BLACK);
}

static void set_black(struct rb_node *node)
{
	node->__rb_parent_color |= BLACK;
}

static void set_red(struct rb_node *node)
{
	node->__rb_parent_color &= ~BLACK;
}

/* `child`, perhaps NULL, hangs where `node` hung. */
static void put_in_place(struct rb_node *node, struct rb_node *child, struct rb_root *root)
{
	struct rb_node *parent = rb_parent(node);

	if (!parent)
		root->rb_node = child;
	else if (parent->rb_left == node)
		parent->rb_left = child;
	else
		parent->rb_right = child;
	if (child)
		set_parent(child, parent);
}

/* Lifts `node` above its parent. */
static void rotate(struct rb_node *node, struct rb_root *root, const struct rb_augment_callbacks *augment)
{
	struct rb_node *parent = rb_parent(node), *moved;

	put_in_place(parent, node, root);
	if (parent->rb_left == node) {
		moved = node->rb_right;
		parent->rb_left = moved;
		node->rb_right = parent;
	} else {
		moved = node->rb_left;
		parent->rb_right = moved;
		node->rb_left = parent;
	}
	if (moved)
		set_parent(moved, parent);
	set_parent(parent, node);
	if (augment)
		augment->rotate(parent, node);
}

/* `node` is red; its parent may be, too (R2). */
static void insert(struct rb_node *node, struct rb_root *root, const struct rb_augment_callbacks *augment)
{
	struct rb_node *parent, *grand, *uncle;

	while (is_red(parent = rb_parent(node))) {
		grand = rb_parent(parent);
		uncle = grand->rb_left == parent ? grand->rb_right : grand->rb_left;
		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		if ((parent->rb_left == node) != (grand->rb_left == parent)) {
			rotate(node, root, augment);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		rotate(parent, root, augment);
		break;
	}
	set_black(root->rb_node);
}

/*
 * The ways through `node` (perhaps NULL), a child of `parent`, are one black node short (R3).  The sibling is there: its side has
 * one black node more.
 */
static void add_black(struct rb_node *node, struct rb_node *parent, struct rb_root *root,
		      const struct rb_augment_callbacks *augment)
{
	struct rb_node *sibling, *outer, *inner;

	while (parent && !is_red(node)) {
		bool left = parent->rb_left == node;

		sibling = left ? parent->rb_right : parent->rb_left;
		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(sibling, root, augment);
			sibling = left ? parent->rb_right : parent->rb_left;
		}
		outer = left ? sibling->rb_right : sibling->rb_left;
		inner = left ? sibling->rb_left : sibling->rb_right;
		if (!is_red(outer) && !is_red(inner)) {
			set_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (!is_red(outer)) {
			rotate(inner, root, augment);
			set_black(inner);
			set_red(sibling);
			outer = sibling;
			sibling = inner;
		}
		if (is_red(parent))
			set_red(sibling);
		else
			set_black(sibling);
		set_black(parent);
		set_black(outer);
		rotate(sibling, root, augment);
		return;
	}
	if (node)
		set_black(node);
}

/* The next node in order, which has no left child, takes the place and the colour of `node`, which has two children. */
static void erase_inner(struct rb_node *node, struct rb_root *root, const struct rb_augment_callbacks *augment)
{
	struct rb_node *next = node->rb_right, *parent, *child;
	bool was_red;

	while (next->rb_left)
		next = next->rb_left;
	was_red = is_red(next);
	child = next->rb_right;
	parent = rb_parent(next);
	if (parent == node) {
		parent = next;
	} else {
		put_in_place(next, child, root);
		next->rb_right = node->rb_right;
		set_parent(next->rb_right, next);
	}
	put_in_place(node, next, root);
	next->__rb_parent_color = node->__rb_parent_color;
	next->rb_left = node->rb_left;
	set_parent(next->rb_left, next);
	if (augment) {
		augment->copy(node, next);
		augment->propagate(parent, next);
		augment->propagate(next, NULL);
	}
	if (!was_red)
		add_black(child, parent, root, augment);
}

static void erase(struct rb_node *node, struct rb_root *root, const struct rb_augment_callbacks *augment)
{
	struct rb_node *parent = rb_parent(node), *child = node->rb_left ? node->rb_left : node->rb_right;

	if (node->rb_left && node->rb_right) {
		erase_inner(node, root, augment);
		return;
	}
	put_in_place(node, child, root);
	if (augment)
		augment->propagate(parent, NULL);
	if (!is_red(node))
		add_black(child, parent, root, augment);
}

void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	insert(node, root, NULL);
}

void rb_erase(struct rb_node *node, struct rb_root *root)
{
	erase(node, root, NULL);
}

void rb_insert_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment_callbacks *augment)
{
	insert(node, root, augment);
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment_callbacks *augment)
{
	erase(node, root, augment);
}

void rb_replace_node(struct rb_node *victim, struct rb_node *node, struct rb_root *root)
{
	*node = *victim;
	put_in_place(victim, node, root);
	if (node->rb_left)
		set_parent(node->rb_left, node);
	if (node->rb_right)
		set_parent(node->rb_right, node);
}

/* ---- walks ---- */

static struct rb_node *leftmost(struct rb_node *node)
{
	while (node && node->rb_left)
		node = node->rb_left;
	return node;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return leftmost(root->rb_node);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *node = root->rb_node;

	while (node && node->rb_right)
		node = node->rb_right;
	return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	const struct rb_node *parent;

	if (RB_EMPTY_NODE(node))
		return NULL;
	if (node->rb_right)
		return leftmost(node->rb_right);
	for (parent = rb_parent(node); parent && parent->rb_right == node; parent = rb_parent(node))
		node = parent;
	return (struct rb_node *)parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	const struct rb_node *parent;

	if (RB_EMPTY_NODE(node))
		return NULL;
	if (node->rb_left) {
		for (node = node->rb_left; node->rb_right; node = node->rb_right)
			;
		return (struct rb_node *)node;
	}
	for (parent = rb_parent(node); parent && parent->rb_left == node; parent = rb_parent(node))
		node = parent;
	return (struct rb_node *)parent;
}

static struct rb_node *deepest_first(struct rb_node *node)
{
	while (node && (node->rb_left || node->rb_right))
		node = node->rb_left ? node->rb_left : node->rb_right;
	return node;
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return deepest_first(root->rb_node);
}

struct rb_node *rb_next_postorder(const struct rb_node *node)
{
	struct rb_node *parent = node ? rb_parent(node) : NULL;

	if (parent && parent->rb_left == node && parent->rb_right)
		return deepest_first(parent->rb_right);
	return parent;
}

/* ---- check ---- */

/* How many black nodes lie on each way down, or -1. */
static int black_height(const struct rb_node *node, const struct rb_node *parent)
{
	int left, right;

	if (!node)
		return 0;
	if (rb_parent(node) != parent || (is_red(node) && (is_red(node->rb_left) || is_red(node->rb_right))))
		return -1;
	left = black_height(node->rb_left, node);
	right = black_height(node->rb_right, node);
	return left < 0 || left != right ? -1 : left + !is_red(node);
}

bool p2psim_rbtree_is_valid(const struct rb_root *root)
{
	return !is_red(root->rb_node) && black_height(root->rb_node, NULL) >= 0;
}
