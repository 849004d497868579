/* SPDX-License-Identifier: MIT */
/*
 * Moving pages where a driver wants them: of a VMA, to a device's memory and back, and out of a device's memory.  Mirrors:
 * include/linux/migrate.h, 6.1.
 *
 *	mmap_read_lock()
 *	migrate_vma_setup(&args)	src[i]: what may move; migration entries stand in its place
 *	  for each src with MIGRATE: a page of the driver's, locked, with a reference; the contents copied; dst[i] = its pfn
 *	migrate_vma_pages(&args)	src[i] has MIGRATE still: moved.  The driver updates its tables now
 *	migrate_vma_finalize(&args)	entries of the new pages, or the old ones; all unlocked
 *	mmap_read_unlock()
 */
#ifndef P2PSIM_LINUX_MIGRATE_H
#define P2PSIM_LINUX_MIGRATE_H

#include <p2psim/linux/mm.h>

P2PSIM_BEGIN_DECLS

/* Facts of the API. */
#define MIGRATE_PFN_VALID (1UL << 0)	/* there is a page: its pfn is in the entry */
#define MIGRATE_PFN_MIGRATE (1UL << 1)	/* it may move; without VALID: nothing is there, a page may be put in */
#define MIGRATE_PFN_WRITE (1UL << 3)	/* it was writable */
#define MIGRATE_PFN_SHIFT 6

static inline struct page *migrate_pfn_to_page(unsigned long mpfn)
{
	return mpfn & MIGRATE_PFN_VALID ? pfn_to_page(mpfn >> MIGRATE_PFN_SHIFT) : NULL;
}

static inline unsigned long migrate_pfn(unsigned long pfn)
{
	return (pfn << MIGRATE_PFN_SHIFT) | MIGRATE_PFN_VALID;
}

enum migrate_vma_direction {
	MIGRATE_VMA_SELECT_SYSTEM = 1 << 0,
	MIGRATE_VMA_SELECT_DEVICE_PRIVATE = 1 << 1,
	MIGRATE_VMA_SELECT_DEVICE_COHERENT = 1 << 2,
};

struct migrate_vma {
	struct vm_area_struct *vma;	/* must contain [start, end) */
	unsigned long *src;		/* both: one entry a page of [start, end), at least */
	unsigned long *dst;
	unsigned long cpages;		/* how many src entries have MIGRATE */
	unsigned long npages;		/* how many entries there are */
	unsigned long start, end;	/* end is written by setup */
	void *pgmap_owner;		/* of the MIGRATE events, and of the device pages that may move */
	unsigned long flags;		/* enum migrate_vma_direction: which pages may move */
	struct page *fault_page;	/* of ->migrate_to_ram(), which has a reference more */
};

/*
 * MIGRATE over [start, end) in any case, then a CLEAR for each page that is mapped elsewhere, too.
 * Moves: pages that nobody has locked or pinned, of RAM or of pgmap_owner's devices, as the flags select.  Untouched and zero
 * pages of anonymous memory count as moving, without VALID.
 * Context: mmap_lock held; may sleep; until finalize.
 * Return: 0, also when nothing can move; -EINVAL: no VMA, not inside it, empty, VM_SPECIAL, no src or dst, a fault_page that
 * is not device-private.
 */
P2PSIM_EXPORT int migrate_vma_setup(struct migrate_vma *args);
/* A second MIGRATE, from the first page without VALID for which dst[] has one, to the end. */
P2PSIM_EXPORT void migrate_vma_pages(struct migrate_vma *args);
/* Drops the references and locks of both sides. */
P2PSIM_EXPORT void migrate_vma_finalize(struct migrate_vma *args);

/*
 * The same for the pages with pfns [start, start + npages) of a device, wherever they are mapped: CLEAR, page by page.  What
 * nobody uses, or somebody has locked, is 0 in src_pfns.  Then dst_pfns as above, which are zero where nothing is to move.
 * Context: may sleep; without mmap_lock.  Return: 0.
 */
P2PSIM_EXPORT int migrate_device_range(unsigned long *src_pfns, unsigned long start, unsigned long npages);
P2PSIM_EXPORT void migrate_device_pages(unsigned long *src_pfns, unsigned long *dst_pfns, unsigned long npages);
P2PSIM_EXPORT void migrate_device_finalize(unsigned long *src_pfns, unsigned long *dst_pfns, unsigned long npages);

#define migrate_vma_setup(args) (P2PSIM_HERE(), migrate_vma_setup(args))
#define migrate_vma_pages(args) (P2PSIM_HERE(), migrate_vma_pages(args))
#define migrate_vma_finalize(args) (P2PSIM_HERE(), migrate_vma_finalize(args))
#define migrate_device_range(src, start, npages) (P2PSIM_HERE(), migrate_device_range((src), (start), (npages)))
#define migrate_device_pages(src, dst, npages) (P2PSIM_HERE(), migrate_device_pages((src), (dst), (npages)))
#define migrate_device_finalize(src, dst, npages) (P2PSIM_HERE(), migrate_device_finalize((src), (dst), (npages)))

P2PSIM_END_DECLS

#endif
