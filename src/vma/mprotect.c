/* SPDX-License-Identifier: MIT */
/*
 * mprotect(): VMA by VMA, in ascending order; what came before an error stays changed.
 */
#include <p2psim/check.h>
#include <p2psim/linux/mman.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/internal.h"

#define PROT_GROWS (PROT_GROWSDOWN | PROT_GROWSUP)
#define PROT_KNOWN (PROT_READ | PROT_WRITE | PROT_EXEC | 0x8 /* PROT_SEM */)

/* One VMA covers exactly [start, end) with the new flags, then its entries are rewritten. */
static int protect_piece(struct vm_area_struct *vma, struct vm_area_struct **prev, unsigned long start, unsigned long end,
			 unsigned long flags)
{
	unsigned long old_flags = vma->vm_flags;
	bool populates;
	int error = vma_carve(&vma, prev, start, end, flags);

	if (error)
		return error;
	vma_write_step(vma->vm_mm, "mprotect");
	populates = (old_flags & (VM_WRITE | VM_SHARED | VM_LOCKED)) == VM_LOCKED && flags & VM_WRITE;
	vma->vm_flags = flags;
	vma->vm_page_prot = vm_get_page_prot(flags);
	change_protection(vma, start, end);
	if (populates) /* locked memory shall not fault: copies are made now */
		populate_vma(vma, start, end);
	return 0;
}

static unsigned long new_flags(const struct vm_area_struct *vma, int prot)
{
	unsigned long flags = vma->vm_flags & ~VM_ACCESS_FLAGS;

	flags |= prot & PROT_READ ? VM_READ : 0;
	flags |= prot & PROT_WRITE ? VM_WRITE : 0;
	flags |= prot & PROT_EXEC ? VM_EXEC : 0;
	return flags;
}

static int fixup(struct vm_area_struct *vma, struct vm_area_struct **prev, unsigned long start, unsigned long end, int prot)
{
	unsigned long flags = new_flags(vma, prot);
	int error = 0;

	if ((flags & ~(flags >> 4)) & VM_ACCESS_FLAGS)
		return -EACCES;
	if (vma->vm_ops && vma->vm_ops->mprotect)
		error = vma->vm_ops->mprotect(vma, start, end, flags);
	if (error)
		return error;
	if (flags == vma->vm_flags) {
		*prev = vma;
		return 0;
	}
	if (flags & VM_WRITE && !(vma->vm_flags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE)))
		flags |= VM_ACCOUNT;
	return protect_piece(vma, prev, start, end, flags);
}

/* grows: PROT_GROWSDOWN takes in all of the stack that ends the range. */
static int do_mprotect(struct mm_struct *mm, unsigned long start, unsigned long end, int prot, int grows)
{
	struct vm_area_struct *vma = (find_vma)(mm, start), *prev;
	unsigned long at = start, next;
	int error = 0;

	if (!vma || vma->vm_start > (grows & PROT_GROWSDOWN ? end - 1 : start))
		return -ENOMEM;
	if (grows && (grows & PROT_GROWSUP || !(vma->vm_flags & VM_GROWSDOWN)))
		return -EINVAL; /* no stack grows up here */
	if (grows)
		at = start = vma->vm_start;
	prev = start > vma->vm_start ? vma : p2psim_vma_prev(vma);
	for (; at < end && !error; at = next) {
		vma = vma_find(mm, at);
		if (!vma || vma->vm_start > at)
			return -ENOMEM;
		next = min(vma->vm_end, end);
		error = fixup(vma, &prev, at, next, prot);
		next = max(next, prev ? prev->vm_end : 0); /* it may have merged with what comes next */
	}
	return error;
}

static int locked_mprotect(struct mm_struct *mm, unsigned long start, unsigned long end, int prot, int grows)
{
	int error;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	error = do_mprotect(mm, start, end, prot, grows);
	mmap_write_unlock(mm);
	return error;
}

int(p2psim_mprotect)(struct p2psim_process *process, unsigned long addr, unsigned long len, int prot)
{
	unsigned long end = addr + PAGE_ALIGN(len);
	int error, grows = prot & PROT_GROWS;
	struct system_call call;

	prot &= ~PROT_GROWS;
	if (grows == PROT_GROWS || !PAGE_ALIGNED(addr))
		return -EINVAL;
	if (!len)
		return 0;
	if (end <= addr)
		return -ENOMEM;
	if (prot & ~PROT_KNOWN)
		return -EINVAL;
	p2psim_enter("mprotect(%p, %x, %s)", addr, len,
		     P2PSIM_STR(prot & PROT_WRITE ? "RW" : prot & PROT_READ ? "R" : "NONE"));
	system_call_begin(&call, p2psim_process_mm(process));
	error = locked_mprotect(p2psim_process_mm(process), addr, end, prot, grows);
	system_call_end(&call);
	p2psim_leave("mprotect = %e", (uint64_t)(int64_t)error);
	return error;
}
