/* SPDX-License-Identifier: MIT */
/*
 * importer, inside.
 *
 * Rules (I = cited by the tests)
 *	I1  mmap_lock is held from looking the VMA up until the mapping is committed or given back.
 *	I2  kind, dma[] and seq change only under import->lock, which the notifier's callback takes.
 *	I3  who maps compares seq before and after: a revoke that came in between has found nothing to take away.
 *	I4  an invalidation of any part takes the whole import away: no book is kept of halves.
 *
 * Lock order: mmap_lock > [mmu_notifier] > import->lock > the exporter's locks.
 */
#ifndef P2PSIM_DEVICES_IMPORTER_INTERNAL_H
#define P2PSIM_DEVICES_IMPORTER_INTERNAL_H

#include <p2psim/importer.h>
#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/pci.h>

struct p2psim_importer {
	struct pci_dev *pdev;
	const char *name;
	unsigned int flags;	/* enum p2psim_importer_flags */
	unsigned long imports;
};

struct p2psim_import {
	struct p2psim_object obj;	/* what the device has been told, for steps */
	struct mmu_notifier notifier;
	struct p2psim_importer *importer;
	struct mm_struct *mm;
	unsigned long start, end;
	unsigned int flags;		/* enum p2psim_import_flags */

	struct mutex lock;		/* taken by the notifier's callback */
	enum p2psim_import_kind kind;	/* lock */
	unsigned long seq;		/* lock; invalidations so far */
	unsigned int in_flight;		/* DMA under way; steps on obj */
	dma_addr_t *dma;		/* a page each */
	struct page **pages;		/* P2PSIM_IMPORT_GUP */
};

static inline unsigned long import_pages(const struct p2psim_import *import)
{
	return (import->end - import->start) >> PAGE_SHIFT;
}

static inline struct device *import_dev(const struct p2psim_import *import)
{
	return &import->importer->pdev->dev;
}

/* importer_notifier.c */
extern const struct mmu_notifier_ops import_notifier_ops;
/* Stops the device and gives a P2P mapping back.  Context: import->lock. */
void import_drop(struct p2psim_import *import);

/* importer_gup.c: pins `count` pages from `start` on.  0; -errno with nothing pinned.  Context: mmap_lock for reading. */
int import_pin(struct mm_struct *mm, unsigned long start, unsigned long count, bool write, struct page **pages);
void import_unpin(struct page **pages, unsigned long count, bool dirty);
/* Bus addresses of pinned pages.  0 or -ENOMEM with nothing mapped. */
int import_dma_map(struct device *dev, struct page **pages, unsigned long count, dma_addr_t *dma);
void import_dma_unmap(struct device *dev, const dma_addr_t *dma, unsigned long count);

#endif
