/* SPDX-License-Identifier: MIT */
/*
 * gpu: p2p_map() and p2p_unmap() of pages of regular VMAs in VRAM.  After RFC 4/5 of 2019-01-29, see src/vma/page_map.c.
 *
 * As gpu_p2p.c, page by page: each has a window of its own in BAR 0, taken when a peer asks and kept until another page
 * needs the room or this one is given up.  The answer is how many pages from the first on are granted; the reason why it is
 * not all of them is kept for p2psim_last_refusal() until somebody asks again, though nobody fails: the page goes to RAM.
 *
 * The pages come without a reference.  One whose VRAM is free again has no zone_device_data; one that was given up has,
 * and may be granted: gpu_pages_reap() waits for its p2p_unmap() (G7).
 */
#include "devices/gpu_internal.h"

#include <p2psim/reason.h>

/* Windows of pages that no peer has mapped now.  STEAL_WINDOW: or has. */
static void drop_idle_windows(struct gpu_pages *pages)
{
	bool steal = gpu_has_fault(pages->gpu, P2PSIM_GPU_STEAL_WINDOW);
	struct gpu_page *page;

	list_for_each_entry(page, &pages->used, bo.link)
		if (page->bo.bar_page >= 0 && (steal || !atomic_read(&page->bo.mapped)))
			gpu_window_put(&page->bo);
}

static int get_window(struct gpu_pages *pages, struct gpu_page *page)
{
	if (page->bo.bar_page < 0 && p2psim_bar_window_place(pages->gpu->bar, 1, 1) < 0)
		drop_idle_windows(pages);
	return gpu_window_get(&page->bo);
}

/* 0 or a refusal. */
static int map_one(struct gpu_pages *pages, struct gpu_page *page, struct device *importer, dma_addr_t *pa, bool write)
{
	int ret;

	if (!page)
		return p2psim_refuse(P2PSIM_REASON_BUSY, "%s has given the page up", pages->gpu->name);
	ret = gpu_check_door(&page->bo);
	if (!ret)
		ret = gpu_check_policy(&page->bo, importer, write);
	if (!ret)
		ret = gpu_check_route(&page->bo, importer);
	if (!ret)
		ret = get_window(pages, page);
	if (!ret)
		ret = p2psim_bar_map(pages->gpu->bar, (unsigned long)page->bo.bar_page, 1, importer, pa);
	if (!ret)
		atomic_inc(&page->bo.mapped);
	return ret;
}

long gpu_pages_p2p_map(struct dev_pagemap *pgmap, struct device *importer, struct page **pages, unsigned long npages,
		       dma_addr_t *pa, bool write)
{
	struct gpu_pages *all = container_of(pgmap, struct gpu_pages, pagemap);
	unsigned long i;

	mutex_lock(&all->gpu->place);
	for (i = 0; i < npages; i++)
		if (map_one(all, pages[i]->zone_device_data, importer, &pa[i], write))
			break;
	mutex_unlock(&all->gpu->place);
	return (long)i;
}

/* G3: no lock. */
unsigned long gpu_pages_p2p_unmap(struct dev_pagemap *pgmap, struct device *importer, struct page **pages,
				  unsigned long npages, dma_addr_t *pa)
{
	struct p2psim_gpu *gpu = container_of(pgmap, struct gpu_pages, pagemap)->gpu;
	unsigned long i;

	for (i = 0; i < npages; i++) {
		struct gpu_page *page = pages[i]->zone_device_data;

		p2psim_bar_unmap(gpu->bar, 1, importer, &pa[i]);
		if (atomic_dec_and_test(&page->bo.mapped))
			wake_up_all(&gpu->wait);
	}
	return npages;
}
