/* SPDX-License-Identifier: MIT */
/*
 * hmm_range_dma_map() and hmm_range_dma_unmap(): page tables into bus addresses, device VMAs included.
 * Mirrors: the RFC of 2019-01-29, patches 4 and 5; 5.2's mm/hmm.c for the rest.
 *
 * The range is cut into pieces, in ascending order; the first error wins and takes everything back (9.12):
 *
 *	   anonymous   hole   device VMA, p2p_map()   device VMA, none
 *	|------------|------|-----------------------|------------------|
 *	 dma_map_memory()       p2psim_vma_map()       dma_map_memory()
 *
 * What the posted code got wrong, and what stands here instead (each is a test in tests/hmm/dma_map.c, and a quirk):
 *
 *	R1	pci_test_p2p() was always false			(src/p2p)
 *	R2, R3	the second run of pages overwrote the first's addresses, pages were skipped	dma_map_address()
 *	R4, R6	the unwinding ran the wrong way, or never reached p2p_unmap()	one way back: hmm_range_dma_unmap()
 *	R5	unmap advanced by a running total		runs are [start, end)
 *	R7	pages were counted wrong			nothing is counted: 0 or -errno
 *	R8	unmap took one VMA				the records know (<p2psim/vma_map.h>)
 *	R9	indexes in two page sizes			one page size
 *	R10	two return conventions				one
 *	R11	no retry protection				check_retry() before and after; all given back
 *	R12	p2p_map(write) on a read-only VMA		p2psim_vma_map() looks first
 *	R13	earlier VMAs stayed mapped after an error	as R4
 *
 * An exporter's refusal is -EFAULT for the caller (Glisse, 2019-01-30: "you will get the same error"), but -EPERM,
 * -EBUSY and -ENOMEM, which ask for different things, stay what they are.
 */
#include <p2psim/check.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/quirk.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>
#include <p2psim/vma_map.h>

#include "hmm/dma_map.h"
#include "vma/vma_map_records.h"

_Static_assert(offsetof(struct device, obj) == 0, "the vma layer finds an importer's object at its start");

static void clear_addresses(const struct dma_map *map, unsigned long start, unsigned long end)
{
	for (; start < end; start += PAGE_SIZE)
		*dma_map_address(map, start) = DMA_MAPPING_ERROR;
}

/* The right-hand column of refusals. */
static int translate(int error)
{
	return error == -EPERM || error == -EBUSY || error == -ENOMEM ? error : -EFAULT;
}

/* ---- As the RFC was posted: what the quirks do instead ---- */

static bool is_p2p(const struct dma_map *map, unsigned long addr)
{
	return dma_map_has(map, addr) && (*dma_map_entry(map, addr) & HMM_PFN_P2P);
}

/* 5/5's half of them: not in a device's memory, which is 4/5's. */
static bool is_device_vma(const struct dma_map *map, unsigned long addr)
{
	const struct p2p_page *page = p2p_page_first(map->range->notifier->mm, addr);

	return is_p2p(map, addr) && page && page->addr == addr && !page->batch->pgmap;
}

/* R7: the walk stands where the last VMA of the device begins, so nothing seems to be there yet. */
static bool counts_too_little(const struct dma_map *map)
{
	return p2psim_quirk_on(P2PSIM_QUIRK_R7_NOTHING_COUNTED) && is_device_vma(map, map->range->end - PAGE_SIZE);
}

static void give_back(const struct dma_map *map, unsigned long start, unsigned long end)
{
	(hmm_range_dma_unmap)(map->range, map->dev, map->daddrs, start, end);
}

/* R6, R13 */
static void give_back_memory(const struct dma_map *map)
{
	unsigned long addr;

	for (addr = map->range->start; addr < map->range->end; addr += PAGE_SIZE)
		if (!is_p2p(map, addr))
			give_back(map, addr, addr + PAGE_SIZE);
}

/* After an error: all of it. */
static void unwind(const struct dma_map *map, int error)
{
	const struct hmm_range *range = map->range;

	if (error == -EBUSY && p2psim_quirk_on(P2PSIM_QUIRK_R11_NO_RETRY))
		return;
	if (p2psim_quirk_on(map->no_address ? P2PSIM_QUIRK_R6_UNWIND_SKIPS_P2P : P2PSIM_QUIRK_R13_EARLIER_VMAS_STAY))
		give_back_memory(map);
	else if (p2psim_quirk_on(P2PSIM_QUIRK_R4_UNWIND_FORWARD))
		give_back(map, range->start, range->start + PAGE_SIZE);
	else
		give_back(map, range->start, range->end);
}

/* Where unmapping goes on after the run [start, next).  R5: steps on by all device pages so far. */
static unsigned long behind_unmapped(unsigned long start, unsigned long next, bool was_p2p, unsigned long *p2p_bytes)
{
	*p2p_bytes += was_p2p ? next - start : 0;
	return was_p2p && p2psim_quirk_on(P2PSIM_QUIRK_R5_RUNNING_TOTAL) ? start + *p2p_bytes : next;
}

/* R8: all device pages were unmapped through one VMA. */
static void check_one_vma(const struct dma_map *map, unsigned long start, unsigned long end)
{
	struct mm_struct *mm = map->range->notifier->mm;
	const struct p2p_page *first = p2p_page_first(mm, start), *last = p2p_page_first(mm, end - PAGE_SIZE);

	if (p2psim_quirk_on(P2PSIM_QUIRK_R8_ONE_VMA) && first && last && first->vma != last->vma &&
	    is_device_vma(map, start) && is_device_vma(map, end - PAGE_SIZE))
		p2psim_violate(P2PSIM_CONTRACT, 0, map->range->notifier->obj.id, 0,
			       "BUG: 0x%lx is unmapped with the VMA that ends at 0x%lx", last->addr, first->vma->vm_end);
}

/* ---- Mapping ---- */

static bool asks(const struct dma_map *map, unsigned long addr)
{
	return hmm_request(map->range, addr) & HMM_PFN_REQ_FAULT;
}

static int map_run(const struct dma_map *map, struct vm_area_struct *vma, unsigned long start, unsigned long end,
		   bool write)
{
	unsigned long entry = HMM_PFN_VALID | HMM_PFN_P2P | (write ? HMM_PFN_WRITE : 0);
	int ret;

	if (dma_map_collided(map))
		return -EBUSY;
	ret = p2psim_vma_map_seq(vma, map->dev, start, end, dma_map_slots(map, start),
				 write ? P2PSIM_VMA_MAP_WRITE : P2PSIM_VMA_MAP_NO_FLAGS, map->range->notifier,
				 map->range->notifier_seq);
	if (ret) {
		clear_addresses(map, start, end);
		return translate(ret);
	}
	for (; start < end; start += PAGE_SIZE)
		*dma_map_entry(map, start) = entry;
	return 0;
}

/* A device VMA: pages in a row that ask go to the exporter together, for writing if one of them wants to write. */
static int map_device(const struct dma_map *map, struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	unsigned long next;
	int ret = 0;

	for (; start < end && !ret; start = next) {
		bool write = false;

		for (next = start; next < end && asks(map, next); next += PAGE_SIZE)
			write |= hmm_request(map->range, next) & HMM_PFN_REQ_WRITE;
		if (next > start) {
			ret = map_run(map, vma, start, next, write);
		} else {
			*dma_map_entry(map, start) = HMM_PFN_ERROR;
			next = start + PAGE_SIZE;
		}
	}
	return ret;
}

static bool is_exported(const struct vm_area_struct *vma)
{
	return vma->vm_ops && vma->vm_ops->p2p_map;
}

/* The first exported VMA that has a part of [start, end), or NULL. */
static struct vm_area_struct *next_exported(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = (find_vma)(mm, start);

	while (vma && vma->vm_start < end && !is_exported(vma))
		vma = (find_vma)(mm, vma->vm_end);
	return vma && vma->vm_start < end ? vma : NULL;
}

static int map_all(struct dma_map *map)
{
	unsigned long addr = map->range->start, end = map->range->end, next;
	int ret = 0;

	for (; addr < end && !ret; addr = next) {
		struct vm_area_struct *vma = next_exported(map->range->notifier->mm, addr, end);

		next = vma ? vma->vm_start : end;
		if (addr < next) {
			ret = dma_map_memory(map, addr, next);
		} else {
			next = min(vma->vm_end, end);
			ret = map_device(map, vma, addr, next);
			next = dma_map_behind(addr, next, end);
		}
	}
	return !ret && (dma_map_collided(map) || counts_too_little(map)) ? -EBUSY : ret;
}

int(hmm_range_dma_map)(struct hmm_range *range, struct device *dev, dma_addr_t *daddrs)
{
	struct dma_map map = { .range = range, .dev = dev, .daddrs = daddrs };
	int ret;

	if (range->start >= range->end)
		return -EINVAL;
	hmm_check_caller(range, "hmm_range_dma_map()");
	p2psim_enter("hmm_range_dma_map(%p, %p)", range->start, range->end);
	clear_addresses(&map, range->start, range->end);
	ret = map_all(&map);
	if (ret)
		unwind(&map, ret);
	else
		p2psim_step("hmm:mapped");
	p2psim_leave("hmm_range_dma_map() = %e", ret);
	return ret;
}

static void unmap_page(const struct dma_map *map, unsigned long addr)
{
	(dma_unmap_page)(map->dev, *dma_map_address(map, addr), PAGE_SIZE, dma_map_direction(*dma_map_entry(map, addr)));
}

/* What begins at `addr`: a page of RAM, or all device pages in a row.  Returns its end. */
static unsigned long unmap_run(const struct dma_map *map, unsigned long addr, unsigned long end)
{
	unsigned long next = addr + PAGE_SIZE;

	if (is_p2p(map, addr)) {
		while (next < end && is_p2p(map, next))
			next += PAGE_SIZE;
		check_one_vma(map, addr, next);
		p2psim_vma_unmap(map->range->notifier->mm, map->dev, addr, next, dma_map_address(map, addr));
	} else if (dma_map_has(map, addr)) {
		unmap_page(map, addr);
	} else {
		return next;
	}
	clear_addresses(map, addr, next);
	for (; addr < next; addr += PAGE_SIZE)
		*dma_map_entry(map, addr) = 0;
	return next;
}

int(hmm_range_dma_unmap)(struct hmm_range *range, struct device *dev, dma_addr_t *daddrs, unsigned long start,
			 unsigned long end)
{
	struct dma_map map = { .range = range, .dev = dev, .daddrs = daddrs };
	unsigned long next, p2p_bytes = 0;
	bool was_p2p;

	if (start < range->start || end > range->end || start > end || !PAGE_ALIGNED(start) || !PAGE_ALIGNED(end))
		return -EINVAL;
	p2psim_step("hmm:unmap");
	for (; start < end; start = behind_unmapped(start, next, was_p2p, &p2p_bytes)) {
		was_p2p = is_p2p(&map, start);
		next = unmap_run(&map, start, end);
	}
	return 0;
}
