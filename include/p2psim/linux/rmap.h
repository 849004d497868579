/* SPDX-License-Identifier: MIT */
/*
 * The anonymous reverse map: from a page to the VMAs that may map it.  Mirrors: include/linux/rmap.h, 6.1.
 *
 *	page->anon_vma --> struct anon_vma --> chain --> struct anon_vma_chain --> vma
 *
 * A VMA gets its anon_vma at its first anonymous fault.  A split gives both halves the same one, a merge keeps one.  A fork
 * puts the child's VMA on all chains of the parent's and gives it an anon_vma of its own below: pages of before the fork
 * are found in both, pages of the child's only in the child and its children.  All of a tree share the root's lock.
 */
#ifndef P2PSIM_LINUX_RMAP_H
#define P2PSIM_LINUX_RMAP_H

#include <p2psim/linux/mm_types.h>

struct anon_vma {
	struct anon_vma *root;		/* itself, or the one whose lock counts */
	struct anon_vma *parent;	/* itself, or the one that it was forked from; not referenced */
	struct rw_semaphore rwsem;	/* the root's: of the `chains` and counts of all below it */
	int refcount;			/* of chains, and of those whose root it is */
	int num_children;		/* whose parent it is; a root counts itself */
	int num_active_vmas;		/* whose vma->anon_vma it is */
	struct list_head chains;	/* struct anon_vma_chain; one goes to the end when its VMA changes its boundaries */
};

struct anon_vma_chain {
	struct vm_area_struct *vma;
	struct anon_vma *anon_vma;
	struct list_head same_vma;	/* in vma->anon_vma_chain */
	struct list_head same_anon_vma;	/* in anon_vma->chains */
};

#define anon_vma_lock_write(anon_vma) down_write(&(anon_vma)->root->rwsem)
#define anon_vma_unlock_write(anon_vma) up_write(&(anon_vma)->root->rwsem)
#define anon_vma_lock_read(anon_vma) down_read(&(anon_vma)->root->rwsem)
#define anon_vma_unlock_read(anon_vma) up_read(&(anon_vma)->root->rwsem)

/* 0 or -ENOMEM.  Context: mmap_lock held. */
int __anon_vma_prepare(struct vm_area_struct *vma);
/* `dst` becomes reachable from all that `src` is reachable from.  0 or -ENOMEM (dst is left without).  mmap_lock W. */
int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src);
/*
 * The child's copy of a VMA: on the chains of the parent's, and with an anon_vma of its own, unless one of the parent's has
 * lost its VMAs and has at most one child.  0 or -ENOMEM (vma is left without).  Both mmap_locks W.
 */
int anon_vma_fork(struct vm_area_struct *vma, struct vm_area_struct *parent_vma);
void unlink_anon_vmas(struct vm_area_struct *vma);
/* Its boundaries have changed: it is the last one found of those that begin alike.  Context: its anon_vma's lock, W. */
void p2psim_anon_vma_changed(struct vm_area_struct *vma);
void p2psim_anon_vma_put(struct anon_vma *anon_vma);

/*
 * Gives the pages of [start, end) to a device alone: no CPU reaches them without a fault, which takes them back (EXCLUSIVE
 * with owner NULL).  pages[]: one a page of the range; locked and with a reference, to be unlocked and put when the device is
 * programmed; NULL where it failed: not anonymous, somebody has it locked, or it is mapped elsewhere, too.
 * `owner`: of the EXCLUSIVE events, one a page; the driver's own callback may ignore them.
 * Context: mmap_lock held for reading; may sleep; faults pages for writing first.
 * Return: pages found, perhaps fewer than asked for; or what GUP says when it finds none: -EFAULT, -ENOMEM, -EINTR.
 * Mirrors: mm/rmap.c, 6.1, same.
 */
P2PSIM_EXPORT int make_device_exclusive_range(struct mm_struct *mm, unsigned long start, unsigned long end,
					      struct page **pages, void *owner);
#define make_device_exclusive_range(mm, start, end, pages, owner)                                                      \
	(P2PSIM_HERE(), make_device_exclusive_range((mm), (start), (end), (pages), (owner)))

/*
 * Same (the kernel: of a folio).  Takes the right to write from all shared entries of a page of a file, and makes them clean;
 * PROTECTION_PAGE in each shared VMA that may map it.  Returns the number of entries that were writable or dirty.
 * Context: the page is locked; takes the file's i_mmap_rwsem for reading, no mmap_lock.  Source: mm/rmap.c, 6.1.
 */
P2PSIM_EXPORT int page_mkclean(struct page *page);
#define page_mkclean(page) (P2PSIM_HERE(), page_mkclean(page))

#endif
