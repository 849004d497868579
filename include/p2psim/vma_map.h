/* SPDX-License-Identifier: MIT */
/*
 * Who has imported which part of which VMA: the records between an importer and an exporter's p2p_map()/p2p_unmap().
 *
 * VMA boundaries move while a mapping lives (split, merge, mremap), and while munmap() announces itself find_vma()
 * finds nothing.  So nobody remembers a VMA pointer: mappings are recorded on the VMA, page by page, and the records go
 * where the pages go.  HMM and importers without HMM call the two functions here, never the vm_ops:
 *
 *	mmap_read_lock(mm);
 *	vma = vma_lookup(mm, start);
 *	p2psim_vma_map(vma, dev, start, end, pa, write)	  --> vma->vm_ops->p2p_map(), then a record a page
 *	lock; collided with an invalidation? p2psim_vma_unmap(), unlock, again
 *	program the device with pa[]; unlock
 *	mmap_read_unlock(mm);
 *
 *	notifier callback: lock; stop the device; p2psim_vma_unmap(mm, dev, start, end, pa)
 *				--> p2p_unmap() of each VMA in which a piece lies *now*, even one that is being unmapped
 *
 * mmap_lock is kept until the mapping is committed or given back: then UNMAP meets only importers that can answer it,
 * and no VMA is closed under a mapping (C12).  A driver's revoke (CLEAR) takes no mmap_lock and can come in between:
 * whoever collided gives the mapping back and starts over.
 *
 * The promises and duties of 2019-01-29 (C1..C15) are watched here: see the head of src/vma/vma_map.c.
 *
 * Invented: the RFC left to each importer who remembers the VMA.
 */
#ifndef P2PSIM_VMA_MAP_H
#define P2PSIM_VMA_MAP_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct device;
struct mm_struct;
struct vm_area_struct;

/* How an importer maps. */
enum p2psim_vma_map_flags {
	P2PSIM_VMA_MAP_NO_FLAGS = 0,
	P2PSIM_VMA_MAP_WRITE = 1 << 0,
	/* Keeps the mapping through everything but UNMAP and RELEASE (C15); asks vm_ops->p2p_pin() first. */
	P2PSIM_VMA_MAP_PIN = 1 << 1,
};

/*
 * Lets `importer` reach [start, end), page aligned, inside `vma`; `pa` gets one bus address a page.
 * Return: 0, all pages; else nothing is mapped and the reason is kept for p2psim_last_refusal():
 *	-EOPNOTSUPP	the VMA has no p2p_map() (C1); or PIN and the exporter does not pin
 *	-EFAULT		the range is not inside the VMA, or the VMA is not readable
 *	-EPERM		`write`, and the VMA is not writable
 *	-ENOMEM		no memory for the records
 *	anything else	what the exporter's p2p_map() said (<p2psim/reason.h>)
 * Context: mmap_lock held for reading until the mapping is committed or given back; may sleep; without a lock that the
 * importer's notifier callback takes (LOCKGRAPH).  CONTRACT without mmap_lock.
 */
P2PSIM_EXPORT int p2psim_vma_map(struct vm_area_struct *vma, struct device *importer, unsigned long start,
				 unsigned long end, uint64_t *pa, bool write);
/* The same with a mask of enum p2psim_vma_map_flags. */
P2PSIM_EXPORT int p2psim_vma_map_flags(struct vm_area_struct *vma, struct device *importer, unsigned long start,
				       unsigned long end, uint64_t *pa, unsigned int flags);

/*
 * Gives [start, end) back, any part of what `importer` has mapped, over any number of VMAs.  `pa` holds what
 * p2psim_vma_map() put there (RANGE if it differs).
 * Return: 0; -EINVAL when a page was not mapped by this importer (CONTRACT; the others are unmapped all the same).
 * Context: may sleep; no lock needed; mmap_lock and the importer's lock may be held.
 */
P2PSIM_EXPORT int p2psim_vma_unmap(struct mm_struct *mm, struct device *importer, unsigned long start,
				   unsigned long end, uint64_t *pa);

/*
 * Says that the device is programmed with the mappings of [start, end): from now on an invalidation that ends before
 * they were given back is a CONTRACT violation, as is a call for a mapping that an invalidation has taken already (it
 * was committed without looking for the collision).  Optional: the first p2psim_vma_map_covers() of a page says it as
 * well.
 * Context: the task that mapped; the importer's lock, right after it has looked for a collision.  No step.
 */
P2PSIM_EXPORT void p2psim_vma_map_commit(struct mm_struct *mm, struct device *importer, unsigned long start,
					 unsigned long end);

/*
 * Does `importer` have the page at `addr` mapped at bus address `pa`, with no invalidation since?  For the STALE oracle
 * of devices, at each access.  No step.
 */
P2PSIM_EXPORT bool p2psim_vma_map_covers(struct mm_struct *mm, struct device *importer, unsigned long addr,
					 uint64_t pa);
/* How many pages of [start, end) are mapped, by `importer` or (NULL) by anybody.  No step: for assertions. */
P2PSIM_EXPORT unsigned long p2psim_vma_map_count(struct mm_struct *mm, struct device *importer, unsigned long start,
						 unsigned long end);

/*
 * For exporters: userspace has changed its mind about the object (C8), so that a refusal of what was granted before
 * breaks no promise (C3).  `importer` NULL: of all.  Context: p2p_map(), before it refuses.
 */
P2PSIM_EXPORT void p2psim_vma_map_withdraw(struct vm_area_struct *vma, struct device *importer);

P2PSIM_END_DECLS

#endif
