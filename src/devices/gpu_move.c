/* SPDX-License-Identifier: MIT */
/*
 * gpu: moving objects between VRAM and main memory, and revoking them where they are.
 *
 * Timeline T2, the same four lines everywhere:
 *
 *	gpu0                                     nic0
 *	T2.1  close the door                     p2p_map() = -EBUSY from here on
 *	T2.2  unmap_mapping_range()
 *	                                           invalidate(): lock, set_seq, zap, p2p_unmap()
 *	T2.3  wait until mapped == 0             a map in flight: read_retry() is true, p2p_unmap()
 *	T2.4  move; open the door
 *	                                         fault, p2p_map() = the new addresses
 *
 * T2.1 first, or a map slips in between T2.2 and T2.4 with the old address.  T2.3 is not implied by T2.2: a map that was
 * granted before the door closed and is not yet committed is on no list that unmap_mapping_range() could walk.
 * T2.2 and T2.3 hold no lock (G4): whoever has to call p2p_unmap() may first have to get out of p2p_map().
 */
#include "devices/gpu_internal.h"

#include <p2psim/linux/slab.h>
#include <p2psim/ram.h>
#include <p2psim/trace.h>

/* T2.1.  0, -ENODEV, or -EBUSY: somebody else moves it, or a peer has pinned it. */
int gpu_door_close(struct p2psim_gpu_object *bo)
{
	struct p2psim_gpu *gpu = bo->gpu;
	int ret = 0;

	mutex_lock(&gpu->place);
	if (gpu->gone)
		ret = -ENODEV;
	else if (bo->moving || (bo->pinned && atomic_read(&bo->mapped)))
		ret = -EBUSY;
	else
		bo->moving = true;
	if (!ret)
		bo->pinned = false;
	mutex_unlock(&gpu->place);
	return ret;
}

void gpu_door_open(struct p2psim_gpu_object *bo)
{
	mutex_lock(&bo->gpu->place);
	bo->moving = false;
	mutex_unlock(&bo->gpu->place);
	wake_up_all(&bo->gpu->wait);
}

/* T2.2 and T2.3, each of which a broken driver may leave out. */
static void gpu_revoke(struct p2psim_gpu_object *bo, bool revoke, bool wait)
{
	struct p2psim_gpu *gpu = bo->gpu;

	if (revoke)
		unmap_mapping_range(gpu->file->f_mapping, (loff_t)bo->pgoff << PAGE_SHIFT,
				    (loff_t)bo->pages << PAGE_SHIFT, 1);
	if (wait)
		wait_event(gpu->wait, atomic_read(&bo->mapped) == 0);
}

void gpu_revoke_and_wait(struct p2psim_gpu_object *bo)
{
	struct p2psim_gpu *gpu = bo->gpu;
	bool revoke = !gpu_has_fault(gpu, P2PSIM_GPU_MOVE_WITHOUT_REVOKE);
	bool under_lock = gpu_has_fault(gpu, P2PSIM_GPU_REVOKE_UNDER_LOCK);

	if (under_lock)
		mutex_lock(&gpu->place);
	gpu_revoke(bo, revoke, revoke && !gpu_has_fault(gpu, P2PSIM_GPU_MOVE_WITHOUT_WAIT));
	p2psim_step("gpu:revoked");
	if (under_lock)
		mutex_unlock(&gpu->place);
}

static void gpu_free_ram(struct page **ram, unsigned long count)
{
	while (count--)
		__free_page(ram[count]);
	kfree(ram);
}

static struct page **gpu_alloc_ram(const struct p2psim_gpu_object *bo)
{
	struct page **ram = kcalloc(bo->pages, sizeof(*ram), GFP_KERNEL);
	unsigned long i;

	for (i = 0; ram && i < bo->pages; i++) {
		ram[i] = alloc_page(GFP_KERNEL);
		if (!ram[i]) {
			gpu_free_ram(ram, i);
			return NULL;
		}
	}
	return ram;
}

/* The copy engine.  Nobody maps the object, the door is closed. */
int gpu_copy(const struct p2psim_gpu_object *bo, struct page **ram, bool to_ram)
{
	char *bounce = kmalloc(PAGE_SIZE, GFP_KERNEL);
	unsigned long i;
	int ret = bounce ? 0 : -ENOMEM;

	for (i = 0; !ret && i < bo->pages; i++) {
		u64 phys = (u64)page_to_pfn(ram[i]) << PAGE_SHIFT;

		if (to_ram)
			ret = gpu_vram_read(bo, i, 0, bounce, PAGE_SIZE) ?: p2psim_ram_write(phys, bounce, PAGE_SIZE);
		else
			ret = p2psim_ram_read(phys, bounce, PAGE_SIZE) ?: gpu_vram_write(bo, i, 0, bounce, PAGE_SIZE);
	}
	kfree(bounce);
	return ret;
}

/* T2.4, outwards. */
static void gpu_settle_in_ram(struct p2psim_gpu_object *bo, struct page **ram)
{
	mutex_lock(&bo->gpu->place);
	gpu_window_put(bo);
	gpu_vram_free(bo);
	bo->ram = ram;
	bo->place = P2PSIM_GPU_RAM;
	mutex_unlock(&bo->gpu->place);
}

static int gpu_evict_closed(struct p2psim_gpu_object *bo)
{
	struct page **ram;
	int ret;

	if (bo->place == P2PSIM_GPU_RAM)
		return 0;
	/* What may fail comes before what cannot be taken back. */
	ram = gpu_alloc_ram(bo);
	if (!ram)
		return -ENOMEM;
	gpu_revoke_and_wait(bo);
	ret = gpu_copy(bo, ram, true);
	if (ret)
		gpu_free_ram(ram, bo->pages);
	else
		gpu_settle_in_ram(bo, ram);
	return ret;
}

int p2psim_gpu_evict(struct p2psim_gpu_object *bo)
{
	int ret = gpu_door_close(bo);

	if (ret)
		return ret;
	p2psim_step("gpu:evict");
	p2psim_enter("%s: evict()", P2PSIM_STR(bo->gpu->name));
	ret = gpu_evict_closed(bo);
	gpu_door_open(bo);
	p2psim_leave("%s: evict() = %e", P2PSIM_STR(bo->gpu->name), (uint64_t)(int64_t)ret);
	return ret;
}

/* Room in VRAM, and in the BAR if a peer was once let in (C3). */
static int gpu_make_room(struct p2psim_gpu_object *bo)
{
	int ret;

	mutex_lock(&bo->gpu->place);
	ret = gpu_vram_alloc(bo);
	if (!ret && bo->granted)
		ret = gpu_window_get(bo);
	if (ret)
		gpu_vram_free(bo);
	mutex_unlock(&bo->gpu->place);
	return ret;
}

static int gpu_restore_closed(struct p2psim_gpu_object *bo)
{
	struct page **ram = bo->ram;
	int ret;

	if (bo->place != P2PSIM_GPU_RAM)
		return 0;
	ret = gpu_make_room(bo);
	if (ret)
		return ret;
	gpu_revoke_and_wait(bo);
	ret = gpu_copy(bo, ram, false);

	mutex_lock(&bo->gpu->place);
	if (ret) {
		gpu_window_put(bo);
		gpu_vram_free(bo);
	} else {
		bo->ram = NULL;
		bo->place = bo->bar_page < 0 ? P2PSIM_GPU_VRAM : P2PSIM_GPU_BAR;
	}
	mutex_unlock(&bo->gpu->place);
	if (!ret)
		gpu_free_ram(ram, bo->pages);
	return ret;
}

int p2psim_gpu_restore(struct p2psim_gpu_object *bo)
{
	int ret = gpu_door_close(bo);

	if (ret)
		return ret;
	p2psim_step("gpu:restore");
	p2psim_enter("%s: restore()", P2PSIM_STR(bo->gpu->name));
	ret = gpu_restore_closed(bo);
	gpu_door_open(bo);
	p2psim_leave("%s: restore() = %e", P2PSIM_STR(bo->gpu->name), (uint64_t)(int64_t)ret);
	return ret;
}

int p2psim_gpu_revoke(struct p2psim_gpu_object *bo)
{
	int ret = gpu_door_close(bo);

	if (ret)
		return ret;
	p2psim_step("gpu:revoke");
	p2psim_enter("%s: revoke()", P2PSIM_STR(bo->gpu->name));
	gpu_revoke_and_wait(bo);
	gpu_door_open(bo);
	p2psim_leave("%s: revoke()", P2PSIM_STR(bo->gpu->name));
	return 0;
}
