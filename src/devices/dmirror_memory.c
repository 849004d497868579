/* SPDX-License-Identifier: MIT */
/*
 * dmirror: the device's memory.
 *
 *	device page (ZONE_DEVICE)	zone_device_data
 *	private, in use			the page of RAM that plays the device's memory
 *	coherent, in use		NULL
 *	free				the next free one
 *
 * Pages are handed out from the highest pfn of the newest chunk down; freed ones first, the last freed before others.  A chunk
 * stays until RELEASE or the end of the driver.
 */
#include "devices/dmirror_internal.h"

#include <p2psim/linux/highmem.h>
#include <p2psim/linux/migrate.h>
#include <p2psim/linux/slab.h>
#include <p2psim/retry.h>

static struct dmirror_chunk *chunk_of(const struct page *page)
{
	return container_of(page->pgmap, struct dmirror_chunk, pagemap);
}

struct page *dmirror_backing_page(struct page *page)
{
	return is_device_private_page(page) ? page->zone_device_data : page;
}

/* ---- chunks ---- */

static void free_chunk(struct dmirror_chunk *chunk)
{
	release_mem_region(chunk->region->start, resource_size(chunk->region));
	kfree(chunk->pfns);
	kfree(chunk);
}

static int map_chunk(struct dmirror_chunk *chunk, unsigned long bytes)
{
	struct dev_pagemap *pagemap = &chunk->pagemap;
	void *ptr;

	chunk->region = request_free_mem_region(&iomem_resource, bytes, "hmm_dmirror");
	if (IS_ERR(chunk->region))
		return (int)PTR_ERR(chunk->region);
	pagemap->type = chunk->device->coherent ? MEMORY_DEVICE_COHERENT : MEMORY_DEVICE_PRIVATE;
	pagemap->range = (struct range){ chunk->region->start, chunk->region->start + bytes - 1 };
	pagemap->nr_range = 1;
	pagemap->ops = &dmirror_pagemap_ops;
	pagemap->owner = chunk->device;
	ptr = memremap_pages(pagemap, 0);
	if (!IS_ERR(ptr))
		return 0;
	release_mem_region(chunk->region->start, resource_size(chunk->region));
	return (int)PTR_ERR(ptr);
}

/* Context: devmem_lock. */
static int add_chunk(struct dmirror_device *device)
{
	unsigned long pages = device->driver->config.chunk_pages;
	struct dmirror_chunk *chunk = kzalloc(sizeof(*chunk), GFP_KERNEL);
	int ret;

	if (!chunk)
		return -ENOMEM;
	chunk->device = device;
	chunk->pfns = kcalloc(2 * DMIRROR_EVICT, sizeof(*chunk->pfns), GFP_KERNEL);
	ret = chunk->pfns ? map_chunk(chunk, pages << PAGE_SHIFT) : -ENOMEM;
	if (ret) {
		kfree(chunk->pfns);
		kfree(chunk);
		return ret;
	}
	chunk->first = chunk->pagemap.range.start >> PAGE_SHIFT;
	chunk->unused = chunk->first + pages;
	spin_lock(&device->lock);
	list_add_tail(&chunk->link, &device->chunks);
	spin_unlock(&device->lock);
	return 0;
}

static struct page *take_free(struct dmirror_device *device)
{
	struct page *page = device->free;
	struct dmirror_chunk *chunk;

	if (page) {
		device->free = page->zone_device_data;
		return page;
	}
	list_for_each_entry(chunk, &device->chunks, link)
		if (!chunk->remove && chunk->unused > chunk->first)
			return pfn_to_page(--chunk->unused);
	return NULL;
}

static struct page *take_page(struct dmirror_device *device)
{
	struct page *page;

	spin_lock(&device->lock);
	page = take_free(device);
	spin_unlock(&device->lock);
	return page;
}

/* Somebody may have added a chunk while we waited for the lock. */
static struct page *take_page_from_new_chunk(struct dmirror_device *device)
{
	struct page *page;

	mutex_lock(&device->devmem_lock);
	page = take_page(device);
	if (!page && !add_chunk(device))
		page = take_page(device);
	mutex_unlock(&device->devmem_lock);
	return page;
}

struct page *dmirror_alloc_page(struct dmirror_device *device)
{
	struct page *backing = NULL, *page;

	if (!device->coherent) {
		backing = alloc_page(GFP_HIGHUSER_MOVABLE);
		if (!backing)
			return NULL;
	}
	page = take_page(device);
	if (!page)
		page = take_page_from_new_chunk(device);
	if (!page) {
		if (backing)
			__free_page(backing);
		return NULL;
	}
	zone_device_page_init(page);
	page->zone_device_data = backing;
	return page;
}

static void dmirror_page_free(struct page *page)
{
	struct page *backing = dmirror_backing_page(page);
	struct dmirror_chunk *chunk = chunk_of(page);
	struct dmirror_device *device = chunk->device;

	if (backing != page && !dmirror_has(device, P2PSIM_DMIRROR_LOSE_BACKING))
		__free_page(backing);
	spin_lock(&device->lock);
	if (!chunk->remove) {
		page->zone_device_data = device->free;
		device->free = page;
	}
	spin_unlock(&device->lock);
}

const struct dev_pagemap_ops dmirror_pagemap_ops = {
	.page_free = dmirror_page_free,
	.migrate_to_ram = dmirror_migrate_to_ram,
};

/* ---- everything goes back to RAM ---- */

/* Memory that cannot fail, as the kernel's driver asks for it: without it the device could not go. */
static struct page *alloc_surely(void)
{
	struct p2psim_retry again;
	struct page *page;

	p2psim_retry_begin(&again);
	while (!(page = alloc_page(GFP_HIGHUSER_MOVABLE)))
		p2psim_retry(&again, 0);
	return page;
}

static unsigned long copy_to_ram(struct page *page)
{
	struct page *copy = alloc_surely();

	lock_page(copy);
	copy_highpage(copy, dmirror_backing_page(page));
	return migrate_pfn(page_to_pfn(copy));
}

/* Context: devmem_lock. */
static void evict_pages(struct dmirror_chunk *chunk, unsigned long first, unsigned long npages)
{
	unsigned long *src = chunk->pfns, *dst = src + DMIRROR_EVICT, i;
	struct page *page;

	migrate_device_range(src, first, npages);
	for (i = 0; i < npages; i++) {
		page = migrate_pfn_to_page(src[i]);
		dst[i] = page && src[i] & MIGRATE_PFN_MIGRATE ? copy_to_ram(page) : 0;
	}
	migrate_device_pages(src, dst, npages);
	migrate_device_finalize(src, dst, npages);
}

/* Pages that were never handed out are not looked at. */
static void evict_chunk(struct dmirror_chunk *chunk)
{
	unsigned long end = (chunk->pagemap.range.end + 1) >> PAGE_SHIFT, pfn;

	for (pfn = chunk->unused; pfn < end; pfn += DMIRROR_EVICT)
		evict_pages(chunk, pfn, min(DMIRROR_EVICT, end - pfn));
}

void dmirror_evict(struct dmirror_device *device)
{
	struct dmirror_chunk *chunk;

	mutex_lock(&device->devmem_lock);
	list_for_each_entry(chunk, &device->chunks, link)
		evict_chunk(chunk);
	mutex_unlock(&device->devmem_lock);
}

/* From now on nothing is handed out of the chunks that there are. */
static void close_chunks(struct dmirror_device *device)
{
	struct dmirror_chunk *chunk;

	spin_lock(&device->lock);
	device->free = NULL;
	list_for_each_entry(chunk, &device->chunks, link)
		chunk->remove = true;
	spin_unlock(&device->lock);
}

void dmirror_remove_chunks(struct dmirror_device *device)
{
	struct dmirror_chunk *chunk, *next;

	mutex_lock(&device->devmem_lock);
	close_chunks(device);
	list_for_each_entry(chunk, &device->chunks, link)
		if (!dmirror_has(device, P2PSIM_DMIRROR_NO_EVICT))
			evict_chunk(chunk);
	list_for_each_entry_safe(chunk, next, &device->chunks, link) {
		memunmap_pages(&chunk->pagemap);
		spin_lock(&device->lock);
		list_del(&chunk->link);
		spin_unlock(&device->lock);
		free_chunk(chunk);
	}
	mutex_unlock(&device->devmem_lock);
}
