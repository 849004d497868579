/* SPDX-License-Identifier: MIT */
/*
 * The anonymous reverse map: from a page to the VMAs that may map it.  Mirrors: include/linux/rmap.h, 6.1 (reduced: one
 * level of anon_vma, no parents; fork will add them).
 *
 *	page->anon_vma --> struct anon_vma --> chain --> struct anon_vma_chain --> vma
 *
 * A VMA gets its anon_vma at its first anonymous fault.  A split gives both halves the same one, a merge keeps one.
 */
#ifndef P2PSIM_LINUX_RMAP_H
#define P2PSIM_LINUX_RMAP_H

#include <p2psim/linux/mm_types.h>

struct anon_vma {
	struct rw_semaphore rwsem;	/* of `chains` */
	int refcount;			/* VMAs and pages that point here; under rwsem for writing or the page's mm lock */
	struct list_head chains;	/* struct anon_vma_chain, oldest first */
};

struct anon_vma_chain {
	struct vm_area_struct *vma;
	struct anon_vma *anon_vma;
	struct list_head same_vma;	/* in vma->anon_vma_chain */
	struct list_head same_anon_vma;	/* in anon_vma->chains */
};

/* 0 or -ENOMEM.  Context: mmap_lock held. */
int __anon_vma_prepare(struct vm_area_struct *vma);
/* `dst` becomes reachable from all that `src` is reachable from.  0 or -ENOMEM (dst is left without).  mmap_lock W. */
int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src);
void unlink_anon_vmas(struct vm_area_struct *vma);
void p2psim_anon_vma_put(struct anon_vma *anon_vma);

#endif
