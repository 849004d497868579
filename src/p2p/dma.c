/* SPDX-License-Identifier: MIT */
/*
 * DMA mappings without IOMMU: an address is what the CPU has for the same place.
 * Mirrors: kernel/dma/direct.c, mapping.c, 6.1 (reduced: no bounce buffers; an address beyond the mask fails).
 *
 * Every call is a step on the device, whose unit is the page of its DMA address space, and an entry of its book (dma_book.c).
 */
#include <p2psim/check.h>
#include <p2psim/linux/mm.h>
#include <p2psim/ram.h>

#include "p2p/internal.h"
#include "vma/lowmem.h"

#define MASK_BITS_MIN 24

void p2psim_dma_step(struct device *dev, u64 start, u64 end, const char *label)
{
	p2psim_step_range(P2PSIM_STEP_WRITE, p2psim_object_id(&dev->obj), true, start >> PAGE_SHIFT,
			  (end - 1) >> PAGE_SHIFT, label);
}

bool p2psim_dma_fits_mask(const struct device *dev, u64 addr, u64 size)
{
	u64 limit = dev->dma_mask ? *dev->dma_mask : 0;

	if (dev->bus_dma_limit)
		limit = min(limit, dev->bus_dma_limit);
	return size && addr + size - 1 >= addr && addr + size - 1 <= limit;
}

bool p2psim_dma_may_map(struct device *dev, u64 addr, size_t size, enum dma_data_direction dir)
{
	if (!dev->dma_mask || !valid_dma_direction(dir)) {
		p2psim_violate(P2PSIM_CONTRACT, 0, p2psim_object_id(&dev->obj), 0, "%s maps %s", dev_name(dev),
			       dev->dma_mask ? "in no direction" : "without a DMA mask");
		return false;
	}
	return !dev->gone && p2psim_dma_fits_mask(dev, addr, size);
}

dma_addr_t(dma_map_page)(struct device *dev, struct page *page, size_t offset, size_t size,
			 enum dma_data_direction dir)
{
	dma_addr_t addr = ((u64)page->pfn << PAGE_SHIFT) + offset;

	p2psim_dma_step(dev, addr, addr + (size ? size : 1), "dma_map_page");
	if (!p2psim_dma_may_map(dev, addr, size, dir) ||
	    p2psim_mapping_add(dev, addr, size, P2PSIM_MAPPING_PAGE, dir, NULL, 0))
		return DMA_MAPPING_ERROR;
	return addr;
}

bool p2psim_dma_is_whole(struct device *dev, const struct page *page, size_t offset, size_t size)
{
	struct p2psim_kmalloc memory;

	if (!lowmem_is_kmalloc(page))
		return true;
	if (!p2psim_kmalloc_around((const char *)page->data + offset, &memory) || memory.freed) {
		p2psim_violate(P2PSIM_UAF, 0, p2psim_object_id(&dev->obj), 0, "memory that was freed is mapped for %s",
			       dev_name(dev));
		return false;
	}
	if (memory.offset + size > memory.size) {
		p2psim_violate(P2PSIM_RANGE, 0, p2psim_object_id(&dev->obj), memory.id,
			       "%zu bytes are mapped for %s from byte %llu on of the %u bytes that %s() allocated", size,
			       dev_name(dev), (unsigned long long)memory.offset, memory.size,
			       memory.site ? memory.site->func : "?");
		return false;
	}
	return true;
}

/* What a kernel may need for it, an IOVA or a bounce buffer, it may not get. */
dma_addr_t(dma_map_single)(struct device *dev, void *ptr, size_t size, enum dma_data_direction dir)
{
	struct page *page = (virt_to_page)(ptr);

	if (!page || !p2psim_dma_is_whole(dev, page, offset_in_page(ptr), size) || p2psim_inject_point())
		return DMA_MAPPING_ERROR;
	return (dma_map_page)(dev, page, offset_in_page(ptr), size, dir);
}

dma_addr_t(dma_map_resource)(struct device *dev, phys_addr_t phys_addr, size_t size, enum dma_data_direction dir,
			     unsigned long attrs)
{
	p2psim_dma_step(dev, phys_addr, phys_addr + (size ? size : 1), "dma_map_resource");
	if (p2psim_is_ram(phys_addr)) {
		p2psim_violate(P2PSIM_CONTRACT, 0, p2psim_object_id(&dev->obj), 0,
			       "dma_map_resource() of RAM at 0x%llx for %s", (unsigned long long)phys_addr,
			       dev_name(dev));
		return DMA_MAPPING_ERROR;
	}
	if (!p2psim_dma_may_map(dev, phys_addr, size, dir) ||
	    p2psim_mapping_add(dev, phys_addr, size, P2PSIM_MAPPING_RESOURCE, dir, NULL, 0))
		return DMA_MAPPING_ERROR;
	return phys_addr;
}

int dma_set_mask(struct device *dev, u64 mask)
{
	if (!dev->dma_mask || mask < DMA_BIT_MASK(MASK_BITS_MIN))
		return -EIO;
	*dev->dma_mask = mask;
	return 0;
}

int dma_set_mask_and_coherent(struct device *dev, u64 mask)
{
	int ret = dma_set_mask(dev, mask);

	if (!ret)
		dev->coherent_dma_mask = mask;
	return ret;
}

int dma_set_coherent_mask(struct device *dev, u64 mask)
{
	if (mask < DMA_BIT_MASK(MASK_BITS_MIN))
		return -EIO;
	dev->coherent_dma_mask = mask;
	return 0;
}

u64 dma_get_required_mask(struct device *dev)
{
	u64 mask = 1;

	while (mask < p2psim_ram_end_address() - 1)
		mask = mask << 1 | 1;
	return mask;
}

u64 dma_get_mask(struct device *dev)
{
	return dev->dma_mask && *dev->dma_mask ? *dev->dma_mask : DMA_BIT_MASK(32);
}

void(dma_unmap_page)(struct device *dev, dma_addr_t addr, size_t size, enum dma_data_direction dir)
{
	size = size ? size : 1;
	p2psim_dma_step(dev, addr, addr + size, "dma_unmap_page");
	p2psim_mapping_remove(dev, addr, size, P2PSIM_MAPPING_PAGE, dir);
}

void(dma_unmap_resource)(struct device *dev, dma_addr_t addr, size_t size, enum dma_data_direction dir,
			 unsigned long attrs)
{
	size = size ? size : 1;
	p2psim_dma_step(dev, addr, addr + size, "dma_unmap_resource");
	p2psim_mapping_remove(dev, addr, size, P2PSIM_MAPPING_RESOURCE, dir);
}


void p2psim_dma_sync(struct device *dev, dma_addr_t addr, size_t size, enum dma_data_direction dir, const char *call)
{
	size = size ? size : 1;
	p2psim_dma_step(dev, addr, addr + size, call);
	p2psim_mapping_check_sync(dev, addr, size, dir, call);
}
