/* SPDX-License-Identifier: MIT */
/*
 * The records of p2p mappings, inside the library: the hooks by which the mm says that a VMA changes, and what
 * hmm_range_dma_map() tells about itself.
 */
#ifndef P2PSIM_VMA_MAP_INTERNAL_H
#define P2PSIM_VMA_MAP_INTERNAL_H

#include <p2psim/linux/mm_types.h>
#include <p2psim/vma_map.h>

struct mmu_interval_notifier;
struct page;

/* ---- Hooks of the mm.  None can fail, none allocates what a test can make fail. ---- */

/* A new mm: no records; mm->invalidated becomes the oracle of unanswered invalidations. */
void p2psim_vma_map_mm_init(struct mm_struct *mm);
/* The mm is about to be freed (all VMAs are closed): LEAK for what is still mapped. */
void p2psim_vma_map_mm_exit(struct mm_struct *mm);
/* A new VMA, also a duplicate (vm_area_dup() copies the list head): it has no mappings. */
void p2psim_vma_map_vma_init(struct vm_area_struct *vma);

/*
 * `vma` was cut at `addr`: its pages that lie in `new_vma`, the lower or the upper part, go there.
 * Call it when both have their new boundaries, with no step in between: it takes none.  Context: mmap_lock held for
 * writing.
 */
void p2psim_vma_map_split(struct vm_area_struct *vma, struct vm_area_struct *new_vma, unsigned long addr);
/*
 * `into` grew over `from` (or a part of it: then the pages inside into's new boundaries go).  Call it when the
 * boundaries are the new ones, with no step in between, and before `from` is freed: it waits for a p2p_unmap() under
 * way with `from`.
 * Context: mmap_lock held for writing.
 */
void p2psim_vma_map_merge(struct vm_area_struct *from, struct vm_area_struct *into);
/*
 * mremap() has moved [old_addr, old_addr + len) of `vma` to new_addr of `new_vma`.  Mappings stay with the old range
 * (its UNMAP ends them); what the exporter has granted goes along (C3).
 */
void p2psim_vma_map_move(struct vm_area_struct *vma, struct vm_area_struct *new_vma, unsigned long old_addr,
			 unsigned long new_addr, unsigned long len);
/* `vma` leaves the tree; its records stay until close().  What was granted for its range is void. */
void p2psim_vma_map_detach(struct vm_area_struct *vma);
/*
 * Call it right before vm_ops->close(), and before a VMA without close() is freed: waits for a p2p_unmap() under way,
 * LEAK for what is still mapped.  No step for a VMA that was never imported.
 */
void p2psim_vma_map_closed(struct vm_area_struct *vma);

/* ---- For hmm ---- */

/*
 * p2psim_vma_map_flags() by somebody who retries: an invalidation that moved `sub` past `seq` was heard.
 * `sub` NULL: nobody retries.
 */
int p2psim_vma_map_seq(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end,
		       dma_addr_t *pa, unsigned int flags, const struct mmu_interval_notifier *sub, unsigned long seq);

/*
 * Device-private pages that lie in a row from `start` of `vma` on, all of one pagemap with a p2p_map(), which is asked to
 * let `importer` reach them.  `sub` and `seq` as above.  What is mapped has records like that of a device VMA:
 * p2psim_vma_unmap() gives it back.
 * Return: how many have their address in pa[], from the first on; 0: refused; -ENOMEM.
 * Context: mmap_lock held for reading; may sleep.
 */
long p2psim_page_map_seq(struct vm_area_struct *vma, struct device *importer, unsigned long start,
			 struct page *const *pages, unsigned long npages, dma_addr_t *pa, bool write,
			 const struct mmu_interval_notifier *sub, unsigned long seq);

#endif
