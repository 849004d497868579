/* SPDX-License-Identifier: MIT */
/*
 * Soft-dirty bits cleared: who writes to what from now on?  Mirrors: fs/proc/task_mmu.c, clear_refs_write(), 6.1 (reduced: the
 * bits themselves are not kept; the entries become read-only, as they do for them).
 */
#include <p2psim/actors.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/internal.h"

/* What a device may write at this moment stays writable: its writes would not be noticed anyway. */
static bool stays_writable(const struct vm_area_struct *vma, pte_t pte)
{
	const struct page *page = pte_special(pte) ? NULL : pfn_to_page(pte_pfn(pte));

	return !pte_write(pte) || (page && is_cow_mapping(vma->vm_flags) && page_maybe_dma_pinned(page));
}

static void protect_table(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	pte_t *pte = p2psim_pte_lookup(vma->vm_mm, start);

	for (; pte && start < end; start += PAGE_SIZE, pte++) {
		if (!pte_present(*pte) || stays_writable(vma, *pte))
			continue;
		pte_write_step(vma->vm_mm, start);
		if (pte_present(*pte) && !stays_writable(vma, *pte))
			pte->val &= ~(u64)P2PSIM_PTE_WRITE;
	}
}

static void protect_vma(struct vm_area_struct *vma)
{
	unsigned long start, next;

	vma->vm_flags &= ~VM_SOFTDIRTY;
	if (vma->vm_flags & VM_PFNMAP)
		return;
	for (start = vma->vm_start; start < vma->vm_end; start = next) {
		next = min((start & PMD_MASK) + PMD_SIZE, vma->vm_end);
		if (!p2psim_pud_present(vma->vm_mm, start))
			next = min((start & PUD_MASK) + PUD_SIZE, vma->vm_end);
		else
			protect_table(vma, start, next);
	}
}

int p2psim_soft_dirty_clear(struct p2psim_process *process)
{
	struct mm_struct *mm = p2psim_process_mm(process);
	struct mmu_notifier_range range;
	struct vm_area_struct *vma;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	p2psim_enter("clear_refs: %s", P2PSIM_STR(mm->comm));
	mmu_notifier_range_init(&range, MMU_NOTIFY_SOFT_DIRTY, 0, NULL, mm, 0, ~0UL);
	mmu_notifier_invalidate_range_start(&range);
	for (vma = p2psim_vma_first(mm); vma; vma = p2psim_vma_next(vma))
		protect_vma(vma);
	mmu_notifier_invalidate_range_end(&range);
	p2psim_leave("clear_refs");
	mmap_write_unlock(mm);
	return 0;
}
