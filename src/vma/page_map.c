/* SPDX-License-Identifier: MIT */
/*
 * Importers meet the memory of a device inside a regular VMA: dev_pagemap_ops.p2p_map() and p2p_unmap().
 *
 * After "[RFC PATCH 4/5] mm/hmm: add support for peer to peer to HMM device memory" (Glisse, 2019-01-29).  The page is
 * device-private, the CPU's page table has an entry like that of a swapped-out page, and whoever wants it asks its owner:
 *
 *	importer			owner (pgmap->ops)		the page
 *	p2p_map() = n > 0		gives n bus addresses		stays
 *	p2p_map() = 0			refuses				migrate_to_ram(): main memory, for everybody
 *
 * so that importing never fails because of policy.  What differs from a device VMA (vma_map.c), rule by rule:
 *
 *	C1	without p2p_map(): as if it had refused
 *	C3	nothing is promised: who is refused finds the page in RAM
 *	C4	MIGRATE counts, too: it comes before the page goes, by a CPU's touch, eviction or a refusal
 *	C7	a map pins nothing: no reference of the page is taken
 *	C12	the page is freed after the invalidation, its memory handed out after p2p_unmap()
 *
 * The posted patch had the two callbacks in struct hmm_devmem_ops, which Linux 5.3 gave up for dev_pagemap_ops.
 */
#include <p2psim/check.h>
#include <p2psim/linux/kernel.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/lock.h>
#include <p2psim/quirk.h>
#include <p2psim/reason.h>
#include <p2psim/trace.h>

#include "vma/vma_map_records.h"

/* How many pages of the answer are to be believed. */
static long check_result(const struct p2p_batch *batch, unsigned long npages, const dma_addr_t *pa, long ret)
{
	unsigned long i;

	if (ret > (long)npages) {
		p2psim_violate(P2PSIM_CONTRACT, 0, batch->importer_id, 0,
			       "p2p_map() of a pagemap returned %ld: it was asked for %lu page(s)", ret, npages);
		ret = (long)npages;
	}
	for (i = 0; (long)i < ret; i++) {
		if (PAGE_ALIGNED(pa[i]))
			continue;
		p2psim_violate(P2PSIM_CONTRACT, 0, batch->importer_id, 0,
			       "p2p_map() of a pagemap mapped %ld page(s) and left no address for page %lu", ret, i);
		return (long)i;
	}
	return max(ret, 0L);
}

static long call_map(struct p2p_batch *batch, unsigned long start, unsigned long npages, dma_addr_t *pa)
{
	unsigned int locks = p2psim_locks_held();
	unsigned long i;
	long ret;

	for (i = 0; i < npages; i++)
		pa[i] = P2P_NO_ADDRESS;
	p2psim_refusal_clear();
	p2psim_enter("pgmap p2p_map(%p, %p) for %o", start, start + (npages << PAGE_SHIFT), batch->importer_id);
	ret = batch->pgmap->ops->p2p_map(batch->pgmap, batch->importer, batch->dev_pages, npages, pa,
					 batch->flags & P2PSIM_VMA_MAP_WRITE);
	p2psim_leave(ret < 0 ? "pgmap p2p_map() = %e" : "pgmap p2p_map() = %d", (uint64_t)ret);
	p2p_check_locks_after(locks, "p2p_map()", batch->importer_id);
	if (!ret && p2psim_quirk_on(P2PSIM_QUIRK_R10_TWO_CONVENTIONS))
		ret = (long)npages; /* "no error" */
	return check_result(batch, npages, pa, ret);
}

long p2psim_page_map_seq(struct vm_area_struct *vma, struct device *importer, unsigned long start,
			 struct page *const *pages, unsigned long npages, dma_addr_t *pa, bool write,
			 const struct mmu_interval_notifier *sub, unsigned long seq)
{
	unsigned long end = start + (npages << PAGE_SHIFT), i;
	struct mm_struct *mm = vma->vm_mm;
	struct p2p_batch *batch;
	long mapped;

	p2p_check_locks(mm);
	p2p_records_step(mm, start, end, "p2p:map");
	batch = p2p_batch_create(vma, importer, start, end, write ? P2PSIM_VMA_MAP_WRITE : P2PSIM_VMA_MAP_NO_FLAGS,
				 pages);
	if (!batch)
		return -ENOMEM;
	batch->sub = sub;
	batch->seq = seq;
	mapped = call_map(batch, start, npages, pa);
	for (i = 0; (long)i < mapped; i++) {
		batch->pages[i].pa = pa[i];
		batch->pages[i].state = P2P_MAPPED;
	}
	for (i = npages; (long)i-- > mapped;)
		p2p_page_forget(mm, &batch->pages[i]);
	return mapped;
}

void p2p_unmap_pages(struct p2p_page *first, unsigned long count, dma_addr_t *pa)
{
	const struct p2p_batch *batch = first->batch;
	const struct dev_pagemap_ops *ops = batch->pgmap->ops;
	unsigned long done;

	if (!ops->p2p_unmap)
		return;
	done = ops->p2p_unmap(batch->pgmap, batch->importer, &batch->dev_pages[first - batch->pages], count, pa);
	if (done != count)
		p2psim_violate(P2PSIM_CONTRACT, 0, batch->importer_id, 0,
			       "p2p_unmap() of a pagemap returned %lu for %lu page(s): an unmap cannot fail", done, count);
}
