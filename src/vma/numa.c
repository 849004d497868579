/* SPDX-License-Identifier: MIT */
/*
 * The scan of NUMA balancing.  Mirrors: kernel/sched/fair.c, task_numa_work(), 6.1 (reduced: one pass over a range, no rates).
 */
#include <p2psim/actors.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/internal.h"

/* Libraries that are mapped read-only are everybody's; what cannot be touched gives no hints. */
static bool wants_hints(const struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB) || !(vma->vm_flags & VM_ACCESS_FLAGS))
		return false;
	return !vma->vm_file || (vma->vm_flags & (VM_READ | VM_WRITE)) != VM_READ;
}

void p2psim_numa_scan(struct p2psim_process *process, unsigned long start, unsigned long end)
{
	struct mm_struct *mm = p2psim_process_mm(process);
	struct vm_area_struct *vma;

	p2psim_enter("NUMA scan(%p, %p)", start, end);
	mmap_read_lock(mm);
	for (vma = (find_vma)(mm, start); vma && vma->vm_start < end; vma = p2psim_vma_next(vma))
		if (wants_hints(vma))
			change_prot_numa(vma, max(start, vma->vm_start), min(end, vma->vm_end));
	mmap_read_unlock(mm);
	p2psim_leave("NUMA scan");
}
