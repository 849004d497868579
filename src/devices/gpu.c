/* SPDX-License-Identifier: MIT */
/*
 * gpu: the device: its coming and going.
 *
 * References: one of p2psim_gpu_create(), one of each object.  So the struct outlives p2psim_gpu_destroy() while a process
 * still has a VMA; by then it is an empty shell that says -ENODEV and SIGBUS.
 */
#include "devices/gpu_internal.h"

#include <p2psim/linux/slab.h>
#include <p2psim/pci.h>
#include <p2psim/trace.h>

#define GPU_BAR_PAGES 16
#define GPU_VRAM_PAGES 64

void gpu_get(struct p2psim_gpu *gpu)
{
	kref_get(&gpu->kref);
}

static void gpu_free(struct p2psim_gpu *gpu)
{
	unsigned long i;

	if (gpu->bar)
		p2psim_bar_destroy(gpu->bar);
	for (i = 0; gpu->vram && i < gpu->vram_pages; i++)
		kfree(gpu->vram[i].data);
	kfree(gpu->vram);
	kfree(gpu);
}

static void gpu_release(struct kref *kref)
{
	gpu_free(container_of(kref, struct p2psim_gpu, kref));
}

void gpu_put(struct p2psim_gpu *gpu)
{
	kref_put(&gpu->kref, gpu_release);
}

static struct p2psim_gpu *gpu_alloc(const struct p2psim_gpu_config *config)
{
	struct p2psim_gpu *gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);

	if (!gpu)
		return NULL;
	kref_init(&gpu->kref);
	mutex_init(&gpu->place);
	INIT_LIST_HEAD(&gpu->objects);
	init_waitqueue_head(&gpu->wait);
	gpu->name = config->name ? config->name : "gpu";
	gpu->policy = config->policy;
	gpu->policy_arg = config->policy_arg;
	gpu->faults = config->faults;
	gpu->vram_pages = config->vram_pages ? config->vram_pages : GPU_VRAM_PAGES;
	gpu->vram = kcalloc(gpu->vram_pages, sizeof(*gpu->vram), GFP_KERNEL);
	if (!gpu->vram) {
		kfree(gpu);
		return NULL;
	}
	p2psim_object_rename(&gpu->place.lock.obj, "%s.place", gpu->name);
	return gpu;
}

static bool gpu_plug(struct p2psim_gpu *gpu, struct pci_dev *parent, const struct p2psim_gpu_config *config)
{
	struct p2psim_pci_config pci = {
		.vendor = 0x1002,
		.device = 0x7310,
		.name = gpu->name,
		.bar_bytes = { (config->bar_pages ? config->bar_pages : GPU_BAR_PAGES) << PAGE_SHIFT },
	};

	gpu->pdev = p2psim_pci_endpoint(parent, &pci);
	if (!gpu->pdev)
		return false;
	gpu->bar = p2psim_bar_init(gpu->pdev, 0, &gpu_bar_ops, gpu);
	gpu->file = gpu->bar ? p2psim_file_create(gpu->name, &gpu_fops, gpu, FMODE_READ | FMODE_WRITE) : NULL;
	if (gpu->file)
		return true;
	p2psim_pci_remove(gpu->pdev);
	return false;
}

struct p2psim_gpu *p2psim_gpu_create(struct pci_dev *parent, const struct p2psim_gpu_config *config)
{
	static const struct p2psim_gpu_config defaults;
	struct p2psim_gpu *gpu;

	if (!config)
		config = &defaults;
	gpu = gpu_alloc(config);
	if (!gpu)
		return NULL;
	if (!gpu_plug(gpu, parent, config)) {
		gpu_free(gpu);
		return NULL;
	}
	return gpu;
}

/* An object whose handle nobody has given back.  Context: gpu->place. */
static struct p2psim_gpu_object *gpu_next_handle(struct p2psim_gpu *gpu)
{
	struct p2psim_gpu_object *bo;

	list_for_each_entry(bo, &gpu->objects, link)
		if (bo->handle)
			return bo;
	return NULL;
}

static void gpu_put_handles(struct p2psim_gpu *gpu)
{
	struct p2psim_gpu_object *bo;

	for (;;) {
		mutex_lock(&gpu->place);
		bo = gpu_next_handle(gpu);
		mutex_unlock(&gpu->place);
		if (!bo)
			return;
		p2psim_gpu_object_put(bo);
	}
}

void p2psim_gpu_destroy(struct p2psim_gpu *gpu)
{
	if (!gpu)
		return;
	p2psim_gpu_unplug(gpu);
	gpu_put_handles(gpu);
	fput(gpu->file);
	gpu_put(gpu);
}

struct pci_dev *p2psim_gpu_pdev(const struct p2psim_gpu *gpu)
{
	return gpu->pdev;
}

struct file *p2psim_gpu_file(const struct p2psim_gpu *gpu)
{
	return gpu->file;
}

void p2psim_gpu_set_policy(struct p2psim_gpu *gpu, p2psim_gpu_policy_fn policy, void *arg)
{
	mutex_lock(&gpu->place);
	gpu->policy = policy;
	gpu->policy_arg = arg;
	mutex_unlock(&gpu->place);
}

void p2psim_gpu_set_faults(struct p2psim_gpu *gpu, unsigned int faults)
{
	gpu->faults = faults;
}
