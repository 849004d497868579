/* SPDX-License-Identifier: MIT */
/*
 * gpu: the device file and its VMAs.
 *
 * mmap() makes one VMA for one buffer object and puts nothing into the page tables.  From then on the VMA may be split by
 * munmap() and mprotect(), copied by fork() and moved by mremap(): open() and close() count references, and vm_pgoff says
 * which part of the object each piece shows.  Nobody keeps a VMA's address.
 *
 * fault() serves the CPU; peers come through p2p_map() (gpu_p2p.c) and never through here: an object without CPU mapping
 * is SIGBUS to a load and a bus address to a nic (Glisse, 2019-01-29).
 */
#include "devices/gpu_internal.h"

#include <p2psim/trace.h>

static void gpu_vm_open(struct vm_area_struct *vma)
{
	gpu_object_get(vma->vm_private_data);
}

static void gpu_vm_close(struct vm_area_struct *vma)
{
	gpu_object_put(vma->vm_private_data);
}

static int gpu_vm_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	const struct p2psim_gpu_object *bo = vma->vm_private_data;

	return bo->flags & P2PSIM_GPU_OBJECT_NO_SPLIT ? -EINVAL : 0;
}

/* The object is found by vm_pgoff, which moves along: nothing to do. */
static int gpu_vm_mremap(struct vm_area_struct *vma)
{
	return 0;
}

/*
 * Takes gpu->place with the object standing still.  A mover needs neither mmap_lock nor anything that we hold, so it
 * is safe to wait for it here; compare G5.
 */
static void gpu_lock_still(struct p2psim_gpu_object *bo)
{
	struct p2psim_gpu *gpu = bo->gpu;

	mutex_lock(&gpu->place);
	while (bo->moving) {
		mutex_unlock(&gpu->place);
		wait_event(gpu->wait, !bo->moving);
		mutex_lock(&gpu->place);
	}
}

/* The pfn of a page of the object, for a CPU page-table entry; a window is taken if it needs one. */
static int gpu_cpu_pfn(struct p2psim_gpu_object *bo, unsigned long page, unsigned long *pfn)
{
	int ret;

	if (bo->gpu->gone || (bo->flags & P2PSIM_GPU_OBJECT_NO_CPU))
		return -ENXIO;
	if (bo->place == P2PSIM_GPU_RAM) {
		*pfn = page_to_pfn(bo->ram[page]);
		return 0;
	}
	ret = gpu_window_get(bo);
	if (!ret)
		*pfn = (pci_resource_start(bo->gpu->pdev, 0) >> PAGE_SHIFT) + bo->bar_page + page;
	return ret;
}

static vm_fault_t gpu_vm_fault(struct vm_fault *vmf)
{
	struct p2psim_gpu_object *bo = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long pfn;

	gpu_lock_still(bo);
	bo->faults++;
	/* Under the lock: a mover that closes the door after us finds the entry and takes it out. */
	if (!gpu_cpu_pfn(bo, gpu_vma_page(vmf->vma, vmf->address), &pfn))
		ret = vmf_insert_pfn(vmf->vma, vmf->address, pfn);
	mutex_unlock(&bo->gpu->place);
	return ret;
}

static const char *gpu_vm_name(struct vm_area_struct *vma)
{
	const struct p2psim_gpu_object *bo = vma->vm_private_data;

	return bo->gpu->name;
}

static const struct vm_operations_struct gpu_vm_ops = {
	.open = gpu_vm_open,
	.close = gpu_vm_close,
	.may_split = gpu_vm_may_split,
	.mremap = gpu_vm_mremap,
	.fault = gpu_vm_fault,
	.name = gpu_vm_name,
	.p2p_map = gpu_p2p_map,
	.p2p_unmap = gpu_p2p_unmap,
	.p2p_pin = gpu_p2p_pin,
};

/*
 * vm_pgoff selects the object.  The ops are set whatever the policy says now: it may say something else later (C8).
 * A private mapping would be a copy, and a BAR cannot be copied.
 */
static int gpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct p2psim_gpu_object *bo;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	bo = gpu_object_find(file->private_data, vma->vm_pgoff, (vma->vm_end - vma->vm_start) >> PAGE_SHIFT);
	if (!bo)
		return -ENXIO;
	vma->vm_flags |= VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
	vma->vm_private_data = bo;
	vma->vm_ops = &gpu_vm_ops;
	return 0;
}

const struct file_operations gpu_fops = {
	.mmap = gpu_mmap,
};
