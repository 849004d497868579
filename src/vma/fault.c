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
 *	migration		any			wait until the page has arrived, and try again
 *	device-exclusive	private			the device lets go: EXCLUSIVE
 *	device-private		private			its driver moves the page to RAM: ->migrate_to_ram(), MIGRATE
 *	present, read-only,	shared			->page_mkwrite() or ->pfn_mkwrite(), then writable
 *	  write wanted		private			reuse if the page is only ours (no event), else copy: CLEAR
 *	present, sufficient	any			nothing: somebody was faster
 *	none, 2 MiB around it	anonymous, allowed	a huge entry (huge_fault.c)
 *
 * No none-to-present transition makes a notifier event.  The caller has checked VM_READ and VM_WRITE.
 * Left out so far: userfaultfd.
 */
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/fault_internal.h"
#include "vma/huge.h"

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
	else if (page->flags & 1UL << PG_swapbacked) /* tmpfs and shared anonymous memory */
		mm->rss_shmem += by;
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
	if (--page->_mapcount.counter < 0 && PageAnon(page) && !(page->flags & 1UL << PG_isolated))
		page->anon_vma = NULL;
}

bool fault_make_table(struct vm_fault *vmf)
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

bool fault_claim(const struct vm_fault *vmf)
{
	pte_write_step(vmf->vma->vm_mm, vmf->address);
	return vmf->pte->val == vmf->orig_pte.val;
}

vm_fault_t fault_install(struct vm_fault *vmf, pte_t value)
{
	if (fault_claim(vmf))
		*vmf->pte = value;
	return 0;
}

static vm_fault_t map_zero_page(struct vm_fault *vmf)
{
	unsigned long pfn = p2psim_zero_pfn();

	if (!pfn)
		return VM_FAULT_OOM;
	return fault_install(vmf, mk_pte(vmf->vma, pfn, P2PSIM_PTE_SPECIAL | P2PSIM_PTE_YOUNG));
}

pte_t anon_pte(const struct vm_area_struct *vma, const struct page *page)
{
	u64 bits = P2PSIM_PTE_YOUNG | P2PSIM_PTE_DIRTY | (vma->vm_flags & VM_WRITE ? P2PSIM_PTE_WRITE : 0);

	return mk_pte(vma, page_to_pfn(page), bits);
}

vm_fault_t fault_map_anon_page(struct vm_fault *vmf, struct page *page, pte_t entry)
{
	struct vm_area_struct *vma = vmf->vma;

	if (!fault_claim(vmf)) {
		put_page(page);
		return 0;
	}
	page_add_anon_rmap(page, vma, vmf->address);
	mm_count_page(vma->vm_mm, page, 1);
	*vmf->pte = entry;
	return 0;
}

static vm_fault_t do_anonymous_page(struct vm_fault *vmf)
{
	struct page *page;
	pte_t entry;

	if (vmf->vma->vm_flags & VM_SHARED)
		return VM_FAULT_SIGBUS;
	if (!fault_make_table(vmf))
		return VM_FAULT_OOM;
	if (!fault_wants_write(vmf))
		return map_zero_page(vmf);
	if (__anon_vma_prepare(vmf->vma))
		return VM_FAULT_OOM;
	page = (alloc_page)(GFP_HIGHUSER_MOVABLE);
	if (!page)
		return VM_FAULT_OOM;
	/* A forced write to a VMA that cannot be written leaves a clean entry (hand/059 of the recordings of 6.1). */
	entry = vmf->vma->vm_flags & VM_WRITE ? anon_pte(vmf->vma, page) : mk_pte(vmf->vma, page_to_pfn(page), P2PSIM_PTE_YOUNG);
	return fault_map_anon_page(vmf, page, entry);
}

static vm_fault_t handle_pte_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = read_entry(vmf);

	if (ret)
		return ret;
	if (pte_none(vmf->orig_pte) && vmf->vma->vm_mm->unstable && !(vmf->vma->vm_flags & VM_SHARED))
		return VM_FAULT_SIGBUS;
	if (pte_none(vmf->orig_pte))
		return vma_is_anonymous(vmf->vma) ? do_anonymous_page(vmf) : do_file_fault(vmf);
	if (!pte_present(vmf->orig_pte))
		return do_absent_page(vmf);
	if (pte_protnone(vmf->orig_pte) && vmf->vma->vm_flags & VM_ACCESS_FLAGS)
		return fault_install(vmf, mk_pte(vmf->vma, pte_pfn(vmf->orig_pte),
					   vmf->orig_pte.val & (P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY | P2PSIM_PTE_YOUNG |
								P2PSIM_PTE_SPECIAL)));
	if (vmf->flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE) && !pte_write(vmf->orig_pte))
		return do_wp_page(vmf);
	return 0;
}

/* VM_FAULT_FALLBACK: there is no huge entry, or none any more, and none is to be made. */
static vm_fault_t handle_huge_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;

	if (!p2psim_pmd_present(vma->vm_mm, vmf->address))
		return huge_is_allowed(vma, true, true) ? do_huge_pmd_anonymous_page(vmf) : VM_FAULT_FALLBACK;
	if (!pmd_is_huge(vma->vm_mm, vmf->address))
		return VM_FAULT_FALLBACK;
	vmf->orig_pte = p2psim_pte_read(vma->vm_mm, vmf->address);
	if (pte_protnone(vmf->orig_pte) && vma->vm_flags & VM_ACCESS_FLAGS)
		return do_huge_numa_page(vmf);
	if (vmf->flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE) && !pte_write(vmf->orig_pte))
		return do_huge_pmd_wp_page(vmf);
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

	vm_fault_t ret;

	mmap_assert_locked(vma->vm_mm);
	if (!is_cow_mapping(vma->vm_flags))
		vmf.flags &= ~(unsigned int)FAULT_FLAG_UNSHARE;
	ret = handle_huge_fault(&vmf);
	return ret & VM_FAULT_FALLBACK ? handle_pte_fault(&vmf) : ret;
}
