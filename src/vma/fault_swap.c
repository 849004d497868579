/* SPDX-License-Identifier: MIT */
/*
 * Faults of entries that are not present: swap.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>

#include "vma/fault_internal.h"

vm_fault_t do_swap_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long slot = pte_pfn(vmf->orig_pte);
	u64 bits = P2PSIM_PTE_YOUNG;
	struct page *page = (alloc_page)(GFP_HIGHUSER_MOVABLE);

	if (!page)
		return VM_FAULT_OOM;
	if (!fault_claim(vmf)) {
		put_page(page);
		return 0;
	}
	p2psim_swap_in(slot, page);
	page_add_anon_rmap(page, vma, vmf->address);
	mm_count_page(vma->vm_mm, page, 1);
	if (fault_wants_write(vmf) && vma->vm_flags & VM_WRITE)
		bits |= P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY;
	*vmf->pte = mk_pte(vma, page_to_pfn(page), bits);
	return VM_FAULT_MAJOR;
}
