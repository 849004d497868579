/* SPDX-License-Identifier: MIT */
/*
 * gpu: buffer objects: making, finding, counting, and the engine's own access.
 *
 * References: one for the handle that p2psim_gpu_object_create() returns, one for each VMA.  The last one frees VRAM and
 * window.  By then nobody can have it mapped: a mapping lives on a VMA (C12).
 */
#include "devices/gpu_internal.h"

#include <p2psim/linux/slab.h>
#include <p2psim/ram.h>

void gpu_object_get(struct p2psim_gpu_object *bo)
{
	kref_get(&bo->kref);
}

static void gpu_object_free(struct p2psim_gpu_object *bo)
{
	unsigned long i;

	for (i = 0; bo->ram && i < bo->pages; i++)
		__free_page(bo->ram[i]);
	kfree(bo->ram);
	kfree(bo);
}

static void gpu_object_release(struct kref *kref)
{
	struct p2psim_gpu_object *bo = container_of(kref, struct p2psim_gpu_object, kref);
	struct p2psim_gpu *gpu = bo->gpu;

	mutex_lock(&gpu->place);
	list_del(&bo->link);
	if (!gpu_has_fault(gpu, P2PSIM_GPU_LEAK_WINDOW))
		gpu_window_put(bo);
	gpu_vram_free(bo);
	mutex_unlock(&gpu->place);
	gpu_object_free(bo);
	gpu_put(gpu);
}

void gpu_object_put(struct p2psim_gpu_object *bo)
{
	kref_put(&bo->kref, gpu_object_release);
}

/* Context: gpu->place. */
static int gpu_object_add(struct p2psim_gpu_object *bo)
{
	struct p2psim_gpu *gpu = bo->gpu;
	int ret;

	if (gpu->gone)
		return -ENODEV;
	if (gpu->pages)
		gpu_pages_reap(gpu->pages);
	ret = gpu_vram_alloc(bo);
	if (ret)
		return ret;
	/* A gap between objects: no range of the file spans two. */
	bo->pgoff = gpu->next_pgoff;
	gpu->next_pgoff += bo->pages + 1;
	list_add_tail(&bo->link, &gpu->objects);
	return 0;
}

struct p2psim_gpu_object *p2psim_gpu_object_create(struct p2psim_gpu *gpu, unsigned long pages, unsigned int flags)
{
	struct p2psim_gpu_object *bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	int ret;

	if (!bo)
		return NULL;
	p2psim_object_init(&bo->obj, "object");
	kref_init(&bo->kref);
	bo->gpu = gpu;
	bo->pages = pages;
	bo->flags = flags;
	bo->bar_page = -1;
	bo->vram_start = -1;
	bo->handle = true;

	mutex_lock(&gpu->place);
	ret = gpu_object_add(bo);
	mutex_unlock(&gpu->place);
	if (ret) {
		kfree(bo);
		return NULL;
	}
	gpu_get(gpu);
	return bo;
}

void p2psim_gpu_object_put(struct p2psim_gpu_object *bo)
{
	bo->handle = false;
	gpu_object_put(bo);
}

struct p2psim_gpu_object *gpu_object_find(struct p2psim_gpu *gpu, unsigned long pgoff, unsigned long pages)
{
	struct p2psim_gpu_object *bo, *found = NULL;

	mutex_lock(&gpu->place);
	list_for_each_entry(bo, &gpu->objects, link)
		if (pgoff >= bo->pgoff && pgoff - bo->pgoff <= bo->pages && pages <= bo->pages - (pgoff - bo->pgoff) &&
		    kref_get_unless_zero(&bo->kref)) {
			found = bo;
			break;
		}
	mutex_unlock(&gpu->place);
	return found;
}

unsigned long p2psim_gpu_object_offset(const struct p2psim_gpu_object *bo)
{
	return bo->pgoff << PAGE_SHIFT;
}

unsigned long p2psim_gpu_object_pages(const struct p2psim_gpu_object *bo)
{
	return bo->pages;
}

void p2psim_gpu_object_set_flags(struct p2psim_gpu_object *bo, unsigned int flags)
{
	mutex_lock(&bo->gpu->place);
	bo->flags = flags;
	mutex_unlock(&bo->gpu->place);
}

enum p2psim_gpu_place p2psim_gpu_object_place(const struct p2psim_gpu_object *bo)
{
	return bo->place;
}

long p2psim_gpu_object_bar_page(const struct p2psim_gpu_object *bo)
{
	return bo->bar_page < 0 ? -ENXIO : bo->bar_page;
}

unsigned long p2psim_gpu_object_mapped(const struct p2psim_gpu_object *bo)
{
	return (unsigned long)bo->mapped.counter;
}

unsigned long p2psim_gpu_object_faults(const struct p2psim_gpu_object *bo)
{
	return bo->faults;
}

/* Within one page, wherever it is. */
static int gpu_engine_page(struct p2psim_gpu_object *bo, unsigned long at, void *buf, size_t len, bool write)
{
	unsigned long page = at >> PAGE_SHIFT;
	unsigned int offset = at & ~PAGE_MASK;
	u64 phys;

	if (bo->place == P2PSIM_GPU_NOWHERE)
		return -ENODEV;
	if (bo->place != P2PSIM_GPU_RAM)
		return write ? gpu_vram_write(bo, page, offset, buf, len) : gpu_vram_read(bo, page, offset, buf, len);
	phys = ((u64)page_to_pfn(bo->ram[page]) << PAGE_SHIFT) + offset;
	return write ? p2psim_ram_write(phys, buf, len) : p2psim_ram_read(phys, buf, len);
}

static int gpu_engine(struct p2psim_gpu_object *bo, unsigned long at, char *buf, size_t len, bool write)
{
	int ret = 0;

	if (at + len < at || at + len > bo->pages << PAGE_SHIFT)
		return -EFAULT;
	mutex_lock(&bo->gpu->place);
	while (!ret && len) {
		size_t part = min_t(size_t, len, PAGE_SIZE - (at & ~PAGE_MASK));

		ret = gpu_engine_page(bo, at, buf, part, write);
		at += part;
		buf += part;
		len -= part;
	}
	mutex_unlock(&bo->gpu->place);
	return ret;
}

int p2psim_gpu_object_read(struct p2psim_gpu_object *bo, unsigned long offset, void *buf, size_t len)
{
	return gpu_engine(bo, offset, buf, len, false);
}

int p2psim_gpu_object_write(struct p2psim_gpu_object *bo, unsigned long offset, const void *buf, size_t len)
{
	return gpu_engine(bo, offset, (char *)buf, len, true);
}
