/* SPDX-License-Identifier: MIT */
/*
 * One call of hmm_range_dma_map(), for the files that do it:
 *
 *	dma_map.c		pieces, device VMAs, the way back
 *	dma_map_memory.c	regular VMAs: RAM, and pages of devices
 */
#ifndef P2PSIM_HMM_DMA_MAP_H
#define P2PSIM_HMM_DMA_MAP_H

#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/quirk.h>

#include "hmm/hmm_internal.h"

/* The range and where its addresses go. */
struct dma_map {
	struct hmm_range *range;
	struct device *dev;
	dma_addr_t *daddrs;
	bool no_address;	/* what failed is a page of RAM that the device cannot reach */
};

static inline unsigned long dma_map_index(const struct dma_map *map, unsigned long addr)
{
	return (addr - map->range->start) >> PAGE_SHIFT;
}

static inline dma_addr_t *dma_map_address(const struct dma_map *map, unsigned long addr)
{
	return &map->daddrs[dma_map_index(map, addr)];
}

static inline unsigned long *dma_map_entry(const struct dma_map *map, unsigned long addr)
{
	return &map->range->hmm_pfns[dma_map_index(map, addr)];
}

/* Is it mapped?  Input bits look like output bits: only the address tells. */
static inline bool dma_map_has(const struct dma_map *map, unsigned long addr)
{
	return (*dma_map_entry(map, addr) & HMM_PFN_VALID) && *dma_map_address(map, addr) != DMA_MAPPING_ERROR;
}

static inline enum dma_data_direction dma_map_direction(unsigned long entry)
{
	return entry & HMM_PFN_WRITE ? DMA_BIDIRECTIONAL : DMA_TO_DEVICE;
}

static inline bool dma_map_collided(const struct dma_map *map)
{
	return mmu_interval_check_retry(map->range->notifier, map->range->notifier_seq);
}

/* Where p2p_map() puts the addresses of a run.  R2: always at the beginning. */
static inline dma_addr_t *dma_map_slots(const struct dma_map *map, unsigned long start)
{
	return p2psim_quirk_on(P2PSIM_QUIRK_R2_FIRST_SLOT) ? map->daddrs : dma_map_address(map, start);
}

/* Where mapping goes on after [start, next).  R3: the loop counts once more after a run of several pages. */
static inline unsigned long dma_map_behind(unsigned long start, unsigned long next, unsigned long end)
{
	if (next - start > PAGE_SIZE && p2psim_quirk_on(P2PSIM_QUIRK_R3_SKIPS_A_PAGE))
		return min(next + PAGE_SIZE, end);
	return next;
}

/*
 * [start, end), in which nothing is exported by a VMA: RAM, holes, device VMAs of which hmm_range_fault() says what it thinks,
 * and pages in the memory of devices.  0 or -errno; what was mapped until then is mapped still.
 */
int dma_map_memory(struct dma_map *map, unsigned long start, unsigned long end);

#endif
