/* SPDX-License-Identifier: MIT */
/*
 * Writes to a read-only entry: shared mappings ask the driver, private ones reuse the page or copy it.
 *
 * A pin for reading unshares (FAULT_FLAG_UNSHARE): an anonymous page that is not only ours is copied as a write would, but the
 * entry stays read-only; everything else is left as it is.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>

#include "vma/fault_internal.h"
#include "vma/huge.h"
#include "vma/rmap_walk.h"
#include "vma/swap.h"

static bool only_unshares(const struct vm_fault *vmf)
{
	return vmf->flags & FAULT_FLAG_UNSHARE;
}

bool fault_copy_contents(struct page *copy, struct page *old, unsigned long pfn)
{
	if (!old && is_zero_pfn(pfn))
		return true;
	p2psim_step_range(P2PSIM_STEP_MEM_READ, old ? P2PSIM_OBJ_RAM : P2PSIM_OBJ_BAR, false, pfn, pfn, "cow:copy");
	if (old)
		return p2psim_ram_copy(copy, old);
	return p2psim_page_bytes(copy, true) &&
	       !p2psim_phys_access((u64)pfn << PAGE_SHIFT, copy->data, PAGE_SIZE, false);
}

static vm_fault_t make_writable(struct vm_fault *vmf)
{
	return fault_install(vmf, __pte(vmf->orig_pte.val | P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY | P2PSIM_PTE_YOUNG));
}

/* The driver is asked while the page cannot go; meanwhile the entry may change. */
static vm_fault_t wp_shared_page(struct vm_fault *vmf, struct page *page)
{
	vm_fault_t ret;

	get_page(page);
	vmf->page = page;
	ret = fault_ask_page_mkwrite(vmf);
	if (!fault_is_final(ret) && fault_claim(vmf)) {
		set_page_dirty(page);
		*vmf->pte = __pte(vmf->orig_pte.val | P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY | P2PSIM_PTE_YOUNG);
	}
	if (ret & VM_FAULT_LOCKED)
		unlock_page(page);
	put_page(page);
	return ret & ~VM_FAULT_LOCKED;
}

static vm_fault_t wp_shared_pfn(struct vm_fault *vmf)
{
	vm_fault_t (*mkwrite)(struct vm_fault * vmf) = vmf->vma->vm_ops->pfn_mkwrite;
	vm_fault_t ret = mkwrite ? mkwrite(vmf) : 0;

	return ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE) ? ret : make_writable(vmf);
}

static pte_t copy_pte(const struct vm_fault *vmf, const struct page *copy)
{
	return only_unshares(vmf) ? mk_pte(vmf->vma, page_to_pfn(copy), P2PSIM_PTE_YOUNG) : anon_pte(vmf->vma, copy);
}

/*
 * The new page in place of the old.  In between the entry is none, and held: nobody reads the old page when the device
 * reads the new one, and nobody faults something else in.  False: the entry has changed.
 */
static bool replace_entry(struct vm_fault *vmf, struct page *old, struct page *copy)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	struct p2psim_pte_hold hold;
	unsigned long unit = vmf->address >> PAGE_SHIFT;

	if (!fault_claim(vmf))
		return false;
	*vmf->pte = __pte(0);
	pte_hold(mm, &hold, vmf->address);
	mmu_notifier_invalidate_range(mm, vmf->address, vmf->address + PAGE_SIZE);
	page_add_anon_rmap(copy, vma, vmf->address);
	mm_count_page(mm, copy, 1);
	mmu_notifier_change_pte(mm, vmf->address, copy_pte(vmf, copy));
	p2psim_step_range(P2PSIM_STEP_PTE_WRITE, p2psim_object_id(&mm->obj), true, unit, unit, NULL);
	*vmf->pte = copy_pte(vmf, copy);
	pte_release(mm, &hold);
	if (old) {
		mm_count_page(mm, old, -1);
		page_remove_rmap(old);
		swap_cache_unmapped(old);
		put_page(old);
	}
	return true;
}

/* Announces the replacement; the event runs even if the entry has changed meanwhile and the copy is dropped. */
static vm_fault_t announce_copy(struct vm_fault *vmf, struct page *old, struct page *copy)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mmu_notifier_range range;
	bool replaced;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, vmf->address, vmf->address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	replaced = replace_entry(vmf, old, copy);
	mmu_notifier_invalidate_range_only_end(&range);
	if (!replaced)
		put_page(copy);
	return replaced && !only_unshares(vmf) ? VM_FAULT_WRITE : 0;
}

/* Copy-on-write.  A reference keeps the old page what it is: reclaim takes no mmap_lock. */
static vm_fault_t wp_copy(struct vm_fault *vmf, struct page *old)
{
	vm_fault_t ret = VM_FAULT_OOM;
	struct page *copy;

	if (old)
		get_page(old);
	copy = __anon_vma_prepare(vmf->vma) ? NULL : (alloc_page)(GFP_HIGHUSER_MOVABLE);
	if (copy && fault_copy_contents(copy, old, pte_pfn(vmf->orig_pte)))
		ret = announce_copy(vmf, old, copy);
	else if (copy)
		put_page(copy);
	if (old)
		put_page_step(old);
	return ret;
}

/*
 * The others have gone: it is ours, and ours alone to find.  After a step that names the page.  False: somebody has a reference,
 * or will look at it at once (whoever has it locked).
 */
static bool become_only_owner(const struct vm_fault *vmf, struct page *page)
{
	if (page->flags & (1UL << PG_ksm | 1UL << PG_locked) || page_count(page) != 1 + swap_cache_refs(page))
		return false;
	if (!swap_cache_leave(page))
		return false;
	if (page_is_compound(page) && !is_last_part(page))
		return false;
	page->flags |= 1UL << PG_anon_exclusive;
	page->anon_vma = vmf->vma->anon_vma;
	p2psim_page_set_owner(page, vmf->vma->vm_mm->obj.id);
	return true;
}

/* A forced write to a VMA that cannot be written leaves the entry read-only, but dirty. */
static vm_fault_t wp_reuse(struct vm_fault *vmf)
{
	if (only_unshares(vmf))
		return 0;
	if (vmf->vma->vm_flags & VM_WRITE)
		return make_writable(vmf) | VM_FAULT_WRITE;
	return fault_install(vmf, __pte(vmf->orig_pte.val | P2PSIM_PTE_DIRTY | P2PSIM_PTE_YOUNG)) | VM_FAULT_WRITE;
}

static vm_fault_t wp_anon_page(struct vm_fault *vmf, struct page *page)
{
	if (page->flags & 1UL << PG_anon_exclusive)
		return wp_reuse(vmf);
	pte_page_step(vmf->vma->vm_mm, vmf->address, page, "wp");
	if (vmf->pte->val != vmf->orig_pte.val)
		return 0;
	return become_only_owner(vmf, page) ? wp_reuse(vmf) : wp_copy(vmf, page);
}

vm_fault_t do_wp_page(struct vm_fault *vmf)
{
	struct page *page = pte_special(vmf->orig_pte) ? NULL : pfn_to_page(pte_pfn(vmf->orig_pte));

	if (page && PageAnon(page))
		return wp_anon_page(vmf, page);
	if (only_unshares(vmf))
		return 0;
	if ((vmf->vma->vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED))
		return page ? wp_shared_page(vmf, page) : wp_shared_pfn(vmf);
	return wp_copy(vmf, page);
}
