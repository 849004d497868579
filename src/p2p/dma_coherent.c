/* SPDX-License-Identifier: MIT */
/*
 * Coherent memory: memory of kmalloc(), in whole pages, that is mapped as long as it lives.
 */
#include <p2psim/check.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/slab.h>

#include "p2p/internal.h"

/* Zeroed, aligned to `align`; its physical address.  NULL: out of memory, or beyond the mask. */
void *p2psim_coherent_alloc(struct device *dev, size_t size, size_t align, gfp_t gfp, dma_addr_t *handle,
			    enum p2psim_mapping_kind kind)
{
	char *raw = dev->gone || !dev->coherent_dma_mask ? NULL : (kzalloc)(size + align - 1, gfp), *memory;

	if (!raw)
		return NULL;
	memory = PTR_ALIGN(raw, align);
	*handle = virt_to_phys(memory);
	p2psim_dma_step(dev, *handle, *handle + size, "dma_alloc_coherent");
	if (*handle && *handle + size - 1 <= dev->coherent_dma_mask &&
	    !p2psim_mapping_add(dev, *handle, size, kind, DMA_BIDIRECTIONAL, NULL, 0))
		return memory;
	(kfree)(raw);
	return NULL;
}

bool p2psim_coherent_free(struct device *dev, size_t size, void *memory, dma_addr_t handle, enum p2psim_mapping_kind kind)
{
	struct p2psim_kmalloc found;

	p2psim_dma_step(dev, handle, handle + (size ? size : 1), "dma_free_coherent");
	if (!virt_addr_valid(memory) || virt_to_phys(memory) != handle) {
		p2psim_violate(P2PSIM_BALANCE, 0, p2psim_object_id(&dev->obj), 0,
			       "coherent memory of %s at 0x%llx is freed with another CPU address than it has", dev_name(dev),
			       (unsigned long long)handle);
		return false;
	}
	if (!p2psim_mapping_remove(dev, handle, size, kind, DMA_BIDIRECTIONAL))
		return false;
	if (p2psim_kmalloc_around(memory, &found))
		(kfree)((char *)memory - found.offset);
	return true;
}

void *(dma_alloc_attrs)(struct device *dev, size_t size, dma_addr_t *dma_handle, gfp_t flag, unsigned long attrs)
{
	return size ? p2psim_coherent_alloc(dev, PAGE_ALIGN(size), PAGE_SIZE, flag, dma_handle, P2PSIM_MAPPING_COHERENT) : NULL;
}

void(dma_free_attrs)(struct device *dev, size_t size, void *cpu_addr, dma_addr_t dma_handle, unsigned long attrs)
{
	if (cpu_addr)
		p2psim_coherent_free(dev, PAGE_ALIGN(size), cpu_addr, dma_handle, P2PSIM_MAPPING_COHERENT);
}

int dma_mmap_attrs(struct device *dev, struct vm_area_struct *vma, void *cpu_addr, dma_addr_t dma_addr, size_t size,
		   unsigned long attrs)
{
	unsigned long pages = PAGE_ALIGN(size) >> PAGE_SHIFT;

	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -ENXIO;
	return (remap_pfn_range)(vma, vma->vm_start, (virt_to_phys(cpu_addr) >> PAGE_SHIFT) + vma->vm_pgoff,
				 vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

int dma_get_sgtable_attrs(struct device *dev, struct sg_table *sgt, void *cpu_addr, dma_addr_t dma_addr, size_t size,
			  unsigned long attrs)
{
	int error = (sg_alloc_table)(sgt, 1, GFP_KERNEL);

	if (!error)
		sg_set_page(sgt->sgl, virt_to_page(cpu_addr), (unsigned int)PAGE_ALIGN(size), 0);
	return error;
}
