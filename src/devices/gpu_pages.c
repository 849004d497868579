/* SPDX-License-Identifier: MIT */
/*
 * gpu: pages of regular VMAs in VRAM (HMM, MEMORY_DEVICE_PRIVATE).
 *
 *	                 p2psim_gpu_migrate()                  touched by the CPU, evicted,
 *	                                                       munmap(), exit: page_free()
 *	(VRAM is free) ----------------------> in use --------------------------------------> given up
 *	       ^                                                                                 |
 *	       +---------------------- gpu_pages_reap(), once no peer has it mapped -------------+
 *
 * page_free() may not sleep, so it takes no gpu->place (G7).  Memory that is given up while a peer maps it is that of a map
 * which was granted and not committed: its importer is about to see the collision, and gives it back.
 *
 * Left out compared with a real driver: the gpu's own page tables, faults of the engine, huge pages, migration on access.
 */
#include "devices/gpu_internal.h"

#include <p2psim/linux/err.h>
#include <p2psim/linux/ioport.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/trace.h>

/* ---- VRAM of one page ---- */

/* One that was given up; `idle`: and that no peer has mapped any more.  NULL: there is none. */
static struct gpu_page *take_freed(struct gpu_pages *pages, bool idle)
{
	struct gpu_page *page, *found = NULL;

	spin_lock(&pages->lock);
	list_for_each_entry(page, &pages->freed, freed)
		if (!idle || !atomic_read(&page->bo.mapped)) {
			found = page;
			break;
		}
	if (found)
		list_del(&found->freed);
	spin_unlock(&pages->lock);
	return found;
}

static void free_gpu_page(struct gpu_page *page)
{
	page->page->zone_device_data = NULL;
	list_del(&page->bo.link);
	gpu_window_put(&page->bo);
	gpu_vram_free(&page->bo);
	kfree(page);
}

void gpu_pages_reap(struct gpu_pages *pages)
{
	struct gpu_page *page;

	while ((page = take_freed(pages, true)))
		free_gpu_page(page);
}

static struct gpu_page *new_gpu_page(struct p2psim_gpu *gpu)
{
	struct gpu_page *page = kzalloc(sizeof(*page), GFP_KERNEL);

	if (!page)
		return NULL;
	p2psim_object_init(&page->bo.obj, "page");
	page->bo.gpu = gpu;
	page->bo.pages = 1;
	page->bo.bar_page = -1;
	page->bo.vram_start = -1;
	return page;
}

/* Context: gpu->place. */
static int place_page(struct gpu_pages *pages, struct gpu_page *page)
{
	int ret = pages->gpu->gone ? -ENODEV : 0;

	gpu_pages_reap(pages);
	if (!ret)
		ret = gpu_vram_alloc(&page->bo);
	if (ret)
		return ret;
	page->page = pfn_to_page((pages->pagemap.range.start >> PAGE_SHIFT) + (unsigned long)page->bo.vram_start);
	if (!page->page) {
		gpu_vram_free(&page->bo);
		return -ENOMEM;
	}
	page->page->zone_device_data = page;
	list_add_tail(&page->bo.link, &pages->used);
	return 0;
}

struct gpu_page *gpu_pages_alloc(struct gpu_pages *pages)
{
	struct gpu_page *page = new_gpu_page(pages->gpu);
	int ret;

	if (!page)
		return NULL;
	mutex_lock(&pages->gpu->place);
	ret = place_page(pages, page);
	mutex_unlock(&pages->gpu->place);
	if (ret) {
		kfree(page);
		return NULL;
	}
	zone_device_page_init(page->page);
	return page;
}

static void gpu_page_free(struct page *page)
{
	struct gpu_page *gpu_page = page->zone_device_data;
	struct gpu_pages *pages = gpu_pages_of(page);

	spin_lock(&pages->lock);
	list_add_tail(&gpu_page->freed, &pages->freed);
	spin_unlock(&pages->lock);
}

/* ---- all of them ---- */

static const struct dev_pagemap_ops gpu_pagemap_ops = {
	.page_free = gpu_page_free,
	.migrate_to_ram = gpu_pages_migrate_to_ram,
	.p2p_map = gpu_pages_p2p_map,
	.p2p_unmap = gpu_pages_p2p_unmap,
};

static int map_vram(struct gpu_pages *pages)
{
	unsigned long bytes = pages->gpu->vram_pages << PAGE_SHIFT;
	struct dev_pagemap *pagemap = &pages->pagemap;
	void *ptr;

	pages->region = request_free_mem_region(&iomem_resource, bytes, pages->gpu->name);
	if (IS_ERR(pages->region))
		return (int)PTR_ERR(pages->region);
	pagemap->type = MEMORY_DEVICE_PRIVATE;
	pagemap->range = (struct range){ pages->region->start, pages->region->start + bytes - 1 };
	pagemap->nr_range = 1;
	pagemap->ops = &gpu_pagemap_ops;
	pagemap->owner = pages->gpu;
	ptr = memremap_pages(pagemap, 0);
	if (!IS_ERR(ptr))
		return 0;
	release_mem_region(pages->region->start, resource_size(pages->region));
	return (int)PTR_ERR(ptr);
}

/* Context: gpu->place. */
static int create_pages(struct p2psim_gpu *gpu)
{
	struct gpu_pages *pages = kzalloc(sizeof(*pages), GFP_KERNEL);
	int ret;

	if (!pages)
		return -ENOMEM;
	pages->gpu = gpu;
	INIT_LIST_HEAD(&pages->used);
	INIT_LIST_HEAD(&pages->freed);
	spin_lock_init(&pages->lock);
	ret = map_vram(pages);
	if (ret)
		kfree(pages);
	else
		gpu->pages = pages;
	return ret;
}

/* From here to end_moving() unplug() waits. */
static int begin_moving(struct p2psim_gpu *gpu)
{
	int ret = 0;

	mutex_lock(&gpu->place);
	if (gpu->gone)
		ret = -ENODEV;
	else if (!gpu->pages)
		ret = create_pages(gpu);
	if (!ret)
		atomic_inc(&gpu->pages->moving);
	mutex_unlock(&gpu->place);
	return ret;
}

static void end_moving(struct p2psim_gpu *gpu)
{
	if (atomic_dec_and_test(&gpu->pages->moving))
		wake_up_all(&gpu->wait);
}

long p2psim_gpu_migrate(struct p2psim_gpu *gpu, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	long ret;

	if (!PAGE_ALIGNED(start | end) || start >= end)
		return -EINVAL;
	p2psim_step("gpu:migrate");
	ret = begin_moving(gpu);
	if (ret)
		return ret;
	p2psim_enter("%s: migrate(%p, %p)", P2PSIM_STR(gpu->name), start, end);
	ret = -EFAULT;
	if (mmget_not_zero(mm)) {
		ret = gpu_pages_move(gpu->pages, mm, start, end);
		mmput(mm);
	}
	p2psim_leave(ret < 0 ? "%s: migrate() = %e" : "%s: migrate() = %d", P2PSIM_STR(gpu->name), (uint64_t)ret);
	end_moving(gpu);
	return ret;
}

void p2psim_gpu_evict_pages(struct p2psim_gpu *gpu)
{
	p2psim_step("gpu:evict");
	if (begin_moving(gpu))
		return;
	p2psim_enter("%s: evict pages", P2PSIM_STR(gpu->name));
	gpu_pages_evict(gpu->pages);
	p2psim_leave("%s: evict pages", P2PSIM_STR(gpu->name));
	end_moving(gpu);
}

/* A peer may be about to give one of them back. */
static void free_all(struct gpu_pages *pages)
{
	struct p2psim_gpu *gpu = pages->gpu;
	struct gpu_page *page;

	while ((page = take_freed(pages, false))) {
		wait_event(gpu->wait, !atomic_read(&page->bo.mapped));
		mutex_lock(&gpu->place);
		free_gpu_page(page);
		mutex_unlock(&gpu->place);
	}
}

void gpu_pages_remove(struct p2psim_gpu *gpu)
{
	struct gpu_pages *pages = gpu->pages;

	if (!pages)
		return;
	wait_event(gpu->wait, !atomic_read(&pages->moving));
	gpu_pages_evict(pages);
	memunmap_pages(&pages->pagemap);
	free_all(pages);
	mutex_lock(&gpu->place);
	gpu->pages = NULL;
	mutex_unlock(&gpu->place);
	release_mem_region(pages->region->start, resource_size(pages->region));
	kfree(pages);
}

unsigned long p2psim_gpu_pages(const struct p2psim_gpu *gpu)
{
	return gpu->pages ? (unsigned long)gpu->pages->pagemap.ref.p2psim_count : 0;
}

unsigned long p2psim_gpu_pages_mapped(const struct p2psim_gpu *gpu)
{
	const struct gpu_page *page;
	unsigned long count = 0;

	if (gpu->pages)
		list_for_each_entry(page, &gpu->pages->used, bo.link)
			count += (unsigned long)page->bo.mapped.counter;
	return count;
}
