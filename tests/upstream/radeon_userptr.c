/* SPDX-License-Identifier: MIT */
/*
 * Compiled as a driver is, with the headers of radeon, of the kernel's drm/, and p2psim's linux/.
 */
#include <linux/dma-mapping.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/wait.h>

#include "radeon.h"

#include <p2psim/dma.h>
#include <p2psim/process.h>

#include "radeon_userptr.h"

#define USERPTR_PAGES 4

struct radeon_userptr {
	struct radeon_bo bo;
	struct ttm_device bdev;
	struct ttm_tt ttm;
	struct mm_struct *mm;
	struct device *dev;
	unsigned long addr, pages;
	u32 domain;			/* where radeon_ttm_placement_from_domain() wants it */
	bool bound;			/* reservation; invalidate() looks without it */
	struct page *page[USERPTR_PAGES];
	dma_addr_t dma[USERPTR_PAGES];
	bool busy;			/* the engine has a job; set with the reservation */
	wait_queue_head_t idle;
};

static struct radeon_userptr *of_tbo(struct ttm_buffer_object *tbo)
{
	return container_of(tbo, struct radeon_userptr, bo.tbo);
}

/* ---- what radeon_mn.c calls: one buffer, one class of memory, no eviction ---- */

int ww_mutex_lock(struct ww_mutex *lock, struct ww_acquire_ctx *ctx)
{
	WARN_ON(ctx);
	mutex_lock(&lock->base);
	return 0;
}

void ww_mutex_unlock(struct ww_mutex *lock)
{
	mutex_unlock(&lock->base);
}

long dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage, bool intr, unsigned long timeout)
{
	struct radeon_userptr *gpu = container_of(obj, struct radeon_userptr, bo.tbo.base._resv);

	wait_event(gpu->idle, !gpu->busy);
	return 1;
}

void radeon_ttm_placement_from_domain(struct radeon_bo *bo, u32 domain)
{
	container_of(bo, struct radeon_userptr, bo)->domain = domain;
}

bool radeon_ttm_tt_is_bound(struct ttm_device *bdev, struct ttm_tt *ttm)
{
	return READ_ONCE(container_of(ttm, struct radeon_userptr, ttm)->bound);
}

void ttm_bo_move_to_lru_tail(struct ttm_buffer_object *bo)
{
}

void __drm_err(const char *format, ...)
{
	WARN_ON(format);
}

static void unbind(struct radeon_userptr *gpu, unsigned long pages)
{
	while (pages--) {
		dma_unmap_page(gpu->dev, gpu->dma[pages], PAGE_SIZE, DMA_BIDIRECTIONAL);
		set_page_dirty(gpu->page[pages]);
		put_page(gpu->page[pages]);
	}
	WRITE_ONCE(gpu->bound, false);
}

/* mmap_lock is held. */
static int bind(struct radeon_userptr *gpu)
{
	long got = get_user_pages(gpu->addr, gpu->pages, FOLL_WRITE, gpu->page, NULL);
	long i;

	if (got != (long)gpu->pages) {
		for (i = 0; i < got; i++)
			put_page(gpu->page[i]);
		return -EFAULT;
	}
	for (i = 0; i < got; i++)
		gpu->dma[i] = dma_map_page(gpu->dev, gpu->page[i], 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	WRITE_ONCE(gpu->bound, true);
	return 0;
}

int ttm_bo_validate(struct ttm_buffer_object *tbo, struct ttm_placement *placement, struct ttm_operation_ctx *ctx)
{
	struct radeon_userptr *gpu = of_tbo(tbo);

	if (gpu->domain == RADEON_GEM_DOMAIN_GTT)
		return gpu->bound ? 0 : bind(gpu);
	if (gpu->bound)
		unbind(gpu, gpu->pages);
	return 0;
}

/* ---- the buffer and its engine ---- */

struct radeon_userptr *radeon_userptr_create(struct p2psim_process *process, unsigned long addr, unsigned long pages,
					     int *error)
{
	struct radeon_userptr *gpu = pages <= USERPTR_PAGES ? kzalloc(sizeof(*gpu), GFP_KERNEL) : NULL;

	*error = -ENOMEM;
	if (!gpu)
		return NULL;
	gpu->dev = p2psim_platform_device("gpu0");
	gpu->addr = addr;
	gpu->pages = pages;
	gpu->bo.tbo.base.size = pages << PAGE_SHIFT;
	gpu->bo.tbo.base.resv = &gpu->bo.tbo.base._resv;
	gpu->bo.tbo.bdev = &gpu->bdev;
	gpu->bo.tbo.ttm = &gpu->ttm;
	mutex_init(&gpu->bo.tbo.base._resv.lock.base);
	spin_lock_init(&gpu->bdev.lru_lock);
	init_waitqueue_head(&gpu->idle);
	p2psim_process_attach(process);
	gpu->mm = current->mm;
	*error = radeon_mn_register(&gpu->bo, addr);
	p2psim_process_detach();
	if (!*error)
		return gpu;
	kfree(gpu);
	return NULL;
}

void radeon_userptr_destroy(struct radeon_userptr *gpu)
{
	radeon_mn_unregister(&gpu->bo);
	if (gpu->bound)
		unbind(gpu, gpu->pages);
	kfree(gpu);
}

static int begin_job(struct radeon_userptr *gpu)
{
	struct ttm_operation_ctx ctx = { false, false };
	int error;

	mmap_read_lock(gpu->mm);
	error = radeon_bo_reserve(&gpu->bo, true);
	if (!error) {
		radeon_ttm_placement_from_domain(&gpu->bo, RADEON_GEM_DOMAIN_GTT);
		error = ttm_bo_validate(&gpu->bo.tbo, &gpu->bo.placement, &ctx);
		gpu->busy = !error;
		radeon_bo_unreserve(&gpu->bo);
	}
	mmap_read_unlock(gpu->mm);
	return error;
}

int radeon_userptr_write(struct radeon_userptr *gpu, unsigned long page, unsigned char byte)
{
	int error;

	kthread_use_mm(gpu->mm);
	error = begin_job(gpu);
	kthread_unuse_mm(gpu->mm);
	if (error)
		return error;
	error = p2psim_dma_write(gpu->dev, gpu->dma[page], &byte, 1);
	gpu->busy = false;
	wake_up_all(&gpu->idle);
	return error;
}

bool radeon_userptr_is_bound(const struct radeon_userptr *gpu)
{
	return gpu->bound;
}
