/* SPDX-License-Identifier: MIT */
/*
 * What src/hmm/legacy*.c share: the HMM of Linux 5.2.
 *
 *	legacy.c	struct hmm: made, found, freed; mirrors; the notifier's callbacks
 *	legacy_range.c	ranges: from register to unregister, the bool and the count behind it
 *	legacy_fault.c	hmm_range_snapshot(), hmm_range_fault(): page tables into pfns[]
 *	legacy_dma.c	hmm_range_dma_map(), hmm_range_dma_unmap()
 */
#ifndef P2PSIM_HMM_LEGACY_H
#define P2PSIM_HMM_LEGACY_H

#include <p2psim/linux-5.2/hmm.h>
#include <p2psim/quirk.h>
#include <p2psim/step.h>

/* A reference of mm's struct hmm, a new one if need be; NULL: out of memory.  Takes mmap_sem for that, if it is not held. */
struct hmm *hmm52_get_or_create(struct mm_struct *mm);
void hmm52_put(struct hmm *hmm);

/* UAF when somebody has freed it at a step (D2): the id of its object knows. */
static inline void hmm52_check_freed(struct hmm *hmm)
{
	p2psim_object_id(&hmm->obj);
}


/* An invalidation begins (ends): ranges that it touches (all ranges) are marked.  Context: none held. */
void hmm52_ranges_begin(struct hmm *hmm, const struct mmu_notifier_range *update);
void hmm52_ranges_end(struct hmm *hmm);
/* One more under way (D3, D5). */
void hmm52_ranges_count(struct hmm *hmm);
/* The end of the mm: nobody waits any longer. */
void hmm52_ranges_release(struct hmm *hmm);

/* Has an invalidation of the range begun since its page tables were begun to be read?  One step. */
bool hmm52_collided(struct hmm_range *range);
/* Page tables are read from here on.  False: not valid.  One step. */
bool hmm52_begin_reading(struct hmm_range *range);

/* A walk of some of a range's pages. */
struct hmm52_walk {
	struct hmm_range *range;
	struct vm_area_struct *vma;	/* of the page before */
	unsigned long last;		/* everything below is done */
	unsigned long end;
	bool fault, block;
	bool peers;			/* pages of devices whose owner has p2p_map() stay where they are */
};

/* CONTRACT: registered, mmap_sem, a live address space.  False: do not go on. */
bool hmm52_check_caller(const struct hmm_range *range, const char *who);
/* From walk->last to walk->end.  0 or -errno of hmm_range_fault(). */
int hmm52_walk(struct hmm52_walk *walk);
/* Entries of [start, end): NONE. */
void hmm52_fill_none(struct hmm_range *range, unsigned long start, unsigned long end);
/* What the page at `addr` asks for: a mask of flags[]. */
uint64_t hmm52_request(const struct hmm_range *range, unsigned long addr);

static inline uint64_t *hmm52_entry(const struct hmm_range *range, unsigned long addr)
{
	return &range->pfns[(addr - range->start) >> range->page_shift];
}

#endif
