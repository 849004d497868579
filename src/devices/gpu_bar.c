/* SPDX-License-Identifier: MIT */
/*
 * gpu: packing BAR 0, and taking it away.
 *
 *	before	| A |    | B  B |  | C |		defragment()
 *	after	| A | B  B | C |
 *
 * One object at a time, from the left, each by timeline T2 (gpu_move.c).  To close the doors of all first and wait for all
 * then would deadlock: an importer may hold A and stand in p2p_map() for B in one and the same call.
 */
#include "devices/gpu_internal.h"

#include <p2psim/pci.h>
#include <p2psim/trace.h>

/* The object whose window comes next from `page` on, with a reference; NULL at the end. */
static struct p2psim_gpu_object *gpu_window_after(struct p2psim_gpu *gpu, unsigned long page)
{
	const struct p2psim_bar_window *window;
	struct p2psim_gpu_object *bo = NULL;

	mutex_lock(&gpu->place);
	for (window = p2psim_bar_window_next(gpu->bar, page); window && !bo;) {
		bo = window->cookie;
		if (!kref_get_unless_zero(&bo->kref))
			bo = NULL;
		window = p2psim_bar_window_next(gpu->bar, window->first + window->pages);
	}
	mutex_unlock(&gpu->place);
	return bo;
}

/* T2.4: the window goes to page `to`, unless something else has gone there meanwhile. */
static int gpu_settle_at(struct p2psim_gpu_object *bo, unsigned long to)
{
	int ret = -EBUSY;

	mutex_lock(&bo->gpu->place);
	if (bo->bar_page >= 0)
		ret = p2psim_bar_window_move(bo->gpu->bar, (unsigned long)bo->bar_page, to);
	if (!ret) {
		p2psim_note("%s: window %u -> %u", P2PSIM_STR(bo->gpu->name), (u64)bo->bar_page, (u64)to);
		bo->bar_page = (long)to;
	}
	mutex_unlock(&bo->gpu->place);
	return ret;
}

/* 0: it is at page `to` now. */
static int gpu_move_window(struct p2psim_gpu_object *bo, unsigned long to)
{
	int ret = gpu_door_close(bo);

	if (ret)
		return ret;
	gpu_revoke_and_wait(bo);
	ret = gpu_settle_at(bo, to);
	gpu_door_open(bo);
	return ret;
}

/* Where the window of the object begins and ends; false if it has none any more. */
static bool gpu_window_bounds(struct p2psim_gpu_object *bo, unsigned long *first, unsigned long *end)
{
	bool has_window;

	mutex_lock(&bo->gpu->place);
	has_window = bo->bar_page >= 0;
	if (has_window) {
		*first = (unsigned long)bo->bar_page;
		*end = *first + bo->pages;
	}
	mutex_unlock(&bo->gpu->place);
	return has_window;
}

/* Packs one object towards `page`; says where it ends now.  Returns 1 when it moved. */
static int gpu_pack(struct p2psim_gpu_object *bo, unsigned long *page)
{
	unsigned long first, end;
	int moved = 0;

	if (!gpu_window_bounds(bo, &first, &end))
		return 0;
	if (first > *page && !gpu_move_window(bo, *page)) {
		end = *page + bo->pages;
		moved = 1;
	}
	*page = max(*page, end);
	return moved;
}

int p2psim_gpu_defragment(struct p2psim_gpu *gpu)
{
	struct p2psim_gpu_object *bo;
	unsigned long page = 0;
	int moved = 0;

	p2psim_step("gpu:defragment");
	p2psim_enter("%s: defragment()", P2PSIM_STR(gpu->name));
	while (!gpu->gone && (bo = gpu_window_after(gpu, page))) {
		moved += gpu_pack(bo, &page);
		gpu_object_put(bo);
	}
	p2psim_leave("%s: moved %d", P2PSIM_STR(gpu->name), (u64)moved);
	return gpu->gone ? -ENODEV : moved;
}

/* The first object from file offset `pgoff` on, with a reference; NULL: none is left. */
static struct p2psim_gpu_object *gpu_object_from(struct p2psim_gpu *gpu, unsigned long pgoff)
{
	struct p2psim_gpu_object *bo, *found = NULL;

	mutex_lock(&gpu->place);
	list_for_each_entry(bo, &gpu->objects, link)
		if (bo->pgoff >= pgoff && kref_get_unless_zero(&bo->kref)) {
			found = bo;
			break;
		}
	mutex_unlock(&gpu->place);
	return found;
}

/* Nothing new can begin (gpu->gone): who has been idle once stays idle, so one round is enough. */
static void gpu_wait_until_idle(struct p2psim_gpu *gpu)
{
	struct p2psim_gpu_object *bo;
	unsigned long pgoff = 0;

	while ((bo = gpu_object_from(gpu, pgoff))) {
		wait_event(gpu->wait, !bo->moving && !atomic_read(&bo->mapped));
		pgoff = bo->pgoff + 1;
		gpu_object_put(bo);
	}
}

static void gpu_drop_everything(struct p2psim_gpu *gpu)
{
	struct p2psim_gpu_object *bo;

	mutex_lock(&gpu->place);
	list_for_each_entry(bo, &gpu->objects, link) {
		gpu_window_put(bo);
		bo->place = P2PSIM_GPU_NOWHERE;
	}
	mutex_unlock(&gpu->place);
	p2psim_pci_remove(gpu->pdev);
}

/* S10: say no from now on, call everything back, wait, go. */
int p2psim_gpu_unplug(struct p2psim_gpu *gpu)
{
	bool gone;

	mutex_lock(&gpu->place);
	gone = gpu->gone;
	gpu->gone = true;
	mutex_unlock(&gpu->place);
	if (gone)
		return 0;

	p2psim_step("gpu:unplug");
	p2psim_enter("%s: unplug()", P2PSIM_STR(gpu->name));
	if (!gpu_has_fault(gpu, P2PSIM_GPU_UNPLUG_WITHOUT_REVOKE))
		unmap_mapping_range(gpu->file->f_mapping, 0, 0, 1);
	if (!gpu_has_fault(gpu, P2PSIM_GPU_UNPLUG_WITHOUT_WAIT))
		gpu_wait_until_idle(gpu);
	gpu_pages_remove(gpu);
	gpu_drop_everything(gpu);
	p2psim_leave("%s: unplug()", P2PSIM_STR(gpu->name));
	return 0;
}
