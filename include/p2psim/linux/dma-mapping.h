/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/dma-mapping.h, dma-direction.h, 6.12 (reduced: dma-direct without IOMMU, bounce buffers,
 * coherent memory and attributes).
 *
 * Without an IOMMU a mapping changes no address: the device puts the CPU's physical address on the bus.  It is a
 * promise all the same, and p2psim keeps a book of them for each device: what is never unmapped is a LEAK, an unmap of
 * what was not mapped (twice, another size, another direction) is a BALANCE violation, a device that uses an address
 * whose mapping is gone makes a STALE access.
 */
#ifndef P2PSIM_LINUX_DMA_MAPPING_H
#define P2PSIM_LINUX_DMA_MAPPING_H

#include <p2psim/linux/device.h>

/* Same. */
enum dma_data_direction {
	DMA_BIDIRECTIONAL = 0,
	DMA_TO_DEVICE = 1,
	DMA_FROM_DEVICE = 2,
	DMA_NONE = 3,
};

#define DMA_MAPPING_ERROR (~(dma_addr_t)0)
#define DMA_BIT_MASK(n) (((n) == 64) ? ~0ULL : ((1ULL << (n)) - 1))

/* 0, or -EIO: a mask of less than 24 bits serves no machine, and a device without dma_mask does no DMA. */
P2PSIM_EXPORT int dma_set_mask(struct device *dev, u64 mask);
P2PSIM_EXPORT int dma_set_mask_and_coherent(struct device *dev, u64 mask);
P2PSIM_EXPORT u64 dma_get_mask(struct device *dev);

/*
 * Lets the device reach `size` bytes at `offset` of the page.  0 is a valid address; test with dma_mapping_error().
 * Return: the DMA address; DMA_MAPPING_ERROR when it lies beyond the mask (where a kernel would bounce) or the device
 * is gone.  A device without dma_mask, or DMA_NONE: CONTRACT, and the error.
 * Context: any; one step on the device.  Takes no reference of the page: its lifetime is the caller's business.
 */
P2PSIM_EXPORT dma_addr_t dma_map_page(struct device *dev, struct page *page, size_t offset, size_t size,
				      enum dma_data_direction dir);
P2PSIM_EXPORT void dma_unmap_page(struct device *dev, dma_addr_t addr, size_t size, enum dma_data_direction dir);
/*
 * The same for device memory without struct page, by CPU address.  Knows nothing of routes: it maps even what no TLP
 * can reach, and returns the CPU address unchanged, without the host bridge's offset (as recorded).
 * A range of RAM: CONTRACT, and the error.
 */
P2PSIM_EXPORT dma_addr_t dma_map_resource(struct device *dev, phys_addr_t phys_addr, size_t size,
					  enum dma_data_direction dir, unsigned long attrs);
P2PSIM_EXPORT void dma_unmap_resource(struct device *dev, dma_addr_t addr, size_t size, enum dma_data_direction dir,
				      unsigned long attrs);

#define dma_map_page(d, p, o, s, r) (P2PSIM_HERE(), dma_map_page(d, p, o, s, r))
#define dma_unmap_page(d, a, s, r) (P2PSIM_HERE(), dma_unmap_page(d, a, s, r))
#define dma_map_resource(d, p, s, r, t) (P2PSIM_HERE(), dma_map_resource(d, p, s, r, t))
#define dma_unmap_resource(d, a, s, r, t) (P2PSIM_HERE(), dma_unmap_resource(d, a, s, r, t))

/* -ENOMEM for DMA_MAPPING_ERROR, else 0. */
static inline int dma_mapping_error(struct device *dev, dma_addr_t addr)
{
	(void)dev;
	return addr == DMA_MAPPING_ERROR ? -ENOMEM : 0;
}

static inline bool valid_dma_direction(enum dma_data_direction dir)
{
	return dir == DMA_BIDIRECTIONAL || dir == DMA_TO_DEVICE || dir == DMA_FROM_DEVICE;
}

#endif
