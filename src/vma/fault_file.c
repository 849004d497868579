/* SPDX-License-Identifier: MIT */
/*
 * Faults of mappings with vm_ops: the driver or the file gives a page, or puts the entry in by itself.
 *
 * A page that comes locked stays locked until its entry (or that of its copy) is there: whoever truncates the file waits
 * for the lock, and then finds the entry.
 *
 *	fault				truncate
 *	->fault() = page, locked
 *					size, unmap: nothing there yet
 *					lock_page() waits
 *	entry put in
 *	unlock_page()
 *					unmap again; the page goes
 *
 * Left out: a page that comes unlocked is not locked here, as it is in no page cache.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>

#include "vma/fault_internal.h"

static void drop_given(struct page *page, vm_fault_t ret)
{
	if (ret & VM_FAULT_LOCKED)
		unlock_page(page);
	put_page(page);
}

/*
 * What a handler may not do: RETRY unasked, RETRY with mmap_lock kept, anything else with it dropped, no page.  Without
 * the lock the VMA may be gone.
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
	else if (!fault_is_final(ret) && !vmf->page)
		what = "returns neither a page nor why not";
	else if (!fault_is_final(ret) && ret & VM_FAULT_LOCKED && !PageLocked(vmf->page))
		what = "returns VM_FAULT_LOCKED with a page that is not locked";
	if (!what)
		return ret;
	p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0, "->fault() %s", what);
	return fault_is_final(ret) ? ret : VM_FAULT_SIGBUS;
}

static vm_fault_t call_fault(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	vm_fault_t ret;

	p2psim_step_on(P2PSIM_STEP_CB_ENTER, 0, false, "vma:fault");
	ret = vmf->vma->vm_ops->fault(vmf);
	p2psim_step_on(P2PSIM_STEP_CB_EXIT, 0, false, "vma:fault-done");
	return check_handler(vmf, mm, ret);
}

/*
 * As in the kernel, whoever does not lock the page must have it in a mapping; else it counts as truncated, and the access is
 * tried again.
 */
vm_fault_t fault_ask_page_mkwrite(struct vm_fault *vmf)
{
	vm_fault_t ret;

	if (!vmf->vma->vm_ops->page_mkwrite)
		return 0;
	ret = vmf->vma->vm_ops->page_mkwrite(vmf);
	if (fault_is_final(ret))
		return ret;
	if (ret & VM_FAULT_LOCKED)
		return VM_FAULT_LOCKED;
	lock_page(vmf->page);
	if (vmf->page->mapping)
		return VM_FAULT_LOCKED;
	unlock_page(vmf->page);
	return VM_FAULT_NOPAGE;
}

/* The entry; then the page's lock goes, if it was given with it. */
static vm_fault_t finish_fault(struct vm_fault *vmf, vm_fault_t given, u64 bits)
{
	struct page *page = vmf->page;

	if (!fault_make_table(vmf) || !fault_claim(vmf)) {
		drop_given(page, given);
		return vmf->pte ? 0 : VM_FAULT_OOM;
	}
	page_add_file_rmap(page);
	mm_count_page(vmf->vma->vm_mm, page, 1);
	*vmf->pte = mk_pte(vmf->vma, page_to_pfn(page), bits | P2PSIM_PTE_YOUNG);
	if (given & VM_FAULT_LOCKED)
		unlock_page(page);
	return 0;
}

u64 fault_file_bits(const struct vm_area_struct *vma)
{
	return vma->vm_page_prot.val & P2PSIM_PTE_WRITE && !vma_wants_writenotify(vma) ? P2PSIM_PTE_WRITE : 0;
}

/* A shared mapping whose driver does not want to hear of writes is writable at once. */
static vm_fault_t do_read_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = vmf->vma->vm_ops->map_pages ? do_fault_around(vmf) : 0;

	if (ret)
		return ret;
	ret = call_fault(vmf);
	if (fault_is_final(ret))
		return ret;
	return finish_fault(vmf, ret, fault_file_bits(vmf->vma));
}

static vm_fault_t do_shared_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = call_fault(vmf);

	if (fault_is_final(ret))
		return ret;
	if (vmf->vma->vm_ops->page_mkwrite) {
		if (ret & VM_FAULT_LOCKED)
			unlock_page(vmf->page);
		ret = fault_ask_page_mkwrite(vmf);
	}
	if (fault_is_final(ret)) {
		put_page(vmf->page);
		return ret;
	}
	set_page_dirty(vmf->page);
	return finish_fault(vmf, ret, P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY);
}

/* A private write to what is not there yet: the copy is mapped while the page is locked. */
static vm_fault_t do_cow_fault(struct vm_fault *vmf)
{
	vm_fault_t given, ret = VM_FAULT_OOM;
	struct page *copy;

	if (__anon_vma_prepare(vmf->vma))
		return VM_FAULT_OOM;
	copy = (alloc_page)(GFP_HIGHUSER_MOVABLE);
	if (!copy)
		return VM_FAULT_OOM;
	vmf->cow_page = copy;
	given = call_fault(vmf);
	if (fault_is_final(given)) {
		put_page(copy);
		return given;
	}
	if (fault_copy_contents(copy, vmf->page, page_to_pfn(vmf->page)) && fault_make_table(vmf))
		ret = fault_map_anon_page(vmf, copy, anon_pte(vmf->vma, copy));
	else
		put_page(copy);
	drop_given(vmf->page, given);
	return ret;
}

vm_fault_t do_file_fault(struct vm_fault *vmf)
{
	if (!vmf->vma->vm_ops->fault)
		return VM_FAULT_SIGBUS;
	if (!fault_wants_write(vmf))
		return do_read_fault(vmf);
	return vmf->vma->vm_flags & VM_SHARED ? do_shared_fault(vmf) : do_cow_fault(vmf);
}
