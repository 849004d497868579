/* SPDX-License-Identifier: MIT */
/*
 * Faults of entries that are neither none nor present: swap, migration, a device's.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>

#include "vma/fault_internal.h"
#include "vma/rmap_walk.h"

static vm_fault_t do_swap_page(struct vm_fault *vmf)
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

static bool has_arrived(void *arg)
{
	return !is_migration_pte(*(const pte_t *)arg);
}

void p2psim_migration_entry_wait(struct mm_struct *mm, unsigned long addr)
{
	u64 unit = addr >> PAGE_SHIFT;
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_PTE_READ,
		.label = "migration:wait",
		.enabled = has_arrived,
		.arg = p2psim_pte_lookup(mm, addr),
		.access_count = 1,
		.access[0] = { p2psim_object_id(&mm->obj), false, unit, unit },
	};

	if (op.arg)
		p2psim_step_op(&op);
}

vm_fault_t do_absent_page(struct vm_fault *vmf)
{
	if (is_swap_pte(vmf->orig_pte))
		return do_swap_page(vmf);
	if (is_migration_pte(vmf->orig_pte)) {
		p2psim_migration_entry_wait(vmf->vma->vm_mm, vmf->address);
		return 0;
	}
	if (is_device_exclusive_pte(vmf->orig_pte))
		return remove_device_exclusive_entry(vmf);
	return VM_FAULT_SIGBUS;
}
