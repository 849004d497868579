/* SPDX-License-Identifier: MIT */
/*
 * Page faults.
 *
 *	entry			VMA			what happens
 *	none			anonymous		read: the zero page; write: a zeroed page
 *	none			file, read		->fault() maps or gives a page
 *	none			file, private write	->fault(), its page is copied
 *	none			file, shared write	->fault(), ->page_mkwrite()
 *	swap			any			the page comes back
 *	present, read-only,	shared			->page_mkwrite() or ->pfn_mkwrite(), then writable
 *	  write wanted		private			reuse if the page is only ours (no event), else copy: CLEAR
 *	present, sufficient	any			nothing: somebody was faster
 *
 * No none-to-present transition makes a notifier event.  The caller has checked VM_READ and VM_WRITE.
 * Left out so far: huge pages, fault-around, migration and device entries, userfaultfd.
 */
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/internal.h"

pte_t mk_pte(const struct vm_area_struct *vma, unsigned long pfn, u64 bits)
{
	if (vma->vm_flags & VM_ACCESS_FLAGS)
		return pfn_pte(pfn, P2PSIM_PTE_PRESENT | bits);
	return pfn_pte(pfn, P2PSIM_PTE_PROTNONE | bits);
}

void mm_count_page(struct mm_struct *mm, const struct page *page, int by)
{
	if (PageAnon(page))
		mm->rss_anon += by;
	else
		mm->rss_file += by;
}

void page_add_anon_rmap(struct page *page, struct vm_area_struct *vma, unsigned long addr)
{
	if (page->_mapcount.counter++ >= 0)
		return;
	page->flags |= 1UL << PG_anon | 1UL << PG_swapbacked | 1UL << PG_anon_exclusive;
	page->anon_vma = vma->anon_vma;
	page->index = linear_page_index(vma, addr);
	if (!p2psim_page_owner(page))
		p2psim_page_set_owner(page, vma->vm_mm->obj.id);
}

void page_add_file_rmap(struct page *page)
{
	page->_mapcount.counter++;
}

void page_remove_rmap(struct page *page)
{
	if (--page->_mapcount.counter < 0 && PageAnon(page))
		page->anon_vma = NULL;
}

static vm_fault_t install(struct vm_fault *vmf, pte_t value)
{
	pte_set(vmf->vma->vm_mm, vmf->address, vmf->pte, value);
	return 0;
}

static bool make_table(struct vm_fault *vmf)
{
	vmf->pte = pte_alloc(vmf->vma->vm_mm, vmf->address);
	return vmf->pte;
}

/*
 * The entry, read in one step.  The upper tables are made; the last one as well for anonymous memory, but for a file only
 * when there is something to put in: a fault that fails leaves none (random/064 and others).
 */
static vm_fault_t read_entry(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;

	if (!pmd_alloc(mm, vmf->address) || (vma_is_anonymous(vmf->vma) && !make_table(vmf)))
		return VM_FAULT_OOM;
	vmf->orig_pte = p2psim_pte_read(mm, vmf->address);
	/* The step may have let somebody free the table: nobody does while mmap_lock is held. */
	vmf->pte = p2psim_pte_lookup(mm, vmf->address);
	return 0;
}

/* Has the entry changed since it was read?  Then somebody else was faster, and the access is tried again. */
static bool changed(const struct vm_fault *vmf)
{
	return vmf->pte->val != vmf->orig_pte.val;
}

static bool wants_write(const struct vm_fault *vmf)
{
	return vmf->flags & FAULT_FLAG_WRITE;
}

static vm_fault_t map_zero_page(struct vm_fault *vmf)
{
	unsigned long pfn = p2psim_zero_pfn();

	if (!pfn)
		return VM_FAULT_OOM;
	return install(vmf, mk_pte(vmf->vma, pfn, P2PSIM_PTE_SPECIAL | P2PSIM_PTE_YOUNG));
}

static vm_fault_t map_anon_page(struct vm_fault *vmf, struct page *page)
{
	struct vm_area_struct *vma = vmf->vma;
	u64 bits = P2PSIM_PTE_YOUNG | P2PSIM_PTE_DIRTY | (vma->vm_flags & VM_WRITE ? P2PSIM_PTE_WRITE : 0);

	page_add_anon_rmap(page, vma, vmf->address);
	mm_count_page(vma->vm_mm, page, 1);
	return install(vmf, mk_pte(vma, page_to_pfn(page), bits));
}

static vm_fault_t do_anonymous_page(struct vm_fault *vmf)
{
	struct page *page;

	if (vmf->vma->vm_flags & VM_SHARED)
		return VM_FAULT_SIGBUS;
	if (!wants_write(vmf))
		return map_zero_page(vmf);
	if (__anon_vma_prepare(vmf->vma))
		return VM_FAULT_OOM;
	page = (alloc_page)(GFP_HIGHUSER_MOVABLE);
	if (!page)
		return VM_FAULT_OOM;
	if (changed(vmf)) {
		put_page(page);
		return 0;
	}
	return map_anon_page(vmf, page);
}

/* ---- files ---- */

static vm_fault_t call_fault(struct vm_fault *vmf)
{
	vm_fault_t ret;

	if (!vmf->vma->vm_ops->fault)
		return VM_FAULT_SIGBUS;
	p2psim_step_on(P2PSIM_STEP_CB_ENTER, 0, false, "vma:fault");
	ret = vmf->vma->vm_ops->fault(vmf);
	p2psim_step_on(P2PSIM_STEP_CB_EXIT, 0, false, "vma:fault-done");
	return ret;
}

/* Did ->fault() end the matter: an error, a retry, or the entry put in by itself? */
static bool is_final(vm_fault_t ret)
{
	return ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY | VM_FAULT_DONE_COW);
}

static vm_fault_t call_mkwrite(struct vm_fault *vmf, vm_fault_t (*mkwrite)(struct vm_fault *vmf))
{
	return mkwrite ? mkwrite(vmf) & (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY) : 0;
}

static vm_fault_t map_file_page(struct vm_fault *vmf, u64 bits)
{
	struct page *page = vmf->page;

	if (!make_table(vmf) || vmf->pte->val) {
		put_page(page);
		return vmf->pte ? 0 : VM_FAULT_OOM;
	}
	page_add_file_rmap(page);
	mm_count_page(vmf->vma->vm_mm, page, 1);
	return install(vmf, mk_pte(vmf->vma, page_to_pfn(page), bits | P2PSIM_PTE_YOUNG));
}

static vm_fault_t do_read_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = call_fault(vmf);

	return is_final(ret) ? ret : map_file_page(vmf, 0);
}

static vm_fault_t do_shared_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = call_fault(vmf);

	if (is_final(ret))
		return ret;
	ret = call_mkwrite(vmf, vmf->vma->vm_ops->page_mkwrite);
	if (ret) {
		put_page(vmf->page);
		return ret;
	}
	set_page_dirty(vmf->page);
	return map_file_page(vmf, P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY);
}

/* A private write to what is not there yet: the copy is made before anything is mapped. */
static vm_fault_t do_cow_fault(struct vm_fault *vmf)
{
	struct page *copy;
	vm_fault_t ret;

	if (__anon_vma_prepare(vmf->vma))
		return VM_FAULT_OOM;
	copy = (alloc_page)(GFP_HIGHUSER_MOVABLE);
	if (!copy)
		return VM_FAULT_OOM;
	vmf->cow_page = copy;
	ret = call_fault(vmf);
	if (is_final(ret)) {
		put_page(copy);
		return ret;
	}
	ret = p2psim_ram_copy(copy, vmf->page) ? 0 : VM_FAULT_OOM;
	put_page(vmf->page);
	if (!ret && !make_table(vmf))
		ret = VM_FAULT_OOM;
	if (ret || vmf->pte->val) {
		put_page(copy);
		return ret;
	}
	return map_anon_page(vmf, copy);
}

static vm_fault_t do_file_fault(struct vm_fault *vmf)
{
	if (!wants_write(vmf))
		return do_read_fault(vmf);
	return vmf->vma->vm_flags & VM_SHARED ? do_shared_fault(vmf) : do_cow_fault(vmf);
}

/* ---- write to a read-only entry ---- */

static vm_fault_t make_writable(struct vm_fault *vmf)
{
	return install(vmf, __pte(vmf->orig_pte.val | P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY | P2PSIM_PTE_YOUNG));
}

static vm_fault_t wp_shared(struct vm_fault *vmf, struct page *page)
{
	const struct vm_operations_struct *ops = vmf->vma->vm_ops;
	vm_fault_t ret;

	vmf->page = page;
	ret = call_mkwrite(vmf, page ? ops->page_mkwrite : ops->pfn_mkwrite);
	if (ret & VM_FAULT_NOPAGE)
		return 0;
	if (ret || changed(vmf))
		return ret;
	if (page)
		set_page_dirty(page);
	return make_writable(vmf);
}

/* The old contents for a copy: of a page, or of MMIO. */
static bool copy_contents(struct page *copy, struct page *old, unsigned long pfn)
{
	if (old)
		return p2psim_ram_copy(copy, old);
	if (is_zero_pfn(pfn))
		return true;
	return p2psim_page_bytes(copy, true) &&
	       !p2psim_phys_access((u64)pfn << PAGE_SHIFT, copy->data, PAGE_SIZE, false);
}

static void replace_entry(struct vm_fault *vmf, struct page *old, struct page *copy)
{
	struct vm_area_struct *vma = vmf->vma;
	u64 bits = P2PSIM_PTE_YOUNG | P2PSIM_PTE_DIRTY | (vma->vm_flags & VM_WRITE ? P2PSIM_PTE_WRITE : 0);
	pte_t value = mk_pte(vma, page_to_pfn(copy), bits);

	pte_set(vma->vm_mm, vmf->address, vmf->pte, __pte(0));
	mmu_notifier_invalidate_range(vma->vm_mm, vmf->address, vmf->address + PAGE_SIZE);
	page_add_anon_rmap(copy, vma, vmf->address);
	mm_count_page(vma->vm_mm, copy, 1);
	mmu_notifier_change_pte(vma->vm_mm, vmf->address, value);
	pte_set(vma->vm_mm, vmf->address, vmf->pte, value);
	if (old) {
		mm_count_page(vma->vm_mm, old, -1);
		page_remove_rmap(old);
	}
}

/* Copy-on-write: the event runs even if the entry has changed meanwhile and the copy is dropped. */
static vm_fault_t wp_copy(struct vm_fault *vmf, struct page *old)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mmu_notifier_range range;
	struct page *copy;
	bool replaced;

	if (__anon_vma_prepare(vma))
		return VM_FAULT_OOM;
	copy = (alloc_page)(GFP_HIGHUSER_MOVABLE);
	if (!copy)
		return VM_FAULT_OOM;
	if (!copy_contents(copy, old, pte_pfn(vmf->orig_pte))) {
		put_page(copy);
		return VM_FAULT_OOM;
	}
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, vmf->address, vmf->address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	replaced = !changed(vmf);
	if (replaced)
		replace_entry(vmf, old, copy);
	mmu_notifier_invalidate_range_only_end(&range);
	if (!replaced)
		put_page(copy);
	else if (old)
		put_page(old);
	return replaced ? VM_FAULT_WRITE : 0;
}

static bool is_only_ours(const struct page *page)
{
	return PageAnon(page) && (page->flags & (1UL << PG_anon_exclusive) || page_count(page) == 1);
}

static vm_fault_t do_wp_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct page *page = pte_special(vmf->orig_pte) ? NULL : pfn_to_page(pte_pfn(vmf->orig_pte));

	if ((vma->vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED))
		return wp_shared(vmf, page);
	if (page && is_only_ours(page)) {
		page->flags |= 1UL << PG_anon_exclusive;
		return vma->vm_flags & VM_WRITE ? make_writable(vmf) | VM_FAULT_WRITE : 0;
	}
	return wp_copy(vmf, page);
}

/* ---- swap ---- */

static vm_fault_t do_swap_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long slot = pte_pfn(vmf->orig_pte);
	u64 bits = P2PSIM_PTE_YOUNG;
	struct page *page = (alloc_page)(GFP_HIGHUSER_MOVABLE);

	if (!page)
		return VM_FAULT_OOM;
	if (changed(vmf)) {
		put_page(page);
		return 0;
	}
	p2psim_swap_in(slot, page);
	page_add_anon_rmap(page, vma, vmf->address);
	mm_count_page(vma->vm_mm, page, 1);
	if (wants_write(vmf) && vma->vm_flags & VM_WRITE)
		bits |= P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY;
	install(vmf, mk_pte(vma, page_to_pfn(page), bits));
	return VM_FAULT_MAJOR;
}

static vm_fault_t handle_pte_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = read_entry(vmf);

	if (ret)
		return ret;
	if (pte_none(vmf->orig_pte))
		return vma_is_anonymous(vmf->vma) ? do_anonymous_page(vmf) : do_file_fault(vmf);
	if (is_swap_pte(vmf->orig_pte))
		return do_swap_page(vmf);
	if (pte_protnone(vmf->orig_pte) && vmf->vma->vm_flags & VM_ACCESS_FLAGS)
		return install(vmf, mk_pte(vmf->vma, pte_pfn(vmf->orig_pte),
					   vmf->orig_pte.val & (P2PSIM_PTE_DIRTY | P2PSIM_PTE_YOUNG | P2PSIM_PTE_SPECIAL)));
	if (vmf->flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE) && !pte_write(vmf->orig_pte))
		return do_wp_page(vmf);
	return 0;
}

vm_fault_t(handle_mm_fault)(struct vm_area_struct *vma, unsigned long address, unsigned int flags, struct pt_regs *regs)
{
	struct vm_fault vmf = {
		.vma = vma,
		.gfp_mask = GFP_KERNEL,
		.address = address & PAGE_MASK,
		.real_address = address,
		.flags = flags,
		.pgoff = linear_page_index(vma, address & PAGE_MASK),
	};

	mmap_assert_locked(vma->vm_mm);
	return handle_pte_fault(&vmf);
}
