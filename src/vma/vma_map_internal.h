/* SPDX-License-Identifier: MIT */
/*
 * Where the mm tells the records of p2p mappings that a VMA changes.  None of these can fail, none allocates what a test
 * can make fail.  Each is one step when the VMA has mappings and none at all otherwise.
 */
#ifndef P2PSIM_VMA_MAP_INTERNAL_H
#define P2PSIM_VMA_MAP_INTERNAL_H

#include <p2psim/linux/mm_types.h>

/* A new mm: no records; mm->invalidated becomes the oracle of unanswered invalidations. */
void p2psim_vma_map_mm_init(struct mm_struct *mm);
/* A mm is about to be freed (all VMAs are closed): LEAK for what is still mapped. */
void p2psim_vma_map_mm_exit(struct mm_struct *mm);
/* A new VMA, also a duplicate (vm_area_dup() copies the list head): it has no mappings. */
void p2psim_vma_map_vma_init(struct vm_area_struct *vma);

/*
 * `vma` was cut at `addr`: its pages that lie in `new_vma`, the lower or the upper part, go there.
 * Call it when both have their new boundaries, before the step after that.  Context: mmap_lock held for writing.
 */
void p2psim_vma_map_split(struct vm_area_struct *vma, struct vm_area_struct *new_vma, unsigned long addr);
/*
 * `into` grows over `from` (or a part of it: then pages inside into's new boundaries go).  Call it when the boundaries are
 * the new ones and `from` is not freed yet.  Context: mmap_lock held for writing.
 */
void p2psim_vma_map_merge(struct vm_area_struct *from, struct vm_area_struct *into);
/*
 * mremap() has moved [old_addr, old_addr + len) of `vma` to new_addr of `new_vma`.  Mappings stay with the old range (its
 * UNMAP ends them); what the exporter has granted goes along (C3).
 */
void p2psim_vma_map_move(struct vm_area_struct *vma, struct vm_area_struct *new_vma, unsigned long old_addr,
			 unsigned long new_addr, unsigned long len);
/* `vma` leaves the tree; its records stay until close().  What was granted for it is void for others. */
void p2psim_vma_map_detach(struct vm_area_struct *vma);
/*
 * Call it right before vm_ops->close(): waits for a p2p_unmap() under way, LEAK for what is still mapped.
 * Does nothing for a VMA that was never imported.
 */
void p2psim_vma_map_closed(struct vm_area_struct *vma);

#endif
