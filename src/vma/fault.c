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

static bool make_table(struct vm_fault *vmf)
{
	vmf->pte = pte_alloc(vmf->vma->vm_mm, vmf->address);
	return vmf->pte;
}

/*
 * The entry, read in one step; then the upper tables are made.  The last one is made when there is something to put in: a
 * fault that fails leaves none (random/064 and others).  Nobody frees a table while mmap_lock is held.
 */
static vm_fault_t read_entry(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;

	vmf->orig_pte = p2psim_pte_read(mm, vmf->address);
	vmf->pte = p2psim_pte_lookup(mm, vmf->address);
	return vmf->pte || pmd_alloc(mm, vmf->address) ? 0 : VM_FAULT_OOM;
}

/*
 * The step of whoever changes the entry: true, and it may be changed, if it still is what the fault has seen.  Else somebody
 * was faster, and the access is tried again.
 */
static bool claim(const struct vm_fault *vmf)
{
	pte_write_step(vmf->vma->vm_mm, vmf->address);
	return vmf->pte->val == vmf->orig_pte.val;
}

static vm_fault_t install(struct vm_fault *vmf, pte_t value)
{
	if (claim(vmf))
		*vmf->pte = value;
	return 0;
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

static pte_t anon_pte(const struct vm_area_struct *vma, const struct page *page)
{
	u64 bits = P2PSIM_PTE_YOUNG | P2PSIM_PTE_DIRTY | (vma->vm_flags & VM_WRITE ? P2PSIM_PTE_WRITE : 0);

	return mk_pte(vma, page_to_pfn(page), bits);
}

/* Takes over the caller's reference. */
static vm_fault_t map_anon_page(struct vm_fault *vmf, struct page *page)
{
	struct vm_area_struct *vma = vmf->vma;

	if (!claim(vmf)) {
		put_page(page);
		return 0;
	}
	page_add_anon_rmap(page, vma, vmf->address);
	mm_count_page(vma->vm_mm, page, 1);
	*vmf->pte = anon_pte(vma, page);
	return 0;
}

static vm_fault_t do_anonymous_page(struct vm_fault *vmf)
{
	struct page *page;

	if (vmf->vma->vm_flags & VM_SHARED)
		return VM_FAULT_SIGBUS;
	if (!make_table(vmf))
		return VM_FAULT_OOM;
	if (!wants_write(vmf))
		return map_zero_page(vmf);
	if (__anon_vma_prepare(vmf->vma))
		return VM_FAULT_OOM;
	page = (alloc_page)(GFP_HIGHUSER_MOVABLE);
	return page ? map_anon_page(vmf, page) : VM_FAULT_OOM;
}

/* ---- files ---- */

static void drop_given(struct page *page, vm_fault_t ret)
{
	if (ret & VM_FAULT_LOCKED)
		unlock_page(page);
	put_page(page);
}

/* Did ->fault() end the matter: an error, a retry, or the entry put in by itself? */
static bool is_final(vm_fault_t ret)
{
	return ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY);
}

/*
 * What a handler may not do: RETRY unasked, RETRY with mmap_lock kept, anything else with it dropped, no page.  Without the
 * lock the VMA may be gone.
 */
static vm_fault_t check_handler(const struct vm_fault *vmf, struct mm_struct *mm, vm_fault_t ret)
{
	bool held = p2psim_lock_is_held(&mm->mmap_lock.lock);
	bool drops = ret & VM_FAULT_RETRY && !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT);
	const char *what = NULL;

	if (ret & VM_FAULT_RETRY && !(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		what = "returns VM_FAULT_RETRY, which this caller does not allow";
	else if (drops && held)
		what = "returns VM_FAULT_RETRY with mmap_lock held";
	else if (!drops && !held)
		what = "drops mmap_lock without VM_FAULT_RETRY";
	else if (!is_final(ret) && !vmf->page)
		what = "returns neither a page nor why not";
	else if (!is_final(ret) && ret & VM_FAULT_LOCKED && !PageLocked(vmf->page))
		what = "returns VM_FAULT_LOCKED with a page that is not locked";
	if (!what)
		return ret;
	p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0, "->fault() %s", what);
	return is_final(ret) ? ret : VM_FAULT_SIGBUS;
}

static vm_fault_t call_fault(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	vm_fault_t ret;

	if (!vmf->vma->vm_ops->fault)
		return VM_FAULT_SIGBUS;
	p2psim_step_on(P2PSIM_STEP_CB_ENTER, 0, false, "vma:fault");
	ret = vmf->vma->vm_ops->fault(vmf);
	p2psim_step_on(P2PSIM_STEP_CB_EXIT, 0, false, "vma:fault-done");
	return check_handler(vmf, mm, ret);
}

/*
 * Asks the driver before a page becomes writable: 0, or why not.  As in the kernel, whoever does not lock the page must have
 * it in a mapping; else it counts as truncated, and the access is tried again (VM_FAULT_NOPAGE).
 */
static vm_fault_t ask_page_mkwrite(struct vm_fault *vmf)
{
	vm_fault_t ret;

	if (!vmf->vma->vm_ops->page_mkwrite)
		return 0;
	ret = vmf->vma->vm_ops->page_mkwrite(vmf);
	if (is_final(ret))
		return ret;
	if (!(ret & VM_FAULT_LOCKED))
		return vmf->page->mapping ? 0 : VM_FAULT_NOPAGE;
	unlock_page(vmf->page);
	return 0;
}

static vm_fault_t map_file_page(struct vm_fault *vmf, u64 bits)
{
	struct page *page = vmf->page;

	if (!make_table(vmf) || !claim(vmf)) {
		put_page(page);
		return vmf->pte ? 0 : VM_FAULT_OOM;
	}
	page_add_file_rmap(page);
	mm_count_page(vmf->vma->vm_mm, page, 1);
	*vmf->pte = mk_pte(vmf->vma, page_to_pfn(page), bits | P2PSIM_PTE_YOUNG);
	return 0;
}

static void unlock_given(const struct vm_fault *vmf, vm_fault_t ret)
{
	if (ret & VM_FAULT_LOCKED)
		unlock_page(vmf->page);
}

/* A shared mapping whose driver does not want to hear of writes is writable at once. */
static vm_fault_t do_read_fault(struct vm_fault *vmf)
{
	const struct vm_area_struct *vma = vmf->vma;
	bool writable = vma->vm_page_prot.val & P2PSIM_PTE_WRITE && !vma_wants_writenotify(vma);
	vm_fault_t ret = call_fault(vmf);

	if (is_final(ret))
		return ret;
	unlock_given(vmf, ret);
	return map_file_page(vmf, writable ? P2PSIM_PTE_WRITE : 0);
}

static vm_fault_t do_shared_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = call_fault(vmf);

	if (is_final(ret))
		return ret;
	unlock_given(vmf, ret);
	ret = ask_page_mkwrite(vmf);
	if (ret) {
		put_page(vmf->page);
		return ret;
	}
	set_page_dirty(vmf->page);
	return map_file_page(vmf, P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY);
}

/* The contents for a copy: of a page, or of MMIO.  One step that reads it.  False: out of memory. */
static bool copy_contents(struct page *copy, struct page *old, unsigned long pfn)
{
	if (!old && is_zero_pfn(pfn))
		return true;
	p2psim_step_range(P2PSIM_STEP_MEM_READ, old ? P2PSIM_OBJ_RAM : P2PSIM_OBJ_BAR, false, pfn, pfn, "cow:copy");
	if (old)
		return p2psim_ram_copy(copy, old);
	return p2psim_page_bytes(copy, true) &&
	       !p2psim_phys_access((u64)pfn << PAGE_SHIFT, copy->data, PAGE_SIZE, false);
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
	if (copy_contents(copy, vmf->page, page_to_pfn(vmf->page)) && make_table(vmf)) {
		drop_given(vmf->page, ret);
		return map_anon_page(vmf, copy);
	}
	drop_given(vmf->page, ret);
	put_page(copy);
	return VM_FAULT_OOM;
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

/* The driver is asked while the page cannot go; meanwhile the entry may change. */
static vm_fault_t wp_shared_page(struct vm_fault *vmf, struct page *page)
{
	vm_fault_t ret;

	get_page(page);
	vmf->page = page;
	ret = ask_page_mkwrite(vmf);
	if (!ret && claim(vmf)) {
		set_page_dirty(page);
		*vmf->pte = __pte(vmf->orig_pte.val | P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY | P2PSIM_PTE_YOUNG);
	}
	put_page(page);
	return ret;
}

static vm_fault_t wp_shared_pfn(struct vm_fault *vmf)
{
	vm_fault_t (*mkwrite)(struct vm_fault *vmf) = vmf->vma->vm_ops->pfn_mkwrite;
	vm_fault_t ret = mkwrite ? mkwrite(vmf) : 0;

	return ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE) ? ret : make_writable(vmf);
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

	if (!claim(vmf))
		return false;
	*vmf->pte = __pte(0);
	pte_hold(mm, &hold, vmf->address);
	mmu_notifier_invalidate_range(mm, vmf->address, vmf->address + PAGE_SIZE);
	page_add_anon_rmap(copy, vma, vmf->address);
	mm_count_page(mm, copy, 1);
	mmu_notifier_change_pte(mm, vmf->address, anon_pte(vma, copy));
	p2psim_step_range(P2PSIM_STEP_PTE_WRITE, p2psim_object_id(&mm->obj), true, unit, unit, NULL);
	*vmf->pte = anon_pte(vma, copy);
	pte_release(mm, &hold);
	if (old) {
		mm_count_page(mm, old, -1);
		page_remove_rmap(old);
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
	return replaced ? VM_FAULT_WRITE : 0;
}

/* Copy-on-write.  A reference keeps the old page what it is: reclaim takes no mmap_lock. */
static vm_fault_t wp_copy(struct vm_fault *vmf, struct page *old)
{
	vm_fault_t ret = VM_FAULT_OOM;
	struct page *copy;

	if (old)
		get_page(old);
	copy = __anon_vma_prepare(vmf->vma) ? NULL : (alloc_page)(GFP_HIGHUSER_MOVABLE);
	if (copy && copy_contents(copy, old, pte_pfn(vmf->orig_pte)))
		ret = announce_copy(vmf, old, copy);
	else if (copy)
		put_page(copy);
	if (old)
		put_page_step(old);
	return ret;
}

static bool is_only_ours(const struct page *page)
{
	return PageAnon(page) && (page->flags & (1UL << PG_anon_exclusive) || page_count(page) == 1);
}

static vm_fault_t wp_reuse(struct vm_fault *vmf, struct page *page)
{
	page->flags |= 1UL << PG_anon_exclusive;
	if (!(vmf->vma->vm_flags & VM_WRITE))
		return 0;
	return make_writable(vmf) | VM_FAULT_WRITE;
}

static vm_fault_t do_wp_page(struct vm_fault *vmf)
{
	struct page *page = pte_special(vmf->orig_pte) ? NULL : pfn_to_page(pte_pfn(vmf->orig_pte));

	if ((vmf->vma->vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED))
		return page ? wp_shared_page(vmf, page) : wp_shared_pfn(vmf);
	return page && is_only_ours(page) ? wp_reuse(vmf, page) : wp_copy(vmf, page);
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
	if (!claim(vmf)) {
		put_page(page);
		return 0;
	}
	p2psim_swap_in(slot, page);
	page_add_anon_rmap(page, vma, vmf->address);
	mm_count_page(vma->vm_mm, page, 1);
	if (wants_write(vmf) && vma->vm_flags & VM_WRITE)
		bits |= P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY;
	*vmf->pte = mk_pte(vma, page_to_pfn(page), bits);
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
