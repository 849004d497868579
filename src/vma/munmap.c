/* SPDX-License-Identifier: MIT */
/*
 * munmap(), and the end of an address space.
 *
 *	mmap_lock W
 *	  split at the start: open(upper part)		a failed second split leaves the first one
 *	  split at the end: open(lower part)
 *	  VMAs leave the tree				find_vma() finds nothing from here on
 *	mmap_lock W -> R
 *	  start(UNMAP, [start, end))			one event over VMAs and holes
 *	  entries zapped
 *	  end()
 *	  out of the reverse maps			who revokes finds the VMAs until their entries are gone
 *	  page tables freed
 *	  for each VMA: close(), file put, freed	this is why an importer may still call p2p_unmap() in the event
 */
#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/internal.h"
#include "vma/vma_map_internal.h"

/* VMAs that have left the tree, in ascending order, linked through the tree nodes they no longer need. */
struct detached {
	struct vm_area_struct *first, *last;
};

static struct vm_area_struct *next_detached(const struct vm_area_struct *vma)
{
	return vma_of(vma->mm_node.right);
}

static void detach(struct detached *list, struct vm_area_struct *vma)
{
	vma->vm_mm->locked_vm -= vma->vm_flags & VM_LOCKED ? vma_pages(vma) : 0;
	vma_unlink(vma);
	p2psim_vma_map_detach(vma);
	vma->mm_node.right = NULL;
	if (list->last)
		list->last->mm_node.right = &vma->mm_node;
	else
		list->first = vma;
	list->last = vma;
}

/* Cuts what reaches over the edges of [start, end).  0 or -errno; what was cut stays cut. */
static int split_edges(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = vma_find(mm, start);
	int error = 0;

	if (vma->vm_start < start) {
		if (end < vma->vm_end && mm->map_count >= (int)max_map_count())
			return -ENOMEM;
		error = __split_vma(vma, start, false);
	}
	if (error)
		return error;
	vma = vma_find(mm, end - 1);
	if (vma && vma->vm_start < end && vma->vm_end > end)
		error = __split_vma(vma, end, true);
	return error;
}

static void close_all(struct detached *list)
{
	struct vm_area_struct *vma, *next;

	for (vma = list->first; vma; vma = next) {
		next = next_detached(vma);
		vma_close(vma);
		vm_area_free(vma);
	}
}

/* Page tables of the detached range, inside one event. */
static void unmap_region(struct mm_struct *mm, struct detached *list, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma, *prev = vma_find_prev(mm, start), *next = vma_find(mm, start);
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, list->first, mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	for (vma = list->first; vma; vma = next_detached(vma))
		zap_range(vma, max(start, vma->vm_start), min(end, vma->vm_end), true);
	mmu_notifier_invalidate_range_end(&range);
	for (vma = list->first; vma; vma = next_detached(vma))
		vma_leave_reverse_maps(vma);
	free_pgtables(mm, list->first->vm_start, list->last->vm_end, prev ? prev->vm_end : 0,
		      next ? next->vm_start : 1UL << 48);
}

int do_munmap(struct mm_struct *mm, unsigned long start, unsigned long len, bool *downgraded)
{
	struct detached list = {};
	struct vm_area_struct *vma;
	unsigned long end;
	int error;

	if (!PAGE_ALIGNED(start) || start > TASK_SIZE || len > TASK_SIZE - start || !PAGE_ALIGN(len))
		return -EINVAL;
	end = start + PAGE_ALIGN(len);
	vma = (find_vma_intersection)(mm, start, end);
	if (!vma)
		return 0;
	error = split_edges(mm, start, end);
	if (error)
		return error;
	vma_write_step(mm, NULL);
	while ((vma = vma_find(mm, start)) && vma->vm_start < end)
		detach(&list, vma);
	if (downgraded && !(vma && vma->vm_flags & VM_GROWSDOWN)) {
		mmap_write_downgrade(mm);
		*downgraded = true;
	}
	unmap_region(mm, &list, start, end);
	close_all(&list);
	return 0;
}

static int locked_munmap(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	bool downgraded = false;
	int error;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	error = do_munmap(mm, addr, len, &downgraded);
	if (downgraded)
		mmap_read_unlock(mm);
	else
		mmap_write_unlock(mm);
	return error;
}

int(p2psim_munmap)(struct p2psim_process *process, unsigned long addr, unsigned long len)
{
	struct system_call call;
	int error;

	p2psim_enter("munmap(%p, %x)", addr, len);
	system_call_begin(&call, p2psim_process_mm(process));
	error = locked_munmap(p2psim_process_mm(process), addr, len);
	system_call_end(&call);
	p2psim_leave("munmap = %e", (uint64_t)(int64_t)error);
	return error;
}

/* mm_users is 0: nobody can get in any more; only its subscribers are left. */
void exit_mmap(struct mm_struct *mm)
{
	struct mmu_notifier_range range;
	struct detached list = {};
	struct vm_area_struct *vma;
	struct system_call call;

	p2psim_enter("exit_mmap");
	system_call_begin(&call, NULL); /* whoever exits has no mm any more */
	mmu_notifier_release(mm);
	mmap_read_lock(mm);
	vma = p2psim_vma_first(mm);
	if (vma) {
		mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, vma, mm, 0, ULONG_MAX);
		mmu_notifier_invalidate_range_start(&range);
		for (; vma; vma = p2psim_vma_next(vma))
			zap_range(vma, vma->vm_start, vma->vm_end, true);
		mmu_notifier_invalidate_range_end(&range);
	}
	mmap_read_unlock(mm);
	mmap_write_lock(mm);
	for (vma = p2psim_vma_first(mm); vma; vma = p2psim_vma_next(vma))
		vma_leave_reverse_maps(vma);
	free_all_pgtables(mm);
	vma_write_step(mm, NULL);
	while ((vma = p2psim_vma_first(mm)))
		detach(&list, vma);
	close_all(&list);
	mmap_write_unlock(mm);
	system_call_end(&call);
	p2psim_leave("address space gone");
}
