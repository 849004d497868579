/* SPDX-License-Identifier: MIT */
/*
 * gpu: pages of regular VMAs move to VRAM, and back.
 *
 *	to VRAM: gpu_pages_move()	back: a touch by the CPU,	back: gpu_pages_evict()
 *					p2p_map() that refused
 *	migrate_vma_setup()	MIGRATE	the same		MIGRATE	migrate_device_range()	CLEAR
 *	VRAM, bytes copied		RAM, bytes copied		the same
 *	migrate_vma_pages(), finalize	the same			migrate_device_pages(), finalize
 *
 * The notifiers are called in the first line: when it is over no peer reaches the page any more, and its bytes stand still.
 */
#include "devices/gpu_internal.h"

#include <p2psim/linux/migrate.h>
#include <p2psim/linux/mmap_lock.h>

/* Pages that are moved at once. */
#define BATCH 16UL

/* ---- to VRAM ---- */

struct move {
	struct gpu_pages *pages;
	struct migrate_vma args;
	unsigned long src[BATCH], dst[BATCH];
};

static bool becomes_writable(const struct migrate_vma *args, unsigned long src)
{
	return src & MIGRATE_PFN_WRITE || (!(src & MIGRATE_PFN_VALID) && args->vma->vm_flags & VM_WRITE);
}

static unsigned long copy_in(const struct move *move, unsigned long src)
{
	struct page *from = migrate_pfn_to_page(src);
	struct gpu_page *to;

	if (!(src & MIGRATE_PFN_MIGRATE))
		return 0;
	to = gpu_pages_alloc(move->pages);
	if (!to)
		return 0;
	if (from && gpu_copy(&to->bo, &from, false)) {
		unlock_page(to->page);
		put_page(to->page);
		return 0;
	}
	return migrate_pfn(page_to_pfn(to->page)) | (becomes_writable(&move->args, src) ? MIGRATE_PFN_WRITE : 0);
}

static long count_moved(const struct migrate_vma *args)
{
	unsigned long i;
	long moved = 0;

	for (i = 0; i < args->npages; i++)
		moved += args->src[i] & MIGRATE_PFN_MIGRATE && args->dst[i];
	return moved;
}

/* How many of [start, end), which lies in one VMA. */
static long move_part(struct gpu_pages *pages, struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct move move = { .pages = pages };
	unsigned long i;
	long ret;

	move.args = (struct migrate_vma){
		.vma = vma,
		.src = move.src,
		.dst = move.dst,
		.start = start,
		.end = end,
		.pgmap_owner = pages->gpu,
		.flags = MIGRATE_VMA_SELECT_SYSTEM,
	};
	ret = migrate_vma_setup(&move.args);
	if (ret)
		return ret;
	for (i = 0; i < move.args.npages; i++)
		move.dst[i] = copy_in(&move, move.src[i]);
	migrate_vma_pages(&move.args);
	ret = count_moved(&move.args);
	migrate_vma_finalize(&move.args);
	return ret;
}

long gpu_pages_move(struct gpu_pages *pages, struct mm_struct *mm, unsigned long start, unsigned long end)
{
	unsigned long next;
	long moved = 0, ret = 0;

	mmap_read_lock(mm);
	for (; start < end && ret >= 0; start = next) {
		struct vm_area_struct *vma = vma_lookup(mm, start);

		next = vma ? min3(end, vma->vm_end, start + BATCH * PAGE_SIZE) : end;
		ret = vma ? move_part(pages, vma, start, next) : -EFAULT;
		moved += max(ret, 0L);
	}
	mmap_read_unlock(mm);
	return ret < 0 ? ret : moved;
}

/* ---- and back ---- */

static unsigned long copy_out(unsigned long src)
{
	struct page *from = migrate_pfn_to_page(src), *to;
	struct gpu_page *gpu_page;

	if (!from || !(src & MIGRATE_PFN_MIGRATE))
		return 0;
	gpu_page = from->zone_device_data;
	to = alloc_page(GFP_HIGHUSER_MOVABLE);
	if (!to)
		return 0;
	lock_page(to);
	if (!gpu_copy(&gpu_page->bo, &to, true))
		return migrate_pfn(page_to_pfn(to)) | (src & MIGRATE_PFN_WRITE);
	unlock_page(to);
	put_page(to);
	return 0;
}

/* FREE_EARLY: it is as good as gone, is it not? */
static void give_window_away(struct page *page)
{
	struct p2psim_gpu *gpu = gpu_pages_of(page)->gpu;
	struct gpu_page *gpu_page = page->zone_device_data;

	if (!gpu_has_fault(gpu, P2PSIM_GPU_FREE_EARLY))
		return;
	mutex_lock(&gpu->place);
	gpu_window_put(&gpu_page->bo);
	mutex_unlock(&gpu->place);
}

/* The peers hear of it in migrate_vma_setup(), before anything is copied. */
vm_fault_t gpu_pages_migrate_to_ram(struct vm_fault *vmf)
{
	unsigned long src = 0, dst = 0;
	struct migrate_vma args = {
		.vma = vmf->vma,
		.src = &src,
		.dst = &dst,
		.start = vmf->address,
		.end = vmf->address + PAGE_SIZE,
		.pgmap_owner = vmf->page->pgmap->owner,
		.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE,
		.fault_page = vmf->page,
	};
	bool no_memory;

	give_window_away(vmf->page);
	if (migrate_vma_setup(&args))
		return VM_FAULT_SIGBUS;
	dst = copy_out(src);
	no_memory = src & MIGRATE_PFN_MIGRATE && !dst;
	migrate_vma_pages(&args);
	migrate_vma_finalize(&args);
	return no_memory ? VM_FAULT_OOM : 0;
}

static void evict_part(unsigned long first, unsigned long npages)
{
	unsigned long src[BATCH] = {}, dst[BATCH] = {}, i;

	migrate_device_range(src, first, npages);
	for (i = 0; i < npages; i++)
		dst[i] = copy_out(src[i]);
	migrate_device_pages(src, dst, npages);
	migrate_device_finalize(src, dst, npages);
}

void gpu_pages_evict(struct gpu_pages *pages)
{
	unsigned long first = pages->pagemap.range.start >> PAGE_SHIFT, i;

	for (i = 0; i < pages->gpu->vram_pages; i += BATCH)
		evict_part(first + i, min(BATCH, pages->gpu->vram_pages - i));
}
