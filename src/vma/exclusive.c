/* SPDX-License-Identifier: MIT */
/*
 * Pages that a device has for itself, for atomics on memory that is not coherent.  Mirrors: mm/rmap.c and mm/memory.c, 6.1.
 *
 *	driver					whoever touches the page
 *	make_device_exclusive_range()
 *	  GUP for writing			copies are broken first: CLEAR
 *	  trylock each page
 *	  for each VMA that maps it:
 *	    start(EXCLUSIVE, page, owner)
 *	    entry := exclusive
 *	    end()
 *	programs its device, unlocks		fault: waits for the page lock
 *						start(EXCLUSIVE, page, NULL)	the device lets go
 *						entry := what it was
 *						end()
 *
 *	E1. One event a page, not one a range.
 *	E2. An exclusive entry has a reference and no map count.  fork() restores it first, without an event.
 *	E3. mprotect() makes it read-only for good; the restored entry is read-only then.
 */
#include <p2psim/check.h>
#include <p2psim/linux/rmap.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/fault_internal.h"
#include "vma/huge.h"
#include "vma/rmap_walk.h"

struct exclusive {
	struct mm_struct *mm;
	unsigned long addr;
	struct page *page;
	void *owner;
	bool valid;	/* found, writable, where it was asked for */
};

static bool take_entry(struct vm_area_struct *vma, unsigned long addr, struct exclusive *x)
{
	pte_t *pte, old;

	pte_page_step(vma->vm_mm, addr, x->page, "exclusive");
	pte = p2psim_pte_lookup(vma->vm_mm, addr);
	if (!pte_maps(pte, x->page))
		return !pte || !is_device_exclusive_pte(*pte) || pte_pfn(*pte) != page_to_pfn(x->page);
	old = *pte;
	if (pte_dirty(old))
		set_page_dirty(x->page);
	if (vma->vm_mm == x->mm && addr == x->addr && pte_write(old))
		x->valid = true;
	*pte = pfn_pte(page_to_pfn(x->page), P2PSIM_PTE_DEVICE_EXCLUSIVE | (old.val & P2PSIM_PTE_WRITE));
	page_remove_rmap(x->page);
	return true;
}

/* E1.  The reference of the entry becomes that of the exclusive one. */
static bool take_from_vma(struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	struct exclusive *x = arg;
	struct mmu_notifier_range range;
	bool ok;

	mmu_notifier_range_init_owner(&range, MMU_NOTIFY_EXCLUSIVE, 0, vma, vma->vm_mm, addr, addr + PAGE_SIZE, x->owner);
	mmu_notifier_invalidate_range_start(&range);
	ok = take_entry(vma, addr, x);
	mmu_notifier_invalidate_range_end(&range);
	return ok;
}

static bool make_exclusive(struct mm_struct *mm, unsigned long addr, struct page *page, void *owner)
{
	struct exclusive x = { .mm = mm, .addr = addr, .page = page, .owner = owner };

	if (!PageAnon(page) || !page->anon_vma)
		return false;
	return rmap_walk(page, false, take_from_vma, &x) && x.valid && !page_mapcount(page);
}

int(make_device_exclusive_range)(struct mm_struct *mm, unsigned long start, unsigned long end, struct page **pages, void *owner)
{
	long npages, i;

	p2psim_enter("make_device_exclusive_range(%p, %p)", start, end);
	npages = get_user_pages_remote(mm, start, (end - start) >> PAGE_SHIFT, FOLL_WRITE | FOLL_SPLIT_PMD, pages, NULL,
				       NULL);
	for (i = 0; i < npages; i++, start += PAGE_SIZE) {
		if (page_is_compound(pages[i]) || !trylock_page(pages[i])) {
			put_page(pages[i]);
			pages[i] = NULL;
		} else if (!make_exclusive(mm, start, pages[i], owner)) {
			unlock_page(pages[i]);
			put_page(pages[i]);
			pages[i] = NULL;
		}
	}
	p2psim_leave("make_device_exclusive_range = %e", (uint64_t)npages);
	return (int)npages;
}

/* E3.  The entry's reference stays. */
void restore_exclusive_pte(struct vm_area_struct *vma, unsigned long addr, pte_t *pte)
{
	struct page *page = pfn_to_page(pte_pfn(*pte));
	u64 bits = 0;

	if (pte_write(*pte))
		bits = P2PSIM_PTE_DIRTY | (vma->vm_flags & VM_WRITE ? P2PSIM_PTE_WRITE : 0);
	page_add_anon_rmap(page, vma, addr);
	*pte = mk_pte(vma, page_to_pfn(page), bits);
}

/* The reference keeps the page while the lock is waited for. */
vm_fault_t remove_device_exclusive_entry(struct vm_fault *vmf)
{
	struct page *page = pfn_to_page(pte_pfn(vmf->orig_pte));
	struct mm_struct *mm = vmf->vma->vm_mm;
	struct mmu_notifier_range range;

	get_page(page);
	if (!fault_lock_page(vmf, page)) {
		put_page(page);
		return VM_FAULT_RETRY;
	}
	mmu_notifier_range_init_owner(&range, MMU_NOTIFY_EXCLUSIVE, 0, vmf->vma, mm, vmf->address, vmf->address + PAGE_SIZE,
				      NULL);
	mmu_notifier_invalidate_range_start(&range);
	pte_page_step(mm, vmf->address, page, "exclusive:restore");
	if (vmf->pte->val == vmf->orig_pte.val)
		restore_exclusive_pte(vmf->vma, vmf->address, vmf->pte);
	unlock_page(page);
	put_page(page);
	mmu_notifier_invalidate_range_end(&range);
	return 0;
}
