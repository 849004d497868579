/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/dma-mapping.h, 6.1 (reduced: dma-direct without IOMMU and bounce buffers).
 *
 * Without an IOMMU a mapping changes no address: the device puts the CPU's physical address on the bus.  It is a
 * promise all the same, and p2psim keeps a book of them for each device: what is never unmapped is a LEAK, an unmap of
 * what was not mapped (twice, another size, another direction) is a BALANCE violation, a device that uses an address
 * whose mapping is gone makes a STALE access.
 *
 *	call			what is mapped			can fail by an allocation, too
 *	dma_map_page()		a piece of a page of RAM	no
 *	dma_map_single()	memory of kmalloc()		yes (a kernel may need an IOVA or a bounce buffer)
 *	dma_map_sg(), _sgtable()  a list; P2PDMA pages as well	yes
 *	dma_alloc_coherent()	memory of its own		yes
 *	dma_map_resource()	a BAR				no
 */
#ifndef P2PSIM_LINUX_DMA_MAPPING_H
#define P2PSIM_LINUX_DMA_MAPPING_H

#include <p2psim/linux/device.h>
#include <p2psim/linux/dma-direction.h>
#include <p2psim/linux/scatterlist.h>

struct vm_area_struct;

/* What is modelled has no caches: these change nothing. */
#define DMA_ATTR_WEAK_ORDERING (1UL << 1)
#define DMA_ATTR_WRITE_COMBINE (1UL << 2)
#define DMA_ATTR_NO_KERNEL_MAPPING (1UL << 4)
#define DMA_ATTR_SKIP_CPU_SYNC (1UL << 5)
#define DMA_ATTR_FORCE_CONTIGUOUS (1UL << 6)
#define DMA_ATTR_ALLOC_SINGLE_PAGES (1UL << 7)
#define DMA_ATTR_NO_WARN (1UL << 8)
#define DMA_ATTR_PRIVILEGED (1UL << 9)

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

/* ---- Memory of kmalloc().  A stack or a static variable: CONTRACT; more than was allocated: RANGE ---- */

P2PSIM_EXPORT dma_addr_t dma_map_single(struct device *dev, void *ptr, size_t size, enum dma_data_direction dir);
#define dma_map_single(dev, ptr, size, dir) (P2PSIM_HERE(), dma_map_single((dev), (ptr), (size), (dir)))
#define dma_unmap_single(dev, addr, size, dir) dma_unmap_page((dev), (addr), (size), (dir))
#define dma_map_single_attrs(dev, ptr, size, dir, attrs) ((void)(attrs), dma_map_single((dev), (ptr), (size), (dir)))
#define dma_unmap_single_attrs(dev, addr, size, dir, attrs) ((void)(attrs), dma_unmap_page((dev), (addr), (size), (dir)))
#define dma_map_page_attrs(dev, p, offset, size, dir, attrs) ((void)(attrs), dma_map_page((dev), (p), (offset), (size), (dir)))
#define dma_unmap_page_attrs(dev, addr, size, dir, attrs) ((void)(attrs), dma_unmap_page((dev), (addr), (size), (dir)))

/* ---- Lists ---- */

/*
 * Every entry gets its dma_address and dma_length.  A P2PDMA page below a common bridge gets the BAR's bus address and the mark
 * SG_DMA_BUS_ADDRESS, and no mask is asked; by way of the root complex, the CPU address.  The route is the cached one.
 * Return: how many entries the device has to look at (no IOMMU: all of them); 0 after any error, with nothing mapped.
 * dma_map_sgtable(): 0, and sgt->nents; -EREMOTEIO: a P2PDMA page that the device cannot reach (p2psim_last_refusal() says why);
 * -EIO: beyond the mask, or the device is gone; -ENOMEM; -EINVAL after CONTRACT.
 * Context: any; a step on the device for each entry.
 */
P2PSIM_EXPORT unsigned int dma_map_sg_attrs(struct device *dev, struct scatterlist *sg, int nents, enum dma_data_direction dir,
					    unsigned long attrs);
P2PSIM_EXPORT int dma_map_sgtable(struct device *dev, struct sg_table *sgt, enum dma_data_direction dir, unsigned long attrs);
/* nents: as given to dma_map_sg(), not what it said. */
P2PSIM_EXPORT void dma_unmap_sg_attrs(struct device *dev, struct scatterlist *sg, int nents, enum dma_data_direction dir,
				      unsigned long attrs);
#define dma_map_sg_attrs(dev, sg, nents, dir, attrs) (P2PSIM_HERE(), dma_map_sg_attrs((dev), (sg), (nents), (dir), (attrs)))
#define dma_map_sgtable(dev, sgt, dir, attrs) (P2PSIM_HERE(), dma_map_sgtable((dev), (sgt), (dir), (attrs)))
#define dma_unmap_sg_attrs(dev, sg, nents, dir, attrs) (P2PSIM_HERE(), dma_unmap_sg_attrs((dev), (sg), (nents), (dir), (attrs)))
#define dma_map_sg(dev, sg, nents, dir) dma_map_sg_attrs((dev), (sg), (nents), (dir), 0)
#define dma_unmap_sg(dev, sg, nents, dir) dma_unmap_sg_attrs((dev), (sg), (nents), (dir), 0)
#define dma_unmap_sgtable(dev, sgt, dir, attrs) dma_unmap_sg_attrs((dev), (sgt)->sgl, (int)(sgt)->orig_nents, (dir), (attrs))

/* ---- Coherent memory ---- */

/*
 * Zeroed, whole pages in a row, mapped in both directions.  NULL: out of memory, beyond coherent_dma_mask, the device is gone.
 * Context: by gfp.
 */
P2PSIM_EXPORT void *dma_alloc_attrs(struct device *dev, size_t size, dma_addr_t *dma_handle, gfp_t flag, unsigned long attrs);
/* BALANCE: another size or address than it was allocated with, or a second time; nothing is freed then. */
P2PSIM_EXPORT void dma_free_attrs(struct device *dev, size_t size, void *cpu_addr, dma_addr_t dma_handle, unsigned long attrs);
#define dma_alloc_attrs(dev, size, handle, gfp, attrs)                                                                 \
	(P2PSIM_HERE(), dma_alloc_attrs((dev), (size), (handle), (gfp), (attrs)))
#define dma_free_attrs(dev, size, cpu_addr, handle, attrs)                                                             \
	(P2PSIM_HERE(), dma_free_attrs((dev), (size), (cpu_addr), (handle), (attrs)))
#define dma_alloc_coherent(dev, size, handle, gfp) dma_alloc_attrs((dev), (size), (handle), (gfp), 0)
#define dma_free_coherent(dev, size, cpu_addr, handle) dma_free_attrs((dev), (size), (cpu_addr), (handle), 0)
#define dma_alloc_wc(dev, size, handle, gfp) dma_alloc_attrs((dev), (size), (handle), (gfp), DMA_ATTR_WRITE_COMBINE)
#define dma_free_wc(dev, size, cpu_addr, handle) dma_free_attrs((dev), (size), (cpu_addr), (handle), DMA_ATTR_WRITE_COMBINE)
/* Into the VMA of a device file.  0; -ENXIO: more pages than there are from vm_pgoff on; or as remap_pfn_range(). */
P2PSIM_EXPORT int dma_mmap_attrs(struct device *dev, struct vm_area_struct *vma, void *cpu_addr, dma_addr_t dma_addr,
				 size_t size, unsigned long attrs);
#define dma_mmap_coherent(dev, vma, cpu_addr, handle, size) dma_mmap_attrs((dev), (vma), (cpu_addr), (handle), (size), 0)
#define dma_mmap_wc(dev, vma, cpu_addr, handle, size) dma_mmap_attrs((dev), (vma), (cpu_addr), (handle), (size), 0)
/* One entry for all of it.  0 or -ENOMEM. */
P2PSIM_EXPORT int dma_get_sgtable_attrs(struct device *dev, struct sg_table *sgt, void *cpu_addr, dma_addr_t dma_addr,
					size_t size, unsigned long attrs);
#define dma_get_sgtable(dev, sgt, cpu_addr, handle, size) dma_get_sgtable_attrs((dev), (sgt), (cpu_addr), (handle), (size), 0)

/* ---- Who owns a mapping for now.  No cache to flush: what is not mapped, or for the other direction, is CONTRACT ---- */

P2PSIM_EXPORT void p2psim_dma_sync(struct device *dev, dma_addr_t addr, size_t size, enum dma_data_direction dir,
				   const char *call);
P2PSIM_EXPORT void p2psim_dma_sync_sg(struct device *dev, struct scatterlist *sg, int nelems, enum dma_data_direction dir,
				      const char *call);
#define dma_sync_single_for_cpu(dev, addr, size, dir)                                                                  \
	(P2PSIM_HERE(), p2psim_dma_sync((dev), (addr), (size), (dir), "dma_sync_single_for_cpu()"))
#define dma_sync_single_for_device(dev, addr, size, dir)                                                               \
	(P2PSIM_HERE(), p2psim_dma_sync((dev), (addr), (size), (dir), "dma_sync_single_for_device()"))
#define dma_sync_single_range_for_cpu(dev, addr, offset, size, dir)                                                    \
	dma_sync_single_for_cpu((dev), (addr) + (offset), (size), (dir))
#define dma_sync_single_range_for_device(dev, addr, offset, size, dir)                                                 \
	dma_sync_single_for_device((dev), (addr) + (offset), (size), (dir))
#define dma_sync_sg_for_cpu(dev, sg, nelems, dir)                                                                      \
	(P2PSIM_HERE(), p2psim_dma_sync_sg((dev), (sg), (nelems), (dir), "dma_sync_sg_for_cpu()"))
#define dma_sync_sg_for_device(dev, sg, nelems, dir)                                                                   \
	(P2PSIM_HERE(), p2psim_dma_sync_sg((dev), (sg), (nelems), (dir), "dma_sync_sg_for_device()"))
#define dma_sync_sgtable_for_cpu(dev, sgt, dir) dma_sync_sg_for_cpu((dev), (sgt)->sgl, (int)(sgt)->orig_nents, (dir))
#define dma_sync_sgtable_for_device(dev, sgt, dir) dma_sync_sg_for_device((dev), (sgt)->sgl, (int)(sgt)->orig_nents, (dir))

/* ---- What the device and the machine can do ---- */

/* 0 or -EIO, as dma_set_mask(). */
P2PSIM_EXPORT int dma_set_coherent_mask(struct device *dev, u64 mask);
/* The same for a device that has no mask yet. */
static inline int dma_coerce_mask_and_coherent(struct device *dev, u64 mask)
{
	dev->dma_mask = &dev->coherent_dma_mask;
	return dma_set_mask_and_coherent(dev, mask);
}

/* The mask that reaches all RAM. */
P2PSIM_EXPORT u64 dma_get_required_mask(struct device *dev);

static inline size_t dma_max_mapping_size(struct device *dev)
{
	(void)dev;
	return SIZE_MAX;
}
#define dma_opt_mapping_size(dev) dma_max_mapping_size(dev)
#define dma_get_merge_boundary(dev) ((void)(dev), 0ul)
#define dma_need_sync(dev, addr) ((void)(dev), (void)(addr), false)
#define dma_can_mmap(dev) ((void)(dev), true)
#define dma_pci_p2pdma_supported(dev) ((void)(dev), true)
#define dma_get_cache_alignment() 1

static inline unsigned int dma_get_max_seg_size(struct device *dev)
{
	return dev->dma_parms && dev->dma_parms->max_segment_size ? dev->dma_parms->max_segment_size : 0x10000;
}

/* -EIO: the device has no dma_parms. */
static inline int dma_set_max_seg_size(struct device *dev, unsigned int size)
{
	if (!dev->dma_parms)
		return -EIO;
	dev->dma_parms->max_segment_size = size;
	return 0;
}

static inline unsigned long dma_get_seg_boundary(struct device *dev)
{
	return dev->dma_parms && dev->dma_parms->segment_boundary_mask ? dev->dma_parms->segment_boundary_mask : ULONG_MAX;
}

static inline int dma_set_seg_boundary(struct device *dev, unsigned long mask)
{
	if (!dev->dma_parms)
		return -EIO;
	dev->dma_parms->segment_boundary_mask = mask;
	return 0;
}

/* What a driver keeps for the unmapping. */
#define DEFINE_DMA_UNMAP_ADDR(name) dma_addr_t name
#define DEFINE_DMA_UNMAP_LEN(name) u32 name
#define dma_unmap_addr(ptr, name) ((ptr)->name)
#define dma_unmap_addr_set(ptr, name, value) ((ptr)->name = (value))
#define dma_unmap_len(ptr, name) ((ptr)->name)
#define dma_unmap_len_set(ptr, name, value) ((ptr)->name = (value))

#endif
