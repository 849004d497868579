/* SPDX-License-Identifier: MIT */
/*
 * Pools of small coherent blocks: here each is an allocation and an entry of the device's book of its own.
 */
#include <p2psim/check.h>
#include <p2psim/linux/dmapool.h>
#include <p2psim/linux/log2.h>
#include <p2psim/linux/slab.h>

#include "p2p/internal.h"

struct dma_pool {
	struct device *dev;
	size_t size, align;
	unsigned int live;		/* blocks handed out */
	char name[32];
};

/* A block that begins at a multiple of this crosses no boundary that is a power of two and not smaller than the block. */
static size_t align_for(size_t size, size_t align, size_t boundary)
{
	size_t fits = boundary ? size : 1;

	while (fits & (fits - 1))
		fits += fits & -fits;
	return max(align, fits);
}

struct dma_pool *(dma_pool_create)(const char *name, struct device *dev, size_t size, size_t align, size_t boundary)
{
	struct dma_pool *pool;

	align = align ? align : 1;
	if (!size || align & (align - 1))
		return NULL;
	size = ALIGN(size, align);
	if (boundary && (boundary < size || boundary & (boundary - 1)))
		return NULL;
	pool = (kzalloc)(sizeof(*pool), GFP_KERNEL);
	if (!pool)
		return NULL;
	pool->dev = dev;
	pool->size = size;
	pool->align = align_for(size, align, boundary);
	strncpy(pool->name, name, sizeof(pool->name) - 1);
	return pool;
}

void dma_pool_destroy(struct dma_pool *pool)
{
	if (!pool)
		return;
	if (pool->live)
		p2psim_violate(P2PSIM_LEAK, 0, p2psim_object_id(&pool->dev->obj), 0,
			       "pool %s of %s is destroyed with %u blocks that were not given back", pool->name,
			       dev_name(pool->dev), pool->live);
	(kfree)(pool);
}

void *(dma_pool_alloc)(struct dma_pool *pool, gfp_t gfp, dma_addr_t *handle)
{
	void *block = p2psim_coherent_alloc(pool->dev, pool->size, pool->align, gfp, handle, P2PSIM_MAPPING_POOL);

	pool->live += block != NULL;
	return block;
}

void(dma_pool_free)(struct dma_pool *pool, void *vaddr, dma_addr_t addr)
{
	if (p2psim_coherent_free(pool->dev, pool->size, vaddr, addr, P2PSIM_MAPPING_POOL))
		pool->live--;
}
