/* SPDX-License-Identifier: MIT */
/*
 * hmm_range_dma_map() and hmm_range_dma_unmap() of 5.2, with what patches 4/5 and 5/5 of the RFC of 2019-01-29 add: pages of
 * devices by their pagemap's p2p_map(), one at a time, and VMAs of devices by theirs.
 *
 *	pfns[i]		daddrs[i]
 *	VALID		of dma_map_page()
 *	SPECIAL		of a p2p_map(); there is no page
 *	NONE		0, which may be an address, too: look at pfns[i]
 *
 * One address for each page of the range: an exporter counts in pages of PAGE_SIZE, so that a range of larger ones has too
 * little room for a device VMA: -EINVAL (R9).
 */
#include <p2psim/check.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/trace.h>
#include <p2psim/vma_map.h>

#include "hmm/legacy.h"
#include "vma/vma_map_internal.h"

static dma_addr_t *address_of(const struct hmm_range *range, dma_addr_t *daddrs, unsigned long addr)
{
	return &daddrs[(addr - range->start) >> range->page_shift];
}

static enum dma_data_direction direction_of(const struct hmm_range *range, uint64_t entry)
{
	return entry & range->flags[HMM_PFN_WRITE] ? DMA_BIDIRECTIONAL : DMA_TO_DEVICE;
}

static bool is_exported(const struct vm_area_struct *vma)
{
	return vma->vm_ops && vma->vm_ops->p2p_map;
}

static int map_ram(struct hmm_range *range, struct device *device, dma_addr_t *daddr, uint64_t entry)
{
	struct page *page = hmm_device_entry_to_page(range, entry);

	if (!page)
		return 0;
	*daddr = dma_map_page(device, page, 0, PAGE_SIZE, direction_of(range, entry));
	return dma_mapping_error(device, *daddr) ? -EFAULT : 0;
}

/* Refused: to RAM with it.  MIGRATE makes our own range invalid on the way. */
static int bring_back(struct hmm_range *range, struct device *device, dma_addr_t *daddr, unsigned long addr)
{
	struct hmm52_walk walk = {
		.range = range, .last = addr, .end = addr + PAGE_SIZE, .fault = true, .block = true,
	};
	int ret = hmm52_walk(&walk);

	if (!ret && hmm52_collided(range))
		ret = -EBUSY;
	return ret ? ret : map_ram(range, device, daddr, *hmm52_entry(range, addr));
}

/* A page in the memory of another device: its owner is asked. */
static int map_peers(struct hmm_range *range, struct device *device, dma_addr_t *daddr, unsigned long addr)
{
	uint64_t entry = *hmm52_entry(range, addr);
	struct vm_area_struct *vma = (find_vma)(range->hmm->mm, addr);
	struct page *page = hmm_device_entry_to_page(range, entry);
	long mapped = p2psim_page_map_seq(vma, device, addr, &page, 1, daddr, entry & range->flags[HMM_PFN_WRITE], NULL, 0);

	if (mapped < 0)
		return (int)mapped;
	if (!mapped)
		return bring_back(range, device, daddr, addr);
	*hmm52_entry(range, addr) = range->values[HMM_PFN_SPECIAL];
	return 0;
}

/* Pages of [start, end), all VALID or NONE. */
static int map_pages(struct hmm_range *range, struct device *device, dma_addr_t *daddrs, unsigned long start,
		     unsigned long end)
{
	int ret = 0;

	for (; start < end; start += PAGE_SIZE) {
		struct page *page = hmm_device_entry_to_page(range, *hmm52_entry(range, start));
		dma_addr_t *daddr = address_of(range, daddrs, start);

		if (!page)
			continue;
		ret = hmm52_collided(range) ? -EBUSY : 0;
		if (!ret && is_device_private_page(page))
			ret = map_peers(range, device, daddr, start);
		else if (!ret)
			ret = map_ram(range, device, daddr, *hmm52_entry(range, start));
		if (ret)
			break;
	}
	hmm52_fill_none(range, start, end); /* what has no address */
	return ret;
}

static int map_memory(struct hmm52_walk *walk, struct device *device, dma_addr_t *daddrs, unsigned long end)
{
	unsigned long start = walk->last;
	int ret;

	walk->end = end;
	walk->peers = true;
	ret = hmm52_walk(walk);
	if (ret) {
		hmm52_fill_none(walk->range, start, end);
		return ret;
	}
	return map_pages(walk->range, device, daddrs, start, end);
}

static bool wants_to_write(const struct hmm_range *range, unsigned long start, unsigned long end)
{
	for (; start < end; start += 1UL << range->page_shift)
		if (hmm52_request(range, start) & range->flags[HMM_PFN_WRITE])
			return true;
	return false;
}

/* The exporter's addresses, one for each PAGE_SIZE, and the range's entries, one for each 1 << page_shift. */
static int check_room(const struct hmm_range *range, unsigned long start, unsigned long end)
{
	if (range->page_shift == PAGE_SHIFT)
		return 0;
	if (p2psim_quirk_on(P2PSIM_QUIRK_R9_TWO_PAGE_SIZES))
		p2psim_violate(P2PSIM_RANGE, 0, range->hmm->obj.id, 0,
			       "p2p_map() fills %lu addresses where the range has room for %lu",
			       (end - start) >> PAGE_SHIFT, (end - start) >> range->page_shift);
	return -EINVAL;
}

static int map_device(struct hmm52_walk *walk, struct vm_area_struct *vma, struct device *device, dma_addr_t *daddrs,
		      unsigned long end)
{
	struct hmm_range *range = walk->range;
	unsigned long start = walk->last;
	int ret = check_room(range, start, end);

	if (!ret)
		ret = p2psim_vma_map(vma, device, start, end, address_of(range, daddrs, start),
				     wants_to_write(range, start, end));
	if (ret)
		return ret == -EPERM || ret == -EBUSY || ret == -ENOMEM || ret == -EINVAL ? ret : -EFAULT;
	for (; walk->last < end; walk->last += PAGE_SIZE)
		*hmm52_entry(range, walk->last) = range->values[HMM_PFN_SPECIAL];
	return 0;
}

static int map_all(struct hmm52_walk *walk, struct device *device, dma_addr_t *daddrs)
{
	unsigned long end = walk->range->end;
	int ret = 0;

	while (walk->last < end && !ret) {
		struct vm_area_struct *vma = (find_vma)(walk->range->hmm->mm, walk->last);
		unsigned long next = vma ? min(vma->vm_end, end) : end;

		if (vma && vma->vm_start <= walk->last && is_exported(vma))
			ret = map_device(walk, vma, device, daddrs, next);
		else
			ret = map_memory(walk, device, daddrs, next);
	}
	return !ret && hmm52_collided(walk->range) ? -EBUSY : ret;
}

static void unmap_page(struct hmm_range *range, struct device *device, dma_addr_t *daddr, uint64_t entry, bool dirty)
{
	struct page *page = hmm_device_entry_to_page(range, entry);

	dma_unmap_page(device, *daddr, PAGE_SIZE, direction_of(range, entry));
	if (dirty && (entry & range->flags[HMM_PFN_WRITE]))
		set_page_dirty(page);
}

/* [range->start, end). */
static long unmap_until(struct hmm_range *range, unsigned long end, struct device *device, dma_addr_t *daddrs, bool dirty)
{
	unsigned long addr;
	long pages = 0;

	for (addr = range->start; addr < end; addr += 1UL << range->page_shift) {
		uint64_t *entry = hmm52_entry(range, addr);
		dma_addr_t *daddr = address_of(range, daddrs, addr);

		if (*entry == range->values[HMM_PFN_SPECIAL])
			p2psim_vma_unmap(range->hmm->mm, device, addr, addr + PAGE_SIZE, daddr);
		else if (hmm_device_entry_to_page(range, *entry))
			unmap_page(range, device, daddr, *entry, dirty);
		else
			continue;
		*entry = range->values[HMM_PFN_NONE];
		*daddr = 0;
		pages++;
	}
	return pages;
}

static long count_mapped(const struct hmm_range *range)
{
	unsigned long addr;
	long pages = 0;

	for (addr = range->start; addr < range->end; addr += 1UL << range->page_shift)
		pages += *hmm52_entry(range, addr) != range->values[HMM_PFN_NONE];
	return pages;
}

long p2psim_hmm52_range_dma_map(struct hmm_range *range, struct device *device, dma_addr_t *daddrs, bool block)
{
	struct hmm52_walk walk = { .range = range, .last = range->start, .fault = true, .block = block };
	long ret;

	if (!hmm52_check_caller(range, "hmm_range_dma_map()"))
		return -EFAULT;
	p2psim_enter("hmm_range_dma_map(%p, %p)", range->start, range->end);
	ret = hmm52_begin_reading(range) ? map_all(&walk, device, daddrs) : -EBUSY;
	if (ret) {
		hmm52_fill_none(range, walk.last, range->end);
		unmap_until(range, range->end, device, daddrs, false);
	}
	if (!ret)
		ret = count_mapped(range);
	p2psim_leave(ret < 0 ? "hmm_range_dma_map() = %e" : "hmm_range_dma_map() = %d", (uint64_t)ret);
	return ret;
}

long p2psim_hmm52_range_dma_unmap(struct hmm_range *range, struct vm_area_struct *vma, struct device *device,
				  dma_addr_t *daddrs, bool dirty)
{
	if (!range->hmm || !daddrs || range->end <= range->start)
		return -EINVAL;
	return unmap_until(range, range->end, device, daddrs, dirty);
}
