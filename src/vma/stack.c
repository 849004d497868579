/* SPDX-License-Identifier: MIT */
/*
 * Stacks: a VM_GROWSDOWN VMA grows when somebody touches what lies below it.  It keeps STACK_GUARD free between itself and
 * what is mapped below, unless that is a stack, too, or nobody can access it.
 *
 * A fault holds mmap_lock for reading and growing needs it for writing: it is dropped, and the access begins again.
 */
#include "vma/internal.h"

static bool may_grow_to(const struct vm_area_struct *vma, unsigned long addr)
{
	const struct vm_area_struct *prev = p2psim_vma_prev(vma);
	const struct mm_struct *mm = vma->vm_mm;
	unsigned long pages = (vma->vm_start - addr) >> PAGE_SHIFT;

	if (prev && !(prev->vm_flags & VM_GROWSDOWN) && prev->vm_flags & VM_ACCESS_FLAGS && addr - prev->vm_end < STACK_GUARD)
		return false;
	if (pages > vma->vm_pgoff || !may_expand_vm(mm, pages) || vma->vm_end - addr > mm->limits[P2PSIM_LIMIT_STACK])
		return false;
	return !(vma->vm_flags & VM_LOCKED) || can_lock_pages(mm, pages);
}

static bool grow_to(struct vm_area_struct *vma, unsigned long addr)
{
	const struct vma_change change = { .vma = vma, .start = addr, .end = vma->vm_end };

	if (!may_grow_to(vma, addr) || p2psim_inject_point() || __anon_vma_prepare(vma))
		return false;
	if (vma->vm_flags & VM_LOCKED)
		vma->vm_mm->locked_vm += (vma->vm_start - addr) >> PAGE_SHIFT;
	vma_change(&change);
	return true;
}

bool expand_stack(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;
	bool grown = false;

	addr &= PAGE_MASK;
	if (addr < P2PSIM_MMAP_MIN_ADDR || mmap_write_lock_killable(mm))
		return false;
	vma = vma_find(mm, addr);
	if (vma && vma->vm_start <= addr)
		grown = true; /* somebody was faster */
	else if (vma && vma->vm_flags & VM_GROWSDOWN)
		grown = grow_to(vma, addr);
	mmap_write_unlock(mm);
	return grown;
}
