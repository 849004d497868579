/* SPDX-License-Identifier: MIT */
/*
 * Faulting in ahead: MAP_POPULATE, locked memory.  Private writable memory is written to, so that a locked page never has
 * to be copied; nothing else is.
 */
#include <p2psim/linux/sched.h>

#include "vma/internal.h"

#define TRIES 100

static int errno_of(vm_fault_t fault)
{
	if (!(fault & VM_FAULT_ERROR))
		return 0;
	return fault & VM_FAULT_OOM ? -ENOMEM : -EFAULT;
}

/* A fault may bring back what was away, and leave the copy that a write needs to the next one. */
static bool is_there(const struct vm_area_struct *vma, unsigned long addr, unsigned int flags)
{
	const pte_t *pte = p2psim_pte_lookup(vma->vm_mm, addr);

	if (!pte || pte_none(*pte))
		return true; /* gone again: not ours to wait for */
	return pte_present(*pte) && (!(flags & FAULT_FLAG_WRITE) || pte_write(*pte));
}

static int populate_page(struct vm_area_struct *vma, unsigned long addr, unsigned int flags)
{
	int error, tries = 0;

	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		error = errno_of((handle_mm_fault)(vma, addr, flags, NULL));
	} while (!error && !is_there(vma, addr, flags) && ++tries < TRIES);
	return error;
}

long populate_vma(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	unsigned int flags = (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE ? FAULT_FLAG_WRITE : 0;
	long pages = (long)((end - start) >> PAGE_SHIFT);
	unsigned long at;
	int error = 0;

	if (vma->vm_flags & VM_LOCKONFAULT)
		return pages;
	if (vma->vm_flags & (VM_IO | VM_PFNMAP) || !(vma->vm_flags & VM_ACCESS_FLAGS) || !(vma->vm_flags & VM_MAYREAD))
		return -EFAULT;
	for (at = start; at < end && !error; at += error ? 0 : PAGE_SIZE)
		error = populate_page(vma, at, flags);
	return at > start ? (long)((at - start) >> PAGE_SHIFT) : error;
}

int populate(struct mm_struct *mm, unsigned long start, unsigned long end, bool ignore_errors)
{
	struct vm_area_struct *vma;
	unsigned long next;
	long pages = 0;

	mmap_read_lock(mm);
	for (; start < end; start = next) {
		vma = (find_vma_intersection)(mm, start, end);
		if (!vma)
			break;
		start = max(start, vma->vm_start);
		next = min(end, vma->vm_end);
		if (vma->vm_flags & (VM_IO | VM_PFNMAP))
			continue;
		pages = populate_vma(vma, start, next);
		if (pages < 0 && !ignore_errors)
			break;
		if (pages > 0)
			next = start + ((unsigned long)pages << PAGE_SHIFT);
	}
	mmap_read_unlock(mm);
	return pages < 0 && !ignore_errors ? (int)pages : 0;
}
