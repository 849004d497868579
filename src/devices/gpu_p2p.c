/* SPDX-License-Identifier: MIT */
/*
 * gpu: p2p_map() and p2p_unmap(), what this device is for.  This is the file to copy from, with gpu_move.c.
 *
 *	p2p_map()                                    p2p_unmap()
 *	  lock place                                   give the addresses back
 *	  ALGO 1  the gpu is there, the door is open   mapped -= pages; at 0 wake who waits
 *	  ALGO 2  policy, each time (C8)
 *	  ALGO 3  can the two devices reach each other?
 *	  ALGO 4  a window, if it has none
 *	  ALGO 5  addresses
 *	  ALGO 6  mapped += pages: it stands still (G2)
 *	  unlock
 *
 * Nothing looks at CPU page tables (C2), no page is pinned (C7), and a refusal says why (<p2psim/reason.h>).
 * An object in main memory needs no route between the devices, hence 3 and 4 are for VRAM only (C9).
 */
#include "devices/gpu_internal.h"

#include <p2psim/linux/dma-mapping.h>
#include <p2psim/reason.h>
#include <p2psim/trace.h>
#include <p2psim/vma_map.h>

/* ALGO 1 */
int gpu_check_door(const struct p2psim_gpu_object *bo)
{
	const struct p2psim_gpu *gpu = bo->gpu;

	if (gpu->gone)
		return p2psim_refuse(P2PSIM_REASON_DEVICE_GONE, "%s was unplugged", gpu->name);
	if (bo->moving && !gpu_has_fault(gpu, P2PSIM_GPU_MOVE_WITH_DOOR_OPEN))
		return p2psim_refuse(P2PSIM_REASON_BUSY, "%s is moving the object", gpu->name);
	return 0;
}

/* ALGO 2 */
int gpu_check_policy(const struct p2psim_gpu_object *bo, const struct device *importer, bool write)
{
	const struct p2psim_gpu *gpu = bo->gpu;

	if (bo->flags & P2PSIM_GPU_OBJECT_NO_P2P)
		return p2psim_refuse(P2PSIM_REASON_POLICY, "%s keeps this object from peers", gpu->name);
	if (gpu->policy && !gpu->policy(bo, importer, write, gpu->policy_arg))
		return p2psim_refuse(P2PSIM_REASON_POLICY, "%s does not let %s in", gpu->name, dev_name(importer));
	return 0;
}

/* ALGO 3.  device_test_p2p() says why not, by name of the bridge. */
int gpu_check_route(const struct p2psim_gpu_object *bo, struct device *importer)
{
	return device_test_p2p(&bo->gpu->pdev->dev, importer) ? 0 : p2psim_last_refusal()->error;
}

/* ALGO 1 to 4.  Context: gpu->place. */
static int gpu_admit(struct p2psim_gpu_object *bo, struct vm_area_struct *vma, struct device *importer, bool write)
{
	struct p2psim_gpu *gpu = bo->gpu;
	int ret = gpu_check_door(bo);

	if (ret)
		return ret;
	ret = gpu_check_policy(bo, importer, write);
	if (ret) {
		/* Somebody changed the policy: no promise is broken. */
		p2psim_vma_map_withdraw(vma, importer);
		return ret;
	}
	if (bo->granted && gpu_has_fault(gpu, P2PSIM_GPU_BREAK_PROMISE))
		return p2psim_refuse(P2PSIM_REASON_POLICY, "%s has changed its mind", gpu->name);
	if (bo->place == P2PSIM_GPU_RAM)
		return 0;
	return gpu_check_route(bo, importer) ?: gpu_window_get(bo);
}

static void gpu_unmap_ram(struct device *importer, const dma_addr_t *pa, unsigned long count)
{
	while (count--)
		dma_unmap_page(importer, pa[count], PAGE_SIZE, DMA_BIDIRECTIONAL);
}

static int gpu_map_ram(struct p2psim_gpu_object *bo, struct device *importer, unsigned long first,
		       unsigned long count, dma_addr_t *pa)
{
	unsigned long i;

	for (i = 0; i < count; i++) {
		pa[i] = dma_map_page(importer, bo->ram[first + i], 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
		if (dma_mapping_error(importer, pa[i])) {
			gpu_unmap_ram(importer, pa, i);
			return p2psim_refuse(P2PSIM_REASON_NO_MEMORY, "no DMA mapping for %s", dev_name(importer));
		}
	}
	return 0;
}

/* ALGO 5 */
static int gpu_addresses(struct p2psim_gpu_object *bo, struct device *importer, unsigned long first,
			 unsigned long count, dma_addr_t *pa)
{
	if (bo->place == P2PSIM_GPU_RAM)
		return gpu_map_ram(bo, importer, first, count, pa);
	return p2psim_bar_map(bo->gpu->bar, (unsigned long)bo->bar_page + first, count, importer, pa);
}

long gpu_p2p_map(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end,
		 dma_addr_t *pa, bool write)
{
	struct p2psim_gpu_object *bo = vma->vm_private_data;
	unsigned long count = (end - start) >> PAGE_SHIFT;
	int ret;

	mutex_lock(&bo->gpu->place);
	ret = gpu_admit(bo, vma, importer, write);
	if (!ret)
		ret = gpu_addresses(bo, importer, gpu_vma_page(vma, start), count, pa);
	if (!ret) {
		atomic_add_return((int)count, &bo->mapped);
		bo->granted = true;
	}
	mutex_unlock(&bo->gpu->place);
	return ret;
}

/* G3: no lock.  What it reads cannot change before the count that it drops at the end is 0. */
long gpu_p2p_unmap(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end,
		   dma_addr_t *pa)
{
	struct p2psim_gpu_object *bo = vma->vm_private_data;
	unsigned long count = (end - start) >> PAGE_SHIFT;

	if (bo->place == P2PSIM_GPU_RAM)
		gpu_unmap_ram(importer, pa, count);
	else
		p2psim_bar_unmap(bo->gpu->bar, count, importer, pa);
	if (!atomic_add_return(-(int)count, &bo->mapped))
		wake_up_all(&bo->gpu->wait);
	return 0;
}

/* "Obey nothing but munmap()": the object stays where it is until all its mappings are gone (S20). */
int gpu_p2p_pin(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end)
{
	struct p2psim_gpu_object *bo = vma->vm_private_data;

	if (!(bo->flags & P2PSIM_GPU_OBJECT_MAY_PIN))
		return p2psim_refuse(P2PSIM_REASON_PIN_REFUSED, "%s moves its objects", bo->gpu->name);
	mutex_lock(&bo->gpu->place);
	bo->pinned = true;
	mutex_unlock(&bo->gpu->place);
	return 0;
}
