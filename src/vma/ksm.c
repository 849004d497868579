/* SPDX-License-Identifier: MIT */
/*
 * ksmd merges two pages.  Mirrors: mm/ksm.c, 6.1 (reduced: no trees, no scan; the caller names the pages.  A merged page is in
 * no reverse map, so it neither moves nor is reclaimed).
 *
 *	ksmd					importer
 *	mmap_lock R of the first
 *	  start(CLEAR, addr1)			drops it
 *	  entry := read-only, unless pinned
 *	  end()					refaults: read-only, or copies
 *	mmap_lock R of the second
 *	  the same at addr2
 *	  contents still equal?
 *	  start(CLEAR, addr2)			drops it again: another pfn
 *	  entry := the first page
 *	  end()
 */
#include <string.h>

#include <p2psim/actors.h>
#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/huge.h"
#include "vma/rmap_walk.h"
#include "vma/swap.h"

struct ksm_place {
	struct mm_struct *mm;
	unsigned long addr;
	struct page *page;	/* what was found there: a reference */
	pte_t pte;		/* what it became when it was write-protected */
};

static struct vm_area_struct *mergeable_vma(const struct ksm_place *p)
{
	struct vm_area_struct *vma = (vma_lookup)(p->mm, p->addr);

	return vma && vma->vm_flags & VM_MERGEABLE && vma->anon_vma ? vma : NULL;
}

/* 0 and a reference, -EINVAL. */
static int find_page(struct ksm_place *p)
{
	pte_t pte = p2psim_pte_read(p->mm, p->addr);
	struct page *page = pte_present(pte) && !pte_special(pte) ? pfn_to_page(pte_pfn(pte)) : NULL;

	if (!page || !PageAnon(page) || page->flags & 1UL << PG_device)
		return -EINVAL;
	get_page(page);
	p->page = page;
	return 0;
}

/* The entry's step is done.  Nobody but the entries and us may have a reference: he could write. */
static int protect_entry(struct ksm_place *p, pte_t *pte)
{
	struct page *page = p->page;

	if (!pte_maps(pte, page))
		return -EAGAIN;
	if (page_count(page) != page_mapcount(page) + swap_cache_refs(page) + 1)
		return -EBUSY;
	page->flags &= ~(1UL << PG_anon_exclusive);
	if (pte_dirty(*pte))
		set_page_dirty(page);
	p->pte = __pte(pte->val & ~(u64)(P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY));
	mmu_notifier_change_pte(p->mm, p->addr, p->pte);
	*pte = p->pte;
	return 0;
}

static int write_protect_page(struct vm_area_struct *vma, struct ksm_place *p)
{
	struct mmu_notifier_range range;
	int error;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, p->mm, p->addr, p->addr + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pte_page_step(p->mm, p->addr, p->page, "ksm:protect");
	error = protect_entry(p, p2psim_pte_lookup(p->mm, p->addr));
	mmu_notifier_invalidate_range_end(&range);
	return error;
}

static int replace_page(struct vm_area_struct *vma, struct ksm_place *p, struct page *merged)
{
	pte_t fresh = mk_pte(vma, page_to_pfn(merged), 0), *pte;
	struct mmu_notifier_range range;
	bool same;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, p->mm, p->addr, p->addr + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pte_page_step(p->mm, p->addr, p->page, "ksm:replace");
	pte = p2psim_pte_lookup(p->mm, p->addr);
	same = pte && pte->val == p->pte.val;
	if (same) {
		get_page(merged);
		page_add_anon_rmap(merged, vma, p->addr);
		mmu_notifier_change_pte(p->mm, p->addr, fresh);
		*pte = fresh;
		page_remove_rmap(p->page);
		drop_page(p->page); /* not the last: ours is left */
	}
	mmu_notifier_invalidate_range_end(&range);
	return same ? 0 : -EAGAIN;
}

static bool are_equal(struct page *a, struct page *b)
{
	static const char zeros[PAGE_SIZE];
	const void *x = p2psim_page_bytes(a, false), *y = p2psim_page_bytes(b, false);

	p2psim_step_range(P2PSIM_STEP_MEM_READ, P2PSIM_OBJ_RAM, false, b->pfn, b->pfn, "ksm:compare");
	return x == y || !memcmp(x ? x : zeros, y ? y : zeros, PAGE_SIZE);
}

/* From now on nobody's own, and in no reverse map: who writes copies. */
static void make_ksm_page(struct page *page)
{
	page->flags |= 1UL << PG_ksm;
	page->anon_vma = NULL;
	p2psim_page_set_owner(page, 0);
}

/* Write-protects the page at p; with `merged`, puts that in its place. */
static int merge_at(struct ksm_place *p, struct page *merged)
{
	struct vm_area_struct *vma = mergeable_vma(p);
	int error;

	if (!vma)
		return -EINVAL;
	if (!trylock_page(p->page))
		return -EBUSY;
	error = split_huge_page(p->page) ? -EBUSY : write_protect_page(vma, p);
	if (!error && merged)
		error = are_equal(p->page, merged) ? replace_page(vma, p, merged) : -EAGAIN;
	else if (!error)
		make_ksm_page(p->page);
	unlock_page(p->page);
	return error;
}

static int merge_at_locked(struct ksm_place *p, struct page *merged)
{
	int error;

	mmap_read_lock(p->mm);
	error = merge_at(p, merged);
	mmap_read_unlock(p->mm);
	return error;
}

static int merge(struct ksm_place *first, struct ksm_place *second)
{
	int error = first->page == second->page ? -EINVAL : 0;

	if (!error && !are_equal(first->page, second->page))
		error = -EAGAIN;
	if (!error && !(first->page->flags & 1UL << PG_ksm))
		error = merge_at_locked(first, NULL);
	return error ? error : merge_at_locked(second, first->page);
}

int p2psim_ksm_merge(struct p2psim_process *process1, unsigned long addr1, struct p2psim_process *process2,
		     unsigned long addr2)
{
	struct ksm_place first = { .mm = p2psim_process_mm(process1), .addr = addr1 };
	struct ksm_place second = { .mm = p2psim_process_mm(process2), .addr = addr2 };
	int error;

	p2psim_enter("ksmd merges %p and %p", addr1, addr2);
	error = find_page(&first);
	if (!error && !find_page(&second)) {
		error = merge(&first, &second);
		put_page(second.page);
	} else {
		error = -EINVAL;
	}
	if (first.page)
		put_page(first.page);
	p2psim_leave("ksmd = %e", (uint64_t)(int64_t)error);
	return error;
}
