/* SPDX-License-Identifier: MIT */
/*
 * get_user_pages() and pin_user_pages(): the slow path, page by page.
 */
#include <p2psim/check.h>
#include <p2psim/linux/sched.h>
#include <p2psim/trace.h>

#include <p2psim/step.h>

#include "vma/internal.h"

static bool flags_go_together(unsigned int flags)
{
	if (flags & FOLL_GET && flags & FOLL_PIN)
		return false;
	return !(flags & FOLL_LONGTERM) || flags & FOLL_PIN;
}

static int check_vma(const struct vm_area_struct *vma, unsigned int flags)
{
	if (vma->vm_flags & (VM_IO | VM_PFNMAP))
		return -EFAULT;
	if (flags & FOLL_WRITE && !(vma->vm_flags & VM_WRITE))
		return flags & FOLL_FORCE && is_cow_mapping(vma->vm_flags) ? 0 : -EFAULT;
	if (!(flags & FOLL_WRITE) && !(vma->vm_flags & VM_READ))
		return flags & FOLL_FORCE && vma->vm_flags & VM_MAYREAD ? 0 : -EFAULT;
	return 0;
}

static bool needs_fault(const struct vm_area_struct *vma, pte_t pte, unsigned int flags)
{
	if (!pte_present(pte) || (pte_protnone(pte) && !(flags & FOLL_FORCE)))
		return true;
	if (!(flags & FOLL_WRITE) || pte_write(pte))
		return false;
	/* A forced write to a read-only VMA ends when the copy is ours, though the entry stays read-only. */
	return vma->vm_flags & VM_WRITE || pte_special(pte) || !PageAnon(pfn_to_page(pte_pfn(pte))) ||
	       !(pfn_to_page(pte_pfn(pte))->flags & 1UL << PG_anon_exclusive);
}

static int fault_in(struct vm_area_struct *vma, unsigned long addr, unsigned int flags)
{
	unsigned int fault_flags = FAULT_FLAG_REMOTE | (flags & FOLL_WRITE ? FAULT_FLAG_WRITE : 0);
	vm_fault_t ret;

	if (flags & FOLL_NOFAULT)
		return -EFAULT;
	ret = (handle_mm_fault)(vma, addr, fault_flags, NULL);
	if (ret & VM_FAULT_OOM)
		return -ENOMEM;
	return ret & VM_FAULT_ERROR ? -EFAULT : 0;
}

/* The page at addr, faulted in as far as needed; NULL in *page for the caller who wants none. */
static int follow_page(struct vm_area_struct *vma, unsigned long addr, unsigned int flags, struct page **page)
{
	int tries, error;
	pte_t pte;

	for (tries = 0; tries < 100; tries++) {
		pte = p2psim_pte_read(vma->vm_mm, addr);
		if (!needs_fault(vma, pte, flags)) {
			if (pte_special(pte) && !is_zero_pfn(pte_pfn(pte)))
				return -EEXIST;
			*page = pfn_to_page(pte_pfn(pte));
			return 0;
		}
		error = fault_in(vma, addr, flags);
		if (error)
			return error;
	}
	return -EFAULT;
}

static void take(struct page *page, unsigned int flags)
{
	get_page(page);
	if (flags & FOLL_PIN)
		page->_refcount.counter += GUP_PIN_COUNTING_BIAS - 1;
}

static int gup_one(struct mm_struct *mm, unsigned long addr, unsigned int flags, struct page **page,
		   struct vm_area_struct **vma)
{
	int error;

	*vma = (vma_lookup)(mm, addr);
	if (!*vma)
		return -EFAULT;
	error = check_vma(*vma, flags);
	if (!error)
		error = follow_page(*vma, addr, flags, page);
	return error;
}

static long gup(struct mm_struct *mm, unsigned long start, unsigned long nr_pages, unsigned int flags, struct page **pages,
		struct vm_area_struct **vmas)
{
	struct vm_area_struct *vma;
	struct page *page = NULL;
	unsigned long i;
	int error = 0;

	mmap_assert_locked(mm);
	start &= PAGE_MASK;
	for (i = 0; i < nr_pages; i++) {
		if (fatal_signal_pending(current)) {
			error = -EINTR;
			break;
		}
		error = gup_one(mm, start + (i << PAGE_SHIFT), flags, &page, &vma);
		if (error == -EEXIST && !pages)
			error = 0;
		if (error)
			break;
		if (pages) {
			take(page, flags);
			pages[i] = page;
		}
		if (vmas)
			vmas[i] = vma;
	}
	return i ? (long)i : error;
}

static long refuse_flags(void)
{
	p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "FOLL_ flags that do not go together");
	return -EINVAL;
}

long get_user_pages_remote(struct mm_struct *mm, unsigned long start, unsigned long nr_pages, unsigned int gup_flags,
			   struct page **pages, struct vm_area_struct **vmas, int *locked)
{
	(void)locked;
	if (gup_flags & (FOLL_PIN | FOLL_LONGTERM) || !flags_go_together(gup_flags))
		return refuse_flags();
	return gup(mm, start, nr_pages, gup_flags | (pages ? FOLL_GET : 0), pages, vmas);
}

long get_user_pages(unsigned long start, unsigned long nr_pages, unsigned int gup_flags, struct page **pages,
		    struct vm_area_struct **vmas)
{
	return get_user_pages_remote(current->mm, start, nr_pages, gup_flags, pages, vmas, NULL);
}

long pin_user_pages_remote(struct mm_struct *mm, unsigned long start, unsigned long nr_pages, unsigned int gup_flags,
			   struct page **pages, struct vm_area_struct **vmas, int *locked)
{
	(void)locked;
	if (gup_flags & FOLL_GET || !pages)
		return refuse_flags();
	return gup(mm, start, nr_pages, gup_flags | FOLL_PIN, pages, vmas);
}

long pin_user_pages(unsigned long start, unsigned long nr_pages, unsigned int gup_flags, struct page **pages,
		    struct vm_area_struct **vmas)
{
	return pin_user_pages_remote(current->mm, start, nr_pages, gup_flags, pages, vmas, NULL);
}

bool page_maybe_dma_pinned(const struct page *page)
{
	return page_count(page) >= GUP_PIN_COUNTING_BIAS;
}

void unpin_user_page(struct page *page)
{
	p2psim_step_range(P2PSIM_STEP_WRITE, P2PSIM_OBJ_RAM, true, page->pfn, page->pfn, "unpin");
	if (!page_maybe_dma_pinned(page)) {
		p2psim_violate(P2PSIM_BALANCE, 0, P2PSIM_OBJ_RAM, 0, "page %lx is unpinned, but not pinned", page->pfn);
		return;
	}
	page->_refcount.counter -= GUP_PIN_COUNTING_BIAS - 1;
	drop_page(page);
}

void unpin_user_pages(struct page **pages, unsigned long npages)
{
	unsigned long i;

	for (i = 0; i < npages; i++)
		unpin_user_page(pages[i]);
}
