/* SPDX-License-Identifier: MIT */
/*
 * Taking entries out of page tables, and the revoke tools of drivers that do it from outside: zap_vma_ptes() and
 * unmap_mapping_range().
 */
#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/huge.h"
#include "vma/internal.h"
#include "vma/swap.h"

/* The page that an entry maps or keeps. */
static struct page *page_of(pte_t pte)
{
	bool names = pte_present(pte) ? !pte_special(pte) : pte_is_page_kept(pte);

	return names ? pfn_to_page(pte_pfn(pte)) : NULL;
}

void zap_entry(struct vm_area_struct *vma, unsigned long addr, pte_t pte)
{
	struct page *page;

	(void)addr;
	if (is_swap_pte(pte)) {
		swap_free(pte_pfn(pte));
		return;
	}
	page = page_of(pte);
	if (!page)
		return;
	if (pte_dirty(pte) && !PageAnon(page))
		set_page_dirty(page);
	mm_count_page(vma->vm_mm, page, -1);
	if (is_migration_pte(pte)) /* whoever migrates has the reference */
		return;
	if (!is_device_exclusive_pte(pte))
		page_remove_rmap(page);
	swap_cache_unmapped(page);
	drop_page(page);
}

static bool is_cow_copy(pte_t pte)
{
	const struct page *page;

	if (is_swap_pte(pte))
		return true;
	page = page_of(pte);
	return page && PageAnon(page);
}

/* Nothing there, and no copy-on-write about to put its page there. */
static bool is_empty(const struct mm_struct *mm, unsigned long addr, pte_t pte)
{
	return pte_none(pte) && !(mm->pte_holds && pte_is_held(mm, addr));
}

/*
 * The step that takes an entry out, if there is one.  It names the page as well, which may be freed; an entry that has
 * changed meanwhile needs another.  Returns the entry.
 */
static pte_t zap_step(struct mm_struct *mm, unsigned long addr, unsigned long range_end, const pte_t *pte)
{
	pte_t named;

	do {
		named = *pte;
		if (is_empty(mm, addr, named))
			break;
		if (likely(!p2psim_hot->busy && !mm->pte_holds))
			p2psim_hot->steps++;
		else
			pte_step_slow(mm, addr, range_end, page_of(named), NULL);
	} while (!pte_none(*pte) && page_of(*pte) != page_of(named));
	return *pte;
}

/* The entries of one table; range_end: how far the walk will look. */
static void zap_table(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long range_end,
		      bool even_cows)
{
	pte_t *pte = p2psim_pte_lookup(vma->vm_mm, start), old;

	for (; pte && start < end; start += PAGE_SIZE, pte++) {
		old = zap_step(vma->vm_mm, start, range_end, pte);
		if (pte_none(old) || (!even_cows && is_cow_copy(old)))
			continue;
		*pte = __pte(0);
		zap_entry(vma, start, old);
	}
}

/* [start, next) is what lies under one table. */
static void zap_block(struct vm_area_struct *vma, unsigned long start, unsigned long next, unsigned long range_end,
		      bool even_cows)
{
	if (pmd_is_huge(vma->vm_mm, start) && next - start == PMD_SIZE && zap_huge_pmd(vma, start))
		return;
	if (pmd_is_huge(vma->vm_mm, start))
		__split_huge_pmd(vma, start);
	zap_table(vma, start, next, range_end, even_cows);
}

void zap_range(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool even_cows)
{
	unsigned long next;

	start = max(start, vma->vm_start);
	end = min(end, vma->vm_end);
	if (start >= end)
		return;
	p2psim_step_range(P2PSIM_STEP_PTE_READ, p2psim_object_id(&vma->vm_mm->obj), false, start >> PAGE_SHIFT,
			  (end - 1) >> PAGE_SHIFT, NULL);
	for (; start < end; start = next) {
		next = min((start & PMD_MASK) + PMD_SIZE, end);
		if (!p2psim_pud_present(vma->vm_mm, start))
			next = min((start & PUD_MASK) + PUD_SIZE, end);
		else if (p2psim_pmd_present(vma->vm_mm, start))
			zap_block(vma, start, next, end, even_cows);
	}
}

void zap_range_single(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool even_cows)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	zap_range(vma, start, end, even_cows);
	mmu_notifier_invalidate_range_end(&range);
}

void(zap_vma_ptes)(struct vm_area_struct *vma, unsigned long address, unsigned long size)
{
	if (address < vma->vm_start || address > vma->vm_end || size > vma->vm_end - address ||
	    !(vma->vm_flags & VM_PFNMAP))
		return;
	zap_range_single(vma, address, address + size, true);
}

static void unmap_piece(struct vm_area_struct *vma, pgoff_t first, pgoff_t last, bool even_cows)
{
	pgoff_t vma_last = vma->vm_pgoff + vma_pages(vma) - 1, from = max(first, vma->vm_pgoff), to = min(last, vma_last);

	zap_range_single(vma, vma->vm_start + ((from - vma->vm_pgoff) << PAGE_SHIFT),
			 vma->vm_start + ((to - vma->vm_pgoff + 1) << PAGE_SHIFT), even_cows);
}

void(unmap_mapping_range)(struct address_space *mapping, loff_t holebegin, loff_t holelen, int even_cows)
{
	pgoff_t first = (pgoff_t)holebegin >> PAGE_SHIFT;
	pgoff_t pages = ((pgoff_t)holelen + PAGE_SIZE - 1) >> PAGE_SHIFT;
	pgoff_t last = holelen ? first + pages - 1 : ULONG_MAX;
	struct vm_area_struct *vma;

	might_sleep();
	if (last < first)
		last = ULONG_MAX;
	p2psim_enter("unmap_mapping_range(%s, %p, %x)", P2PSIM_STR(mapping->host->obj.name), (uint64_t)holebegin,
		     (uint64_t)holelen);
	i_mmap_lock_read(mapping);
	vma_interval_tree_foreach(vma, &mapping->i_mmap, first, last)
		unmap_piece(vma, first, last, even_cows);
	i_mmap_unlock_read(mapping);
	p2psim_leave("unmapped");
}
