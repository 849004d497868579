/* SPDX-License-Identifier: MIT */
/*
 * hmm_mirror_is_maybe_supported(): a trial before a memory region is registered.
 *
 * Gunthorpe (2019-01-30) wished for a call that early users could make to learn why an import will fail; Glisse agreed
 * that there the reasons are told apart, and nowhere later.  Invented on that.
 *
 *	hole			-EFAULT
 *	regular VMA		readable: fine, HMM always succeeds with it
 *	VM_IO, VM_PFNMAP	without p2p_map(): -EOPNOTSUPP
 *	p2p_map()		is asked, and what it maps is given back at once
 *
 * A success is a promise of the exporter as any other (C3): later maps of the range succeed while the VMA is there.
 */
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/sched.h>
#include <p2psim/linux/slab.h>
#include <p2psim/reason.h>
#include <p2psim/trace.h>
#include <p2psim/vma_map.h>

static int try_exporter(struct vm_area_struct *vma, struct device *dev, unsigned long start, unsigned long end)
{
	dma_addr_t *pa = kmalloc_array((end - start) >> PAGE_SHIFT, sizeof(*pa), GFP_KERNEL);
	int ret;

	if (!pa)
		return p2psim_refuse(P2PSIM_REASON_NO_MEMORY, "no memory for the addresses of a trial");
	ret = p2psim_vma_map(vma, dev, start, end, pa, vma->vm_flags & VM_WRITE);
	if (!ret)
		p2psim_vma_unmap(vma->vm_mm, dev, start, end, pa);
	kfree(pa);
	return ret;
}

static int try_vma(struct vm_area_struct *vma, struct device *dev, unsigned long start, unsigned long end)
{
	if (vma->vm_ops && vma->vm_ops->p2p_map)
		return try_exporter(vma, dev, start, end);
	if (!(vma->vm_flags & VM_READ))
		return p2psim_refuse(P2PSIM_REASON_NO_READ, "the VMA at 0x%lx is not readable", vma->vm_start);
	if (vma->vm_flags & (VM_IO | VM_PFNMAP))
		return p2psim_refuse(P2PSIM_REASON_NOT_EXPORTABLE, "the VMA at 0x%lx has no p2p_map()", vma->vm_start);
	return 0;
}

static int try_range(struct mm_struct *mm, struct device *dev, unsigned long start, unsigned long end)
{
	unsigned long next;
	int ret = 0;

	for (; start < end && !ret; start = next) {
		struct vm_area_struct *vma = (vma_lookup)(mm, start);

		if (!vma)
			return p2psim_refuse(P2PSIM_REASON_NO_VMA, "nothing is mapped at 0x%lx", start);
		next = min(vma->vm_end, end);
		ret = try_vma(vma, dev, start, next);
	}
	return ret;
}

int(hmm_mirror_is_maybe_supported)(struct device *dev, unsigned long start, unsigned long len)
{
	struct mm_struct *mm = current->mm;
	unsigned long end = PAGE_ALIGN(start + len);
	int ret;

	p2psim_refusal_clear();
	if (!len || start + len < start || end < start)
		return -EINVAL;
	if (!mm)
		return p2psim_refuse(P2PSIM_REASON_NO_VMA, "%s has no address space", current->comm);
	p2psim_enter("is_maybe_supported(%p, %p)", start, end);
	mmap_read_lock(mm);
	ret = try_range(mm, dev, start & PAGE_MASK, end);
	mmap_read_unlock(mm);
	p2psim_leave("is_maybe_supported() = %e", ret);
	return ret;
}
