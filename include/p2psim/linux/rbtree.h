/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/rbtree.h, rbtree_augmented.h, 6.1 (same, but for what latches and RCU need).
 *
 * A red-black tree inside the objects that it orders.  The caller goes down by its own comparison, links the node where it
 * belongs, and calls rb_insert_color().  In a tree of the _cached kind the first node is known at once.
 *
 *	R1. The root is black.
 *	R2. A red node has no red child.
 *	R3. All ways from a node down to where a child is missing pass equally many black nodes.
 *
 * No lock and no step: whoever shares a tree brings both.
 */
#ifndef P2PSIM_LINUX_RBTREE_H
#define P2PSIM_LINUX_RBTREE_H

#include <p2psim/linux/kernel.h>

struct rb_node {
	unsigned long __rb_parent_color;	/* address of the parent; bit 0: black */
	struct rb_node *rb_right;
	struct rb_node *rb_left;
} __attribute__((aligned(sizeof(long))));

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
	struct rb_node *rb_leftmost;
};

#define RB_ROOT (struct rb_root){ NULL }
#define RB_ROOT_CACHED (struct rb_root_cached){ { NULL }, NULL }
#define rb_parent(node) ((struct rb_node *)((node)->__rb_parent_color & ~3ul))
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_safe(ptr, type, member)                                                                               \
	__extension__({                                                                                                \
		__typeof__(ptr) rb_ptr_ = (ptr);                                                                       \
		rb_ptr_ ? rb_entry(rb_ptr_, type, member) : NULL;                                                      \
	})
#define RB_EMPTY_ROOT(root) ((root)->rb_node == NULL)
/* A node that is in no tree, if RB_CLEAR_NODE() said so. */
#define RB_EMPTY_NODE(node) ((node)->__rb_parent_color == (unsigned long)(node))
#define RB_CLEAR_NODE(node) ((node)->__rb_parent_color = (unsigned long)(node))

/* What an augmented node knows of its subtree, kept by the caller: see RB_DECLARE_CALLBACKS_MAX(). */
struct rb_augment_callbacks {
	/* Recomputes from `node` up, as far as `stop` (not it; NULL: the root), or until nothing changes. */
	void (*propagate)(struct rb_node *node, struct rb_node *stop);
	/* `to` takes the place of `from`. */
	void (*copy)(struct rb_node *from, struct rb_node *to);
	/* `to` has been lifted above `from`, its parent so far: it knows what `from` did, which is recomputed. */
	void (*rotate)(struct rb_node *from, struct rb_node *to);
};

/* After rb_link_node(). */
P2PSIM_EXPORT void rb_insert_color(struct rb_node *node, struct rb_root *root);
P2PSIM_EXPORT void rb_erase(struct rb_node *node, struct rb_root *root);
/* `node` stands where `victim` stood, which must not be in order relative to others in any other way. */
P2PSIM_EXPORT void rb_replace_node(struct rb_node *victim, struct rb_node *node, struct rb_root *root);
/* The caller has propagated what changes by linking `node`. */
P2PSIM_EXPORT void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
				       const struct rb_augment_callbacks *augment);
P2PSIM_EXPORT void rb_erase_augmented(struct rb_node *node, struct rb_root *root,
				      const struct rb_augment_callbacks *augment);

/* In order; NULL at the ends. */
P2PSIM_EXPORT struct rb_node *rb_first(const struct rb_root *root);
P2PSIM_EXPORT struct rb_node *rb_last(const struct rb_root *root);
P2PSIM_EXPORT struct rb_node *rb_next(const struct rb_node *node);
P2PSIM_EXPORT struct rb_node *rb_prev(const struct rb_node *node);
/* Children before their parent: for taking everything down. */
P2PSIM_EXPORT struct rb_node *rb_first_postorder(const struct rb_root *root);
P2PSIM_EXPORT struct rb_node *rb_next_postorder(const struct rb_node *node);
#define rbtree_postorder_for_each_entry_safe(pos, n, root, member)                                                     \
	for (pos = rb_entry_safe(rb_first_postorder(root), __typeof__(*pos), member);                                  \
	     pos && ((n = rb_entry_safe(rb_next_postorder(&pos->member), __typeof__(*pos), member)), true); pos = n)

/* R1-R3 and the parents hold. */
P2PSIM_EXPORT bool p2psim_rbtree_is_valid(const struct rb_root *root);

/* A new leaf, at the empty place *link below `parent`. */
static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->__rb_parent_color = (unsigned long)parent;
	node->rb_left = node->rb_right = NULL;
	*link = node;
}

static inline struct rb_node *rb_first_cached(const struct rb_root_cached *root)
{
	return root->rb_leftmost;
}

static inline void rb_insert_color_cached(struct rb_node *node, struct rb_root_cached *root, bool leftmost)
{
	if (leftmost)
		root->rb_leftmost = node;
	rb_insert_color(node, &root->rb_root);
}

static inline void rb_erase_cached(struct rb_node *node, struct rb_root_cached *root)
{
	if (root->rb_leftmost == node)
		root->rb_leftmost = rb_next(node);
	rb_erase(node, &root->rb_root);
}

static inline void rb_replace_node_cached(struct rb_node *victim, struct rb_node *node, struct rb_root_cached *root)
{
	if (root->rb_leftmost == victim)
		root->rb_leftmost = node;
	rb_replace_node(victim, node, &root->rb_root);
}

static inline void rb_insert_augmented_cached(struct rb_node *node, struct rb_root_cached *root, bool leftmost,
					      const struct rb_augment_callbacks *augment)
{
	if (leftmost)
		root->rb_leftmost = node;
	rb_insert_augmented(node, &root->rb_root, augment);
}

static inline void rb_erase_augmented_cached(struct rb_node *node, struct rb_root_cached *root,
					     const struct rb_augment_callbacks *augment)
{
	if (root->rb_leftmost == node)
		root->rb_leftmost = rb_next(node);
	rb_erase_augmented(node, &root->rb_root, augment);
}

/* By a comparison of the caller's: behind all that are not greater. */
static inline void rb_add(struct rb_node *node, struct rb_root *root,
			  bool (*less)(struct rb_node *a, const struct rb_node *b))
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = less(node, parent) ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(node, parent, link);
	rb_insert_color(node, root);
}

/* The node, if it has become the first. */
static inline struct rb_node *rb_add_cached(struct rb_node *node, struct rb_root_cached *root,
					    bool (*less)(struct rb_node *a, const struct rb_node *b))
{
	rb_add(node, &root->rb_root, less);
	if (rb_prev(node))
		return NULL;
	root->rb_leftmost = node;
	return node;
}

static inline struct rb_node *rb_find(const void *key, const struct rb_root *root,
				      int (*cmp)(const void *key, const struct rb_node *node))
{
	struct rb_node *node = root->rb_node;
	int order;

	while (node && (order = cmp(key, node)) != 0)
		node = order < 0 ? node->rb_left : node->rb_right;
	return node;
}

/* NULL: added; or the equal node that was there. */
static inline struct rb_node *rb_find_add(struct rb_node *node, struct rb_root *root,
					  int (*cmp)(struct rb_node *a, const struct rb_node *b))
{
	struct rb_node **link = &root->rb_node, *parent = NULL;
	int order;

	while (*link) {
		parent = *link;
		order = cmp(node, parent);
		if (!order)
			return parent;
		link = order < 0 ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(node, parent, link);
	rb_insert_color(node, root);
	return NULL;
}

/*
 * struct rb_augment_callbacks `name` for a field that holds the greatest compute(entry) of a subtree.
 * storage: nothing, or static.
 */
#define RB_DECLARE_CALLBACKS_MAX(storage, name, rbstruct, rbfield, rbtype, rbaugmented, compute)                       \
	static inline rbtype name##_of_subtree(rbstruct *entry)                                                        \
	{                                                                                                              \
		rbtype max_ = compute(entry);                                                                          \
		rbstruct *child_ = rb_entry_safe(entry->rbfield.rb_left, rbstruct, rbfield);                           \
                                                                                                                       \
		if (child_ && child_->rbaugmented > max_)                                                              \
			max_ = child_->rbaugmented;                                                                    \
		child_ = rb_entry_safe(entry->rbfield.rb_right, rbstruct, rbfield);                                    \
		if (child_ && child_->rbaugmented > max_)                                                              \
			max_ = child_->rbaugmented;                                                                    \
		return max_;                                                                                           \
	}                                                                                                              \
	static void name##_propagate(struct rb_node *node, struct rb_node *stop)                                       \
	{                                                                                                              \
		for (; node != stop; node = rb_parent(node)) {                                                         \
			rbstruct *entry_ = rb_entry(node, rbstruct, rbfield);                                          \
			rbtype max_ = name##_of_subtree(entry_);                                                       \
                                                                                                                       \
			if (entry_->rbaugmented == max_)                                                               \
				break;                                                                                 \
			entry_->rbaugmented = max_;                                                                    \
		}                                                                                                      \
	}                                                                                                              \
	static void name##_copy(struct rb_node *from, struct rb_node *to)                                              \
	{                                                                                                              \
		rb_entry(to, rbstruct, rbfield)->rbaugmented = rb_entry(from, rbstruct, rbfield)->rbaugmented;         \
	}                                                                                                              \
	static void name##_rotate(struct rb_node *from, struct rb_node *to)                                            \
	{                                                                                                              \
		rbstruct *from_ = rb_entry(from, rbstruct, rbfield);                                                   \
                                                                                                                       \
		rb_entry(to, rbstruct, rbfield)->rbaugmented = from_->rbaugmented;                                     \
		from_->rbaugmented = name##_of_subtree(from_);                                                         \
	}                                                                                                              \
	storage const struct rb_augment_callbacks name = { name##_propagate, name##_copy, name##_rotate }

#endif
