/* SPDX-License-Identifier: MIT */
/*
 * gpu: VRAM, and the windows of BAR 0 through which others see it.
 *
 *	BAR 0	| w of A |     | w of B |	fewer pages than VRAM: a window is taken when somebody needs one
 *	           |              |
 *	VRAM	|  B   B  |  A  A  |  free ... |
 *
 * A page of VRAM remembers whose bytes it holds.  It is zeroed when an object gets it (G6); a driver that forgets this
 * hands one process's data to another, and the DATA oracle says so at the first read.
 */
#include "devices/gpu_internal.h"

#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/slab.h>
#include <p2psim/reason.h>

static bool gpu_vram_is_free(const struct p2psim_gpu *gpu, unsigned long start, unsigned long pages)
{
	unsigned long i;

	for (i = 0; i < pages; i++)
		if (gpu->vram[start + i].bo)
			return false;
	return true;
}

static void gpu_vram_clear(struct p2psim_gpu_object *bo)
{
	struct gpu_vram_page *page = &bo->gpu->vram[bo->vram_start];
	unsigned long i;

	for (i = 0; i < bo->pages; i++) {
		kfree(page[i].data);
		page[i].data = NULL;
		page[i].owner = p2psim_object_id(&bo->obj);
	}
}

/* The lowest run of free pages. */
int gpu_vram_alloc(struct p2psim_gpu_object *bo)
{
	struct p2psim_gpu *gpu = bo->gpu;
	unsigned long start, i;

	if (!bo->pages || bo->pages > gpu->vram_pages)
		return -ENOSPC;
	for (start = 0; start <= gpu->vram_pages - bo->pages; start++) {
		if (!gpu_vram_is_free(gpu, start, bo->pages))
			continue;
		for (i = 0; i < bo->pages; i++)
			gpu->vram[start + i].bo = bo;
		bo->vram_start = (long)start;
		if (!gpu_has_fault(gpu, P2PSIM_GPU_KEEP_VRAM))
			gpu_vram_clear(bo);
		return 0;
	}
	return -ENOSPC;
}

void gpu_vram_free(struct p2psim_gpu_object *bo)
{
	unsigned long i;

	if (bo->vram_start < 0)
		return;
	for (i = 0; i < bo->pages; i++)
		bo->gpu->vram[bo->vram_start + i].bo = NULL;
	bo->vram_start = -1;
}

int gpu_window_get(struct p2psim_gpu_object *bo)
{
	long first;

	if (bo->bar_page >= 0)
		return 0;
	first = p2psim_bar_window_alloc(bo->gpu->bar, bo->pages, 1, (u64)bo->vram_start, bo);
	if (first == -ENOMEM)
		return p2psim_refuse(P2PSIM_REASON_NO_MEMORY, "no memory for a window of %s", bo->gpu->name);
	if (first < 0)
		return p2psim_refuse(P2PSIM_REASON_NO_BAR_SPACE, "no %lu pages are free in BAR 0 of %s", bo->pages,
				     bo->gpu->name);
	bo->bar_page = first;
	if (bo->place == P2PSIM_GPU_VRAM)
		bo->place = P2PSIM_GPU_BAR;
	return 0;
}

void gpu_window_put(struct p2psim_gpu_object *bo)
{
	if (bo->bar_page < 0)
		return;
	p2psim_bar_window_free(bo->gpu->bar, (unsigned long)bo->bar_page);
	bo->bar_page = -1;
	if (bo->place == P2PSIM_GPU_BAR)
		bo->place = P2PSIM_GPU_VRAM;
}

/* Whoever reads through `bo` may see only what was written through it. */
static void gpu_check_owner(const struct p2psim_gpu_object *bo, const struct gpu_vram_page *page)
{
	if (page->data && page->owner != bo->obj.id)
		p2psim_violate(P2PSIM_DATA, 0, bo->obj.id, page->owner,
			       "VRAM of an object of %s still holds the bytes of the object that had it before",
			       bo->gpu->name);
}

int gpu_vram_read(const struct p2psim_gpu_object *bo, unsigned long page, unsigned int offset, void *buf, size_t len)
{
	const struct gpu_vram_page *vram = &bo->gpu->vram[bo->vram_start + page];

	gpu_check_owner(bo, vram);
	if (vram->data)
		memcpy(buf, vram->data + offset, len);
	else
		memset(buf, 0, len);
	return 0;
}

int gpu_vram_write(const struct p2psim_gpu_object *bo, unsigned long page, unsigned int offset, const void *buf,
		   size_t len)
{
	struct gpu_vram_page *vram = &bo->gpu->vram[bo->vram_start + page];

	if (!vram->data)
		vram->data = kzalloc(PAGE_SIZE, GFP_ATOMIC);
	if (!vram->data)
		return -ENOMEM;
	memcpy(vram->data + offset, buf, len);
	if (len == PAGE_SIZE)
		vram->owner = bo->obj.id;
	return 0;
}

/* What a load, a store or a TLP does at the other end: the window has been translated already. */
static int gpu_bar_read(const struct p2psim_bar_access *access, void *buf, size_t len)
{
	const struct p2psim_gpu_object *bo = access->cookie;
	unsigned long page = (access->device_offset >> PAGE_SHIFT) - (unsigned long)bo->vram_start;

	return gpu_vram_read(bo, page, access->device_offset & ~PAGE_MASK, buf, len);
}

static int gpu_bar_write(const struct p2psim_bar_access *access, const void *buf, size_t len)
{
	const struct p2psim_gpu_object *bo = access->cookie;
	unsigned long page = (access->device_offset >> PAGE_SHIFT) - (unsigned long)bo->vram_start;

	return gpu_vram_write(bo, page, access->device_offset & ~PAGE_MASK, buf, len);
}

const struct p2psim_bar_ops gpu_bar_ops = {
	.read = gpu_bar_read,
	.write = gpu_bar_write,
};
