/* SPDX-License-Identifier: MIT */
/*
 * Advice about pages: who lets them go, and who wants them now.
 *
 *	DONTNEED	zapped: CLEAR.  The next read of private anonymous memory is zeros
 *	FREE		CLEAR.  The page stays, clean and not swap-backed: reclaim may drop it; a write cancels that
 *	COLD		entries become old; no event
 *	PAGEOUT		old, and to reclaim at once
 *	WILLNEED	swapped pages into the swap cache, no entry changes; -EBADF for anonymous memory in a kernel without swap
 *	POPULATE_*	faults, as if each page were read or written
 */
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/reclaim.h>
#include <p2psim/step.h>
#include <p2psim/world.h>

#include "vma/huge.h"
#include "vma/internal.h"
#include "vma/swap.h"

#define OLD_AND_CLEAN (P2PSIM_PTE_YOUNG | P2PSIM_PTE_DIRTY)

typedef int visit_fn(struct vm_area_struct *vma, unsigned long addr, pte_t *pte);

static int free_lazily(struct vm_area_struct *vma, unsigned long addr, pte_t *pte);

/* One entry has all of it: FREE asks every part, others the first. */
static bool is_mapped_once(const pte_t *first, visit_fn *visit)
{
	int i, parts = visit == free_lazily ? HPAGE_PMD_NR : 1;

	for (i = 0; i < parts; i++)
		if (page_mapcount(pfn_to_page(pte_pfn(first[i]))) != 1)
			return false;
	return true;
}

/*
 * Advice about a part of a huge page: the page becomes small ones first, but not if others have it, and zeros stay as they
 * are.  False: leave the block alone.
 */
static bool can_advise_block(struct vm_area_struct *vma, unsigned long start, unsigned long end, visit_fn *visit)
{
	const pte_t *pte;

	if (!pmd_is_huge(vma->vm_mm, start) || end - start == PMD_SIZE)
		return true;
	huge_step(vma->vm_mm, start, "advise"); /* a pin decides */
	if (!pmd_is_huge(vma->vm_mm, start))
		return true;
	pte = p2psim_pte_lookup(vma->vm_mm, start & PMD_MASK);
	return !is_huge_zero_entry(*pte) && is_mapped_once(pte, visit) && !split_huge_page(pfn_to_page(pte_pfn(*pte)));
}

/*
 * An entry of a part of a huge page: the page becomes small ones, if there is no other entry: FREE looks at the first
 * part's, be it this one or not (recorded on 6.1.192: nothing is done once that one is unmapped), others at this part's.
 * False: it cannot, and the rest of the table is left alone.
 */
static bool can_advise_part(pte_t pte, visit_fn *visit)
{
	struct page *page = pte_present(pte) && !pte_special(pte) ? pfn_to_page(pte_pfn(pte)) : NULL;
	const struct page *asked;

	if (!page || !page_is_compound(page))
		return true;
	asked = visit == free_lazily ? pfn_to_page(page->pfn & ~(HPAGE_PMD_NR - 1UL)) : page;
	return page_mapcount(asked) == 1 && !PageLocked(page) && !split_huge_page(page);
}

/* Calls visit() for each entry of [start, end) that is not none; all under one table. */
static int for_each_in_table(struct vm_area_struct *vma, unsigned long start, unsigned long end, visit_fn *visit)
{
	bool whole = pmd_is_huge(vma->vm_mm, start);
	int error = 0;
	pte_t *pte;

	for (; start < end && !error; start += PAGE_SIZE) {
		pte = p2psim_pte_lookup(vma->vm_mm, start);
		if (!pte) /* another DONTNEED has taken a huge entry with its table */
			break;
		if (!whole && !can_advise_part(*pte, visit))
			break;
		if (!pte_none(*pte))
			error = visit(vma, start, pte);
	}
	return error;
}

static int for_each_entry(struct vm_area_struct *vma, unsigned long start, unsigned long end, visit_fn *visit)
{
	unsigned long next;
	int error = 0;

	p2psim_step_range(P2PSIM_STEP_PTE_READ, p2psim_object_id(&vma->vm_mm->obj), false, start >> PAGE_SHIFT,
			  (end - 1) >> PAGE_SHIFT, NULL);
	for (; start < end && !error; start = next) {
		next = min((start & PMD_MASK) + PMD_SIZE, end);
		if (can_advise_block(vma, start, next, visit))
			error = for_each_in_table(vma, start, next, visit);
	}
	return error;
}

/* Pages of devices get no advice. */
static struct page *page_of(pte_t pte)
{
	struct page *page = pte_present(pte) && !pte_special(pte) ? pfn_to_page(pte_pfn(pte)) : NULL;

	return page && !(page->flags & 1UL << PG_device) ? page : NULL;
}

/* A shared page, or one that somebody has locked, stays dirty: the others would lose it. */
static bool can_be_cleaned(const struct page *page)
{
	return !(page->flags & (1UL << PG_dirty | 1UL << PG_swapcache)) ||
	       (page_mapcount(page) == 1 && !PageLocked(page));
}

static int free_lazily(struct vm_area_struct *vma, unsigned long addr, pte_t *pte)
{
	struct page *page;
	pte_t old;

	pte_write_step(vma->vm_mm, addr);
	pte = p2psim_pte_lookup(vma->vm_mm, addr);
	if (!pte)
		return 0;
	old = *pte;
	if (is_swap_pte(old)) {
		*pte = __pte(0);
		zap_entry(vma, addr, old);
		return 0;
	}
	page = page_of(old);
	if (!page || !can_be_cleaned(page))
		return 0;
	*pte = __pte(old.val & ~(u64)OLD_AND_CLEAN);
	page->flags &= ~(1UL << PG_dirty | 1UL << PG_swapbacked | 1UL << PG_referenced);
	return 0;
}

static int free_range(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range;

	if (!vma_is_anonymous(vma))
		return -EINVAL;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	for_each_entry(vma, start, end, free_lazily);
	mmu_notifier_invalidate_range_end(&range);
	return 0;
}

static int make_old(struct vm_area_struct *vma, unsigned long addr, pte_t *pte)
{
	if (!page_of(*pte))
		return 0;
	pte_write_step(vma->vm_mm, addr);
	pte = p2psim_pte_lookup(vma->vm_mm, addr);
	if (pte && page_of(*pte))
		pte->val &= ~(u64)P2PSIM_PTE_YOUNG;
	return 0;
}

/* Pages of drivers are on no list of reclaim. */
static bool is_reclaimed(const struct page *page)
{
	return PageAnon(page) || page->flags & 1UL << PG_swapbacked;
}

static bool needs_swap(const struct page *page)
{
	return PageAnon(page) && page->flags & 1UL << PG_swapbacked;
}

/* Reclaim asks first whether somebody has used the page since it was made old: the devices are asked, too. */
static int page_out(struct vm_area_struct *vma, unsigned long addr, pte_t *pte)
{
	struct page *page = page_of(*pte);

	if (!page || page_mapcount(page) != 1 || !is_reclaimed(page))
		return 0;
	mmu_notifier_clear_flush_young(vma->vm_mm, addr, addr + PAGE_SIZE);
	if (!needs_swap(page) || p2psim_world_config(p2psim_world_current())->swap)
		p2psim_reclaim_page(page);
	return 0;
}

/* Into the swap cache; the entry stays.  Without memory it is not read: it was only advice. */
static int read_ahead(struct vm_area_struct *vma, unsigned long addr, pte_t *pte)
{
	struct page *page;

	if (!is_swap_pte(*pte) || swap_cache_peek(pte_pfn(*pte)))
		return 0;
	pte_write_step(vma->vm_mm, addr);
	page = is_swap_pte(*pte) ? swap_cache_read(pte_pfn(*pte)) : NULL;
	if (page)
		put_page(page);
	return 0;
}

static int will_need(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	if (vma->vm_file)
		return 0;
	if (!p2psim_world_config(p2psim_world_current())->swap)
		return -EBADF;
	return for_each_entry(vma, start, end, read_ahead);
}

/* Pages only, no values: -EINVAL for what GUP refuses, -EFAULT for what the fault handler refuses. */
static int populate_range(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool write)
{
	unsigned long wanted = write ? VM_WRITE : VM_READ;
	long pages;

	if (vma->vm_flags & (VM_IO | VM_PFNMAP) || !(vma->vm_flags & wanted))
		return -EINVAL;
	for (; start < end; start += (unsigned long)pages << PAGE_SHIFT) {
		pages = get_user_pages_remote(vma->vm_mm, start, (end - start) >> PAGE_SHIFT, write ? FOLL_WRITE : 0, NULL,
					      NULL, NULL);
		if (pages <= 0)
			return pages ? (int)pages : -EFAULT;
	}
	return 0;
}

int madvise_pages(struct vm_area_struct *vma, unsigned long start, unsigned long end, int advice)
{
	switch (advice) {
	case MADV_WILLNEED:
		return will_need(vma, start, end);
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return populate_range(vma, start, end, advice == MADV_POPULATE_WRITE);
	}
	if (vma->vm_flags & VM_PFNMAP || (vma->vm_flags & VM_LOCKED && advice != MADV_DONTNEED_LOCKED))
		return -EINVAL;
	if (vma->vm_flags & VM_HUGETLB && (advice == MADV_FREE || advice == MADV_COLD || advice == MADV_PAGEOUT))
		return -EINVAL;
	switch (advice) {
	case MADV_FREE:
		return free_range(vma, start, end);
	case MADV_COLD:
		return for_each_entry(vma, start, end, make_old);
	case MADV_PAGEOUT:
		for_each_entry(vma, start, end, make_old);
		return for_each_entry(vma, start, end, page_out);
	default:
		zap_range_single(vma, start, end, true);
		return 0;
	}
}
