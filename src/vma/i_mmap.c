/* SPDX-License-Identifier: MIT */
/*
 * The reverse map of a file: the VMAs that map it, by offset.  The library's treap, each VMA knowing the greatest offset that
 * is mapped below it, so that who looks for a page passes over the rest.  Mirrors: mm/interval_tree.c, 6.1 (a treap for a
 * red-black tree).
 */
#include "vma/internal.h"

static struct vm_area_struct *file_vma(const struct p2psim_tree_node *node)
{
	return node ? container_of((struct p2psim_tree_node *)node, struct vm_area_struct, file_node) : NULL;
}

static pgoff_t last_of(const struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

/* Equal offsets keep the order in which they came. */
static bool maps_before(const struct p2psim_tree_node *a, const struct p2psim_tree_node *b)
{
	return file_vma(a)->vm_pgoff < file_vma(b)->vm_pgoff;
}

static pgoff_t subtree_last(const struct vm_area_struct *vma)
{
	const struct vm_area_struct *left = file_vma(vma->file_node.left), *right = file_vma(vma->file_node.right);
	pgoff_t last = last_of(vma);

	if (left && left->file_subtree_last > last)
		last = left->file_subtree_last;
	if (right && right->file_subtree_last > last)
		last = right->file_subtree_last;
	return last;
}

static void augment_last(struct p2psim_tree_node *node)
{
	file_vma(node)->file_subtree_last = subtree_last(file_vma(node));
}

static const struct p2psim_tree_ops file_tree = { maps_before, augment_last };

void vma_interval_tree_insert(struct vm_area_struct *vma, struct p2psim_tree *root)
{
	p2psim_tree_insert(root, &vma->file_node, &file_tree);
}

void vma_interval_tree_remove(struct vm_area_struct *vma, struct p2psim_tree *root)
{
	p2psim_tree_erase(root, &vma->file_node, &file_tree);
}

/* The leftmost of the subtree that maps some of [first, last].  Goes down only. */
static struct vm_area_struct *leftmost(struct vm_area_struct *vma, pgoff_t first, pgoff_t last)
{
	struct vm_area_struct *left;

	while (vma && vma->file_subtree_last >= first) {
		left = file_vma(vma->file_node.left);
		if (left && left->file_subtree_last >= first)
			vma = left; /* somebody there reaches `first`: if none of them begins by `last`, nobody else does */
		else if (vma->vm_pgoff > last)
			return NULL;
		else if (last_of(vma) >= first)
			return vma;
		else
			vma = file_vma(vma->file_node.right);
	}
	return NULL;
}

struct vm_area_struct *vma_interval_tree_iter_first(struct p2psim_tree *root, pgoff_t first, pgoff_t last)
{
	return leftmost(file_vma(root->root), first, last);
}

struct vm_area_struct *vma_interval_tree_iter_next(struct vm_area_struct *vma, pgoff_t first, pgoff_t last)
{
	struct p2psim_tree_node *at = &vma->file_node, *from;
	struct vm_area_struct *right;

	for (;;) {
		right = file_vma(at->right);
		if (right && right->file_subtree_last >= first)
			return leftmost(right, first, last);
		do {
			from = at;
			at = at->parent;
		} while (at && at->right == from);
		if (!at || file_vma(at)->vm_pgoff > last)
			return NULL;
		if (last_of(file_vma(at)) >= first)
			return file_vma(at);
	}
}

bool vma_interval_tree_has(const struct vm_area_struct *vma, const struct p2psim_tree *root)
{
	const struct p2psim_tree_node *node = &vma->file_node;

	while (node->parent)
		node = node->parent;
	return node == root->root && vma->file_subtree_last == subtree_last(vma);
}
