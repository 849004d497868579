/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/dmapool.h, 6.1 (reduced: each block is coherent memory of its own, so that the device's use of one that
 * was given back is STALE).
 */
#ifndef P2PSIM_LINUX_DMAPOOL_H
#define P2PSIM_LINUX_DMAPOOL_H

#include <p2psim/linux/dma-mapping.h>

struct dma_pool;

/*
 * Blocks of `size` bytes, aligned to `align` (a power of two; 0: 1), none of which crosses a multiple of `boundary` (0: any may).
 * Return: NULL: size 0, an align that is no power of two, a boundary that is none or smaller than a block; out of memory.
 */
P2PSIM_EXPORT struct dma_pool *dma_pool_create(const char *name, struct device *dev, size_t size, size_t align, size_t boundary);
/* LEAK: blocks that were not given back.  NULL is fine. */
P2PSIM_EXPORT void dma_pool_destroy(struct dma_pool *pool);
/* NULL: out of memory, or beyond the device's mask. */
P2PSIM_EXPORT void *dma_pool_alloc(struct dma_pool *pool, gfp_t gfp, dma_addr_t *handle);
/* BALANCE: it is no block of this pool, or was given back. */
P2PSIM_EXPORT void dma_pool_free(struct dma_pool *pool, void *vaddr, dma_addr_t addr);
#define dma_pool_create(name, dev, size, align, boundary)                                                              \
	(P2PSIM_HERE(), dma_pool_create((name), (dev), (size), (align), (boundary)))
#define dma_pool_alloc(pool, gfp, handle) (P2PSIM_HERE(), dma_pool_alloc((pool), (gfp), (handle)))
#define dma_pool_zalloc(pool, gfp, handle) dma_pool_alloc((pool), (gfp) | __GFP_ZERO, (handle))
#define dma_pool_free(pool, vaddr, addr) (P2PSIM_HERE(), dma_pool_free((pool), (vaddr), (addr)))

#endif
