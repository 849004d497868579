/* SPDX-License-Identifier: MIT */
#include "hmm_exporter.h"

#include <p2psim/linux/kernel.h>
#include <p2psim/step.h>
#include <p2psim/vma_map.h>

static unsigned long page_of(const struct vm_area_struct *vma, unsigned long addr)
{
	return vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}

static void remember(struct hmm_exporter *exporter, const struct vm_area_struct *vma, unsigned long start,
		     unsigned long end)
{
	exporter->last_vma = vma;
	exporter->last_start = start;
	exporter->last_end = end;
	if (exporter->stop)
		p2psim_step(exporter->stop);
}

static long answer(struct hmm_exporter *exporter, struct vm_area_struct *vma, struct device *importer, bool write)
{
	long error = READ_ONCE(exporter->error);

	if ((exporter->only && importer != exporter->only) || (exporter->read_only && write))
		error = -EACCES;
	if (error && exporter->withdraw)
		p2psim_vma_map_withdraw(vma, importer);
	return error;
}

static long exporter_map(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end,
			 dma_addr_t *pa, bool write)
{
	struct hmm_exporter *exporter = vma->vm_private_data;
	unsigned long page = page_of(vma, start), i, count = (end - start) >> PAGE_SHIFT;
	dma_addr_t base;
	long error;

	exporter->maps++;
	exporter->last_write = write;
	if (exporter->keep_lock)
		mutex_lock(&exporter->lock);
	error = answer(exporter, vma, importer, write);
	if (error)
		return error;
	base = READ_ONCE(exporter->base);
	for (i = 0; i < count; i++) {
		exporter->counts[page + i]++;
		exporter->given[page + i] = base + ((page + i) << PAGE_SHIFT);
		if (i + 1 < count || !exporter->forget_address)
			pa[i] = exporter->given[page + i];
	}
	remember(exporter, vma, start, end);
	return 0;
}

static long exporter_unmap(struct vm_area_struct *vma, struct device *importer, unsigned long start, unsigned long end,
			   dma_addr_t *pa)
{
	struct hmm_exporter *exporter = vma->vm_private_data;
	unsigned long page = page_of(vma, start), i;

	exporter->unmaps++;
	remember(exporter, vma, start, end);
	for (i = 0; i < (end - start) >> PAGE_SHIFT; i++) {
		exporter->counts[page + i]--;
		exporter->bad_unmaps += pa[i] != exporter->given[page + i];
	}
	return exporter->unmap_error;
}

static void exporter_open(struct vm_area_struct *vma)
{
	((struct hmm_exporter *)vma->vm_private_data)->opens++;
}

static void exporter_close(struct vm_area_struct *vma)
{
	struct hmm_exporter *exporter = vma->vm_private_data;
	unsigned long page = vma->vm_pgoff, end = page + ((vma->vm_end - vma->vm_start) >> PAGE_SHIFT);

	exporter->closes++;
	for (exporter->mapped_at_close = 0; page < end; page++)
		exporter->mapped_at_close += exporter->counts[page];
}

static vm_fault_t exporter_fault(struct vm_fault *vmf)
{
	((struct hmm_exporter *)vmf->vma->vm_private_data)->faults++;
	return VM_FAULT_SIGBUS;
}

void hmm_exporter_init(struct hmm_exporter *exporter, dma_addr_t base)
{
	*exporter = (struct hmm_exporter){
		.ops = {
			.open = exporter_open,
			.close = exporter_close,
			.fault = exporter_fault,
			.p2p_map = exporter_map,
			.p2p_unmap = exporter_unmap,
		},
		.base = base,
		.vm_flags = VM_IO | VM_PFNMAP | VM_DONTEXPAND,
	};
	mutex_init(&exporter->lock);
}

void hmm_exporter_adopt(struct hmm_exporter *exporter, struct vm_area_struct *vma)
{
	vma->vm_ops = &exporter->ops;
	vma->vm_private_data = exporter;
	vma->vm_flags |= exporter->vm_flags;
}

long hmm_exporter_mapped(const struct hmm_exporter *exporter)
{
	long mapped = 0;
	int i;

	for (i = 0; i < HMM_EXPORTER_PAGES; i++)
		mapped += exporter->counts[i];
	return mapped;
}
