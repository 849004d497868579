/* SPDX-License-Identifier: MIT */
/*
 * hmm_range_dma_map() of regular VMAs.  After RFC 4/5 of 2019-01-29; its callbacks are on the pagemap's ops (src/vma/page_map.c).
 *
 * hmm_range_fault() has found		the entry		and then
 *	a page of RAM			pfn, VALID		dma_map_page()
 *	another device's page, which	pfn, VALID, P2P		p2p_map(), asked for all pages in a row:
 *	its owner may export					  n > 0: n of them have an address; the rest is asked again
 *								  0: this one is faulted, comes back to RAM
 *	nothing, or what was not asked	0, ERROR		-
 *
 * A fault that brings a page back invalidates it, for us as well: MIGRATE reaches our own notifier, hmm_range_fault() says
 * -EBUSY, all is given back, and the caller's next try finds RAM.  The posted patch began anew by itself, with a flag that
 * brought back all pages of devices in the range, those of willing exporters too.
 */
#include <p2psim/linux/memremap.h>

#include "hmm/dma_map.h"
#include "vma/vma_map_internal.h"

/* How many pages one call of p2p_map() is asked for. */
#define PEERS_MAX 32

static int map_ram(struct dma_map *map, unsigned long addr)
{
	unsigned long entry = *dma_map_entry(map, addr);
	struct page *page;

	if (!(entry & HMM_PFN_VALID))
		return 0;
	page = hmm_pfn_to_page(entry);
	if (page)
		*dma_map_address(map, addr) = (dma_map_page)(map->dev, page, 0, PAGE_SIZE, dma_map_direction(entry));
	map->no_address = !dma_map_has(map, addr);
	return map->no_address ? -EFAULT : 0;
}

/* [start, end): no device may keep a page of it. */
static int map_part(struct dma_map *map, unsigned long start, unsigned long end,
		    int (*fault)(struct hmm_range *range))
{
	struct hmm_range part = *map->range;

	part.start = start;
	part.end = end;
	part.hmm_pfns = dma_map_entry(map, start);
	return fault(&part);
}

/* Refused: to RAM with it. */
static int bring_back(struct dma_map *map, unsigned long addr)
{
	int ret = map_part(map, addr, addr + PAGE_SIZE, hmm_range_fault);

	return ret ? ret : map_ram(map, addr);
}

static bool is_peers(unsigned long entry)
{
	return entry & HMM_PFN_P2P;
}

static struct page *page_of(const struct dma_map *map, unsigned long addr)
{
	return pfn_to_page(*dma_map_entry(map, addr) & ~(HMM_PFN_FLAGS | HMM_PFN_P2P));
}

/* Pages that can be asked for together: of one pagemap, alike, in one VMA. */
static unsigned long collect(const struct dma_map *map, unsigned long addr, unsigned long end, struct page **pages)
{
	const unsigned long flags = HMM_PFN_FLAGS | HMM_PFN_P2P, like = *dma_map_entry(map, addr) & flags;
	unsigned long count = 0;

	for (; addr < end && count < PEERS_MAX && (*dma_map_entry(map, addr) & flags) == like; addr += PAGE_SIZE) {
		pages[count] = page_of(map, addr);
		if (pages[count]->pgmap != pages[0]->pgmap)
			break;
		count++;
	}
	return count;
}

/* From `start` on; *next: how far it came. */
static int map_peers(struct dma_map *map, unsigned long start, unsigned long end, unsigned long *next)
{
	struct vm_area_struct *vma = (find_vma)(map->range->notifier->mm, start);
	unsigned long flags = *dma_map_entry(map, start) & (HMM_PFN_FLAGS | HMM_PFN_P2P);
	struct page *pages[PEERS_MAX];
	unsigned long count;
	long mapped;

	if (dma_map_collided(map))
		return -EBUSY;
	count = collect(map, start, min(end, vma->vm_end), pages);
	mapped = p2psim_page_map_seq(vma, map->dev, start, pages, count, dma_map_slots(map, start),
				     flags & HMM_PFN_WRITE, map->range->notifier, map->range->notifier_seq);
	if (mapped < 0)
		return (int)mapped;
	*next = start + ((unsigned long)max(mapped, 1L) << PAGE_SHIFT);
	if (!mapped)
		return bring_back(map, start);
	for (; start < *next; start += PAGE_SIZE)
		*dma_map_entry(map, start) = flags;
	return 0;
}

int dma_map_memory(struct dma_map *map, unsigned long start, unsigned long end)
{
	int ret = map_part(map, start, end, hmm_range_fault_peers);
	unsigned long next;

	for (; start < end && !ret; start = next) {
		next = start + PAGE_SIZE;
		if (is_peers(*dma_map_entry(map, start)))
			ret = map_peers(map, start, end, &next);
		else
			ret = map_ram(map, start);
		next = dma_map_behind(start, next, end);
	}
	return ret;
}
