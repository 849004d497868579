/* SPDX-License-Identifier: MIT */
/*
 * Look-ups: find_vma() and its relatives take one step that reads the tree, vma_find() is for who has taken one.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>

#include "vma/internal.h"

struct vm_area_struct *vma_find(struct mm_struct *mm, unsigned long addr)
{
	struct p2psim_tree_node *node = mm->mm_vmas.root;
	struct vm_area_struct *best = NULL;

	while (node) {
		struct vm_area_struct *vma = vma_of(node);

		if (vma->vm_end > addr) {
			best = vma;
			if (vma->vm_start <= addr)
				break;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

struct vm_area_struct *vma_find_prev(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = vma_find(mm, addr);

	return vma ? p2psim_vma_prev(vma) : vma_of(p2psim_tree_last(&mm->mm_vmas));
}

static void read_step(struct mm_struct *mm)
{
	p2psim_mmap_assert_locked(mm, false);
	p2psim_step_on(P2PSIM_STEP_VMA_READ, p2psim_object_id(&mm->vmas_obj), false, NULL);
}

struct vm_area_struct *(find_vma)(struct mm_struct *mm, unsigned long addr)
{
	read_step(mm);
	return vma_find(mm, addr);
}

struct vm_area_struct *(find_vma_intersection)(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = (find_vma)(mm, start);

	return vma && vma->vm_start < end ? vma : NULL;
}

struct vm_area_struct *(vma_lookup)(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = (find_vma)(mm, addr);

	return vma && vma->vm_start <= addr ? vma : NULL;
}

struct vm_area_struct *(find_vma_prev)(struct mm_struct *mm, unsigned long addr, struct vm_area_struct **prev)
{
	struct vm_area_struct *vma = (find_vma)(mm, addr);

	*prev = vma ? p2psim_vma_prev(vma) : vma_of(p2psim_tree_last(&mm->mm_vmas));
	return vma;
}

void p2psim_mmap_assert_locked(struct mm_struct *mm, bool write)
{
	struct p2psim_lock *lock = &mm->mmap_lock.lock;

	if (write ? rwsem_is_write_held(&mm->mmap_lock) : p2psim_lock_is_held(lock))
		return;
	p2psim_violate(P2PSIM_CONTRACT, 0, p2psim_object_id(&mm->obj), 0,
		       "mmap_lock must be held%s: without it VMAs change or go under the caller's feet",
		       write ? " for writing" : "");
}
