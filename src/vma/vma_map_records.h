/* SPDX-License-Identifier: MIT */
/*
 * What src/vma/vma_map*.c share.
 *
 * The life of a page's record, with the function on each arrow:
 *
 *	       p2psim_vma_map()         p2p_map() = 0        p2psim_vma_unmap()           p2p_unmap() returns
 *	(none) ---------------> MAPPING -------------> MAPPED ------------------> UNMAPPING -------------> (none)
 *	                           |  p2p_map() failed
 *	                           +-----------------> (none)
 *
 * MAPPING stands *before* the call, so that an invalidation that comes and goes while the exporter works is seen.
 */
#ifndef P2PSIM_VMA_MAP_RECORDS_H
#define P2PSIM_VMA_MAP_RECORDS_H

#include "core/tree.h"
#include "vma/vma_map_internal.h"

enum p2p_state {
	P2P_MAPPING,
	P2P_MAPPED,
	P2P_UNMAPPING,
};

/* One imported page. */
struct p2p_page {
	struct p2psim_tree_node node;	/* in mm->p2p_pages */
	struct list_head vma_entry;	/* in vma->p2p_mappings */
	struct p2p_batch *batch;
	struct vm_area_struct *vma;	/* in which it lies now */
	unsigned long addr;
	dma_addr_t pa;
	u8 state;			/* enum p2p_state */
	bool committed;			/* the device is programmed with it */
	bool stale;			/* an invalidation of it has passed */
};

/* What the pages of one call of p2p_map() have in common; lives as long as one of them. */
struct p2p_batch {
	struct device *importer;
	u32 importer_id;
	unsigned int flags;		/* enum p2psim_vma_map_flags */
	const struct mmu_interval_notifier *sub; /* NULL: an importer without HMM */
	unsigned long seq;
	unsigned long left;		/* pages that have a record */
	int pid;			/* of the task that mapped: it commits, too */
	u64 step;			/* at which it was mapped */
	u64 unmap_step;			/* at which a part of it was unmapped last */
	bool reported;
	struct dev_pagemap *pgmap;	/* whose ops map; NULL: the VMA's */
	struct page **dev_pages;	/* with pgmap: one for each of `pages` */
	struct p2p_page pages[];
};

/* A range that an exporter has granted to an importer (C3).  Bookkeeping: no simulated memory. */
struct p2p_promise {
	struct list_head entry;		/* in mm->p2p_promises */
	u32 importer_id;
	unsigned long start, end;
	bool write;
	u64 step;
};

/* What is written into pa[] before p2p_map(): no bus address. */
#define P2P_NO_ADDRESS (~(dma_addr_t)0)

/* The object inside an importer. */
struct p2psim_object *p2p_importer_object(struct device *importer);
const char *p2p_name(u32 id);
/* Where the pages are from, for sentences. */
const char *p2p_exporter(const struct p2p_batch *batch);

/* The first record at or after `addr`, and the next one; NULL at the end.  Several importers may have a page. */
struct p2p_page *p2p_page_first(struct mm_struct *mm, unsigned long addr);
struct p2p_page *p2p_page_next(struct p2p_page *page);
/* This importer's MAPPED page at `addr`; with several of them, the one that most likely is meant. */
struct p2p_page *p2p_page_find(struct mm_struct *mm, const struct device *importer, unsigned long addr, dma_addr_t pa);
/* `dev_pages` NULL, or the pages that are mapped. */
struct p2p_batch *p2p_batch_create(struct vm_area_struct *vma, struct device *importer, unsigned long start,
				   unsigned long end, unsigned int flags, struct page *const *dev_pages);
/* Takes a page out; frees the batch with its last one. */
void p2p_page_forget(struct mm_struct *mm, struct p2p_page *page);

/* ---- vma_map.c, for both kinds of exporters ---- */

void p2p_check_locks(struct mm_struct *mm);
void p2p_check_locks_after(unsigned int before, const char *what, u32 importer_id);
void p2p_records_step(struct mm_struct *mm, unsigned long start, unsigned long end, const char *label);

/* ---- page_map.c ---- */

/* Gives `count` device-private pages back, from `first` on, all of its batch. */
void p2p_unmap_pages(struct p2p_page *first, unsigned long count, dma_addr_t *pa);

/* C3: remembers a success; judges a failure. */
void p2p_promise_keep(struct mm_struct *mm, u32 importer_id, unsigned long start, unsigned long end, bool write);
void p2p_promise_judge(struct mm_struct *mm, u32 importer_id, unsigned long start, unsigned long end, bool write,
		       long ret);
/* importer_id 0: everybody's. */
void p2p_promise_drop(struct mm_struct *mm, u32 importer_id, unsigned long start, unsigned long end);
void p2p_promise_move(struct mm_struct *mm, unsigned long old_addr, unsigned long new_addr, unsigned long len);

/* mm->invalidated. */
void p2p_judge_invalidation(struct mm_struct *mm, const struct mmu_notifier_range *range);

#endif
