/* SPDX-License-Identifier: MIT */
/*
 * A radix tree of unsigned longs, six bits a level.
 *
 *	                     shift 6   [ 0..63 | 64..127 | ... ]
 *	                                 /
 *	                  shift 0   [ 0 | 1 | 2 | ... | 63 ]
 *
 *	X1. A node with no slot in use does not exist.
 *	X2. Bit i of a map of an inner node is set when the map of child i has a bit (FULL: has all).
 *
 * The tree is as high as its largest index ever needed.
 */
#include <errno.h>
#include <string.h>

#include <p2psim/linux/bitops.h>
#include <p2psim/linux/slab.h>

#include "core/radix.h"

#define BITS 6u
#define SLOTS 64u
#define ALL (~0ul)

struct node {
	unsigned int shift;		/* of an index, to find the slot */
	unsigned int offset;		/* slot of the parent */
	struct node *parent;
	unsigned long maps[P2PSIM_RADIX_MAPS];
	void *slots[SLOTS];
};

static unsigned int slot_of(const struct node *node, unsigned long index)
{
	return index >> node->shift & (SLOTS - 1);
}

/* Does the node's range, which begins at 0 for the top, reach so far? */
static bool reaches(const struct node *top, unsigned long index)
{
	return top->shift + BITS >= 64 || index >> (top->shift + BITS) == 0;
}

static struct node *new_node(unsigned int shift, gfp_t gfp)
{
	struct node *node = (kzalloc)(sizeof(*node), gfp);

	if (node)
		node->shift = shift;
	return node;
}

static bool summary(const struct node *node, unsigned int map)
{
	return map == P2PSIM_RADIX_FULL ? node->maps[map] == ALL : node->maps[map] != 0;
}

/* X2, from a node up. */
static void keep_maps(struct node *node)
{
	unsigned int map;

	for (; node->parent; node = node->parent) {
		for (map = 0; map < P2PSIM_RADIX_MAPS; map++) {
			if (summary(node, map))
				__set_bit(node->offset, &node->parent->maps[map]);
			else
				__clear_bit(node->offset, &node->parent->maps[map]);
		}
	}
}

/* X1, from a leaf up. */
static void drop_empty(void **head, struct node *node)
{
	while (node && !node->maps[P2PSIM_RADIX_USED]) {
		struct node *parent = node->parent;
		unsigned int map;

		if (!parent) {
			*head = NULL;
		} else {
			parent->slots[node->offset] = NULL;
			for (map = 0; map < P2PSIM_RADIX_MAPS; map++)
				__clear_bit(node->offset, &parent->maps[map]);
		}
		(kfree)(node);
		node = parent;
	}
	if (node)
		keep_maps(node);
}

static struct node *leaf_of(void *head, unsigned long index)
{
	struct node *node = head;

	if (!node || !reaches(node, index))
		return NULL;
	while (node && node->shift)
		node = node->slots[slot_of(node, index)];
	return node;
}

void *p2psim_radix_load(void *head, unsigned long index)
{
	struct node *leaf = leaf_of(head, index);

	return leaf ? leaf->slots[slot_of(leaf, index)] : NULL;
}

/* Nodes above until the index is reached. */
static int grow(void **head, unsigned long index, gfp_t gfp)
{
	struct node *top = *head, *above;
	unsigned int shift = 0;

	if (!top) {
		while (shift + BITS < 64 && index >> (shift + BITS))
			shift += BITS;
		*head = new_node(shift, gfp);
		return *head ? 0 : -ENOMEM;
	}
	while (!reaches(top, index)) {
		above = new_node(top->shift + BITS, gfp);
		if (!above)
			return -ENOMEM;
		above->slots[0] = top;
		top->parent = above;
		keep_maps(top);
		*head = top = above;
	}
	return 0;
}

/* The way down, made where it is missing.  NULL: out of memory; *last is then how far it came. */
static struct node *make_leaf(void *head, unsigned long index, gfp_t gfp, struct node **last)
{
	struct node *node = head, *child;

	while (node->shift) {
		*last = node;
		child = node->slots[slot_of(node, index)];
		if (!child) {
			child = new_node(node->shift - BITS, gfp);
			if (!child)
				return NULL;
			child->parent = node;
			child->offset = slot_of(node, index);
			node->slots[child->offset] = child;
		}
		node = child;
	}
	return node;
}

static void set_slot(struct node *leaf, unsigned int slot, void *entry)
{
	leaf->slots[slot] = entry;
	__set_bit(slot, &leaf->maps[P2PSIM_RADIX_USED]);
	__set_bit(slot, &leaf->maps[P2PSIM_RADIX_FULL]);
	keep_maps(leaf);
}

static void erase(void **head, unsigned long index, void **old)
{
	struct node *leaf = leaf_of(*head, index);
	unsigned int slot, map;

	*old = NULL;
	if (!leaf)
		return;
	slot = slot_of(leaf, index);
	*old = leaf->slots[slot];
	leaf->slots[slot] = NULL;
	for (map = 0; map < P2PSIM_RADIX_MAPS; map++)
		__clear_bit(slot, &leaf->maps[map]);
	if (leaf->maps[P2PSIM_RADIX_USED])
		keep_maps(leaf);
	else
		drop_empty(head, leaf);
}

int p2psim_radix_store(void **head, unsigned long index, void *entry, gfp_t gfp, void **old)
{
	struct node *leaf, *last = NULL;

	if (!entry) {
		erase(head, index, old);
		return 0;
	}
	leaf = grow(head, index, gfp) ? NULL : make_leaf(*head, index, gfp, &last);
	if (!leaf) {
		drop_empty(head, last); /* what was made on the way */
		return -ENOMEM;
	}
	*old = leaf->slots[slot_of(leaf, index)];
	set_slot(leaf, slot_of(leaf, index), entry);
	return 0;
}

void p2psim_radix_free(void **head)
{
	struct node *node = *head, *parent;

	while (node) {
		while (node->shift && node->maps[P2PSIM_RADIX_USED]) {
			unsigned int slot = (unsigned int)__ffs(node->maps[P2PSIM_RADIX_USED]);

			__clear_bit(slot, &node->maps[P2PSIM_RADIX_USED]);
			node = node->slots[slot];
		}
		parent = node->parent;
		(kfree)(node);
		node = parent;
	}
	*head = NULL;
}

bool p2psim_radix_marked(void *head, unsigned long index, enum p2psim_radix_map mark)
{
	struct node *leaf = leaf_of(head, index);

	return leaf && leaf->maps[mark] >> slot_of(leaf, index) & 1;
}

void p2psim_radix_mark(void *head, unsigned long index, enum p2psim_radix_map mark, bool set)
{
	struct node *leaf = leaf_of(head, index);
	unsigned int slot = leaf ? slot_of(leaf, index) : 0;

	if (!leaf || !leaf->slots[slot])
		return;
	if (set)
		__set_bit(slot, &leaf->maps[mark]);
	else
		__clear_bit(slot, &leaf->maps[mark]);
	keep_maps(leaf);
}

bool p2psim_radix_any(void *head, enum p2psim_radix_map map)
{
	return head && ((struct node *)head)->maps[map];
}

/* The first index below a node that `index` is below. */
static unsigned long first_of(const struct node *node, unsigned long index)
{
	return node->shift + BITS >= 64 ? 0 : index >> (node->shift + BITS) << (node->shift + BITS);
}

/* SLOTS: none.  The highest node there is has fewer. */
static unsigned int next_slot(const struct node *node, unsigned int from, enum p2psim_radix_map map, unsigned long invert)
{
	unsigned long bits = (node->maps[map] ^ invert) >> from << from;

	if (node->shift + BITS > 64)
		bits &= (1ul << (1u << (64 - node->shift))) - 1;
	return bits ? (unsigned int)__ffs(bits) : SLOTS;
}

/*
 * From *index on, the first one whose bit of the map is set, inverted: not set.  Goes down while a slot may hold one, and on to
 * the next when it does not.
 */
static bool search(void *head, unsigned long *index, enum p2psim_radix_map map, unsigned long invert)
{
	struct node *node = head;

	while (node) {
		unsigned int from = slot_of(node, *index), slot = next_slot(node, from, map, invert);

		if (slot != from)
			*index = first_of(node, *index) + ((unsigned long)slot << node->shift);
		if (slot == SLOTS) {
			/* On with what follows: up to whoever has a slot for that, which is not its first. */
			do
				node = node->parent;
			while (node && !slot_of(node, *index));
			continue;
		}
		if (!node->shift || !node->slots[slot])
			return true; /* an index; or nothing below, so that all of it is free */
		node = node->slots[slot];
	}
	return false;
}

bool p2psim_radix_next(void *head, unsigned long *index, enum p2psim_radix_map map)
{
	if (!head || !reaches(head, *index))
		return false;
	return search(head, index, map, 0);
}

bool p2psim_radix_next_free(void *head, unsigned long *index)
{
	const struct node *top = head;

	if (!head || !reaches(head, *index) || search(head, index, P2PSIM_RADIX_FULL, ALL))
		return true;
	/* Behind the last index that the tree reaches. */
	if (top->shift + BITS >= 64)
		return false;
	*index = 1ul << (top->shift + BITS);
	return true;
}
