/* SPDX-License-Identifier: MIT */
/*
 * A small importer for tests: one region, its page table two arrays, the canonical retry loop.  Knobs make it
 * misbehave.
 *
 *	importer->lock protects pfns[], daddrs[]; order: mmap_lock > [mmu_notifier] > importer->lock
 */
#ifndef TESTS_HMM_IMPORTER_H
#define TESTS_HMM_IMPORTER_H

#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>

#define HMM_IMPORTER_PAGES 64

struct hmm_importer {
	struct mmu_interval_notifier sub;
	struct mutex lock;
	struct device *dev;
	struct mm_struct *mm;
	unsigned long start, end;
	unsigned long pfns[HMM_IMPORTER_PAGES];	/* what the device is programmed with */
	dma_addr_t daddrs[HMM_IMPORTER_PAGES];

	/* Knobs */
	bool no_retry;		/* commits without looking for a collision */
	bool forget_unmap;	/* does not give back before it tries again */
	bool deaf;		/* invalidate() moves the sequence and does nothing else */
	bool early_unlock;	/* lets mmap_lock go before it commits */
	unsigned int tries_max;	/* 0: 100 */

	/* What happened */
	unsigned int tries, events;
	int last_event;
	unsigned long last_start, last_end;
};

int hmm_importer_open(struct hmm_importer *importer, struct device *dev, struct mm_struct *mm, unsigned long start,
		      unsigned long pages);
/* Gives everything back and unsubscribes. */
void hmm_importer_close(struct hmm_importer *importer);
/* Maps [start, end) for `flags` (HMM_PFN_REQ_*) and commits.  0 or -errno, -EBUSY after tries_max collisions. */
int hmm_importer_map(struct hmm_importer *importer, unsigned long start, unsigned long end, unsigned long flags);
/* One try up to the commit: 0 committed, -EAGAIN collided, or the errno. */
int hmm_importer_try(struct hmm_importer *importer, unsigned long start, unsigned long end, unsigned long flags);
void hmm_importer_unmap(struct hmm_importer *importer, unsigned long start, unsigned long end);

static inline unsigned long hmm_importer_pfn(const struct hmm_importer *importer, unsigned long addr)
{
	return importer->pfns[(addr - importer->start) >> PAGE_SHIFT];
}

static inline dma_addr_t hmm_importer_dma(const struct hmm_importer *importer, unsigned long addr)
{
	return importer->daddrs[(addr - importer->start) >> PAGE_SHIFT];
}

/* Entries of [start, end) that the device is programmed with. */
unsigned long hmm_importer_entries(const struct hmm_importer *importer, unsigned long start, unsigned long end);

#endif
