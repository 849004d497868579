/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: an anonymous page goes (reclaim_file.c: one of a file), through the reverse map, without mmap_lock.  Mirrors:
 * mm/vmscan.c, mm/rmap.c try_to_unmap(), 6.1 (reduced: the caller names the page; no lists, no ages).
 *
 *	kswapd				whoever maps the page
 *	trylock page
 *	of a huge page: all of it becomes small ones
 *	a swap slot, the page enters the swap cache
 *	reverse map's lock R
 *	for each VMA that may map it:
 *	  pinned, or VM_LOCKED?		-EBUSY, without an event
 *	  start(CLEAR, page)		importers drop it; find_vma() is not theirs to call here
 *	  pinned or locked meanwhile?	-EBUSY: the entry stays
 *	  entry := swap slot; none after MADV_FREE, unless written to since
 *	  the last one?			bytes to the slot, in the same step
 *	  end()				a fault before the last: finds the page in the swap cache
 *	last reference dropped
 */
#include <p2psim/check.h>
#include <p2psim/reclaim.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/huge.h"
#include "vma/rmap_walk.h"
#include "vma/swap.h"

struct reclaim {
	struct page *page;
	long slot;	/* -1: none is needed */
	int error;
	bool found;	/* an entry, and it is gone */
};

/* Does somebody besides the entries, the swap cache and us hold the page? */
static bool is_pinned(const struct page *page)
{
	return page_count(page) != page_mapcount(page) + swap_cache_refs(page) + 1;
}

/* By MADV_FREE. */
static bool was_given_up(const struct page *page)
{
	return !(page->flags & 1UL << PG_swapbacked);
}

/* What stands in the entry's place; names the slot once more. */
static pte_t entry_of_slot(const struct reclaim *r)
{
	u64 only = r->page->flags & 1UL << PG_anon_exclusive ? P2PSIM_PTE_ONLY : 0;

	if (r->slot < 0)
		return __pte(0);
	swap_dup((unsigned long)r->slot);
	return pfn_pte((unsigned long)r->slot, P2PSIM_PTE_SWAP | only);
}

/* In one step.  Who has written to a page since MADV_FREE wants it: it is a page like any other again, and stays for now. */
static int unmap_entry(struct vm_area_struct *vma, unsigned long addr, struct reclaim *r)
{
	struct page *page = r->page;
	pte_t *pte, old;

	pte_page_step(vma->vm_mm, addr, page, "reclaim");
	pte = p2psim_pte_lookup(vma->vm_mm, addr);
	if (!pte_maps(pte, page))
		return 0;
	old = *pte;
	if (vma->vm_flags & VM_LOCKED || is_pinned(page))
		return -EBUSY;
	if (was_given_up(page) && (pte_dirty(old) || PageDirty(page))) {
		page->flags |= 1UL << PG_swapbacked;
		return -EBUSY;
	}
	if (pte_dirty(old) && !was_given_up(page))
		set_page_dirty(page);
	*pte = entry_of_slot(r);
	mm_count_page(vma->vm_mm, page, -1);
	page_remove_rmap(page);
	drop_page(page); /* not the last: ours is left */
	r->found = true;
	if (swap_cache_refs(page) && !page_mapcount(page))
		swap_write_out(page);
	return 0;
}

static bool unmap_from_vma(struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	struct reclaim *r = arg;
	struct mmu_notifier_range range;

	pte_page_step(vma->vm_mm, addr, r->page, "reclaim:look");
	if ((vma->vm_flags & VM_LOCKED && pte_maps(p2psim_pte_lookup(vma->vm_mm, addr), r->page)) || is_pinned(r->page)) {
		r->error = -EBUSY;
		return false;
	}
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, addr, addr + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	r->error = unmap_entry(vma, addr, r);
	mmu_notifier_invalidate_range_end(&range);
	return !r->error;
}

/* Locked, with a reference. */
static int reclaim_locked(struct page *page)
{
	struct reclaim r = { .page = page, .slot = -1 };

	if (!page->anon_vma || !page_mapcount(page))
		return -EINVAL;
	if (split_huge_page(page))
		return -EBUSY;
	if (!was_given_up(page))
		r.slot = swap_add_to_cache(page);
	if (r.slot == -ENOMEM)
		return -ENOMEM;
	rmap_walk(page, false, unmap_from_vma, &r);
	swap_cache_leave(page); /* if no entry got the slot */
	if (r.error)
		return r.error;
	return r.found ? 0 : -EINVAL;
}

static int reclaim_anon_page(struct page *page)
{
	int error = -EBUSY;

	/* A merged page of KSM is in no reverse map, a device's on no list. */
	if (!page->anon_vma || !page_mapcount(page) || page->flags & 1UL << PG_device)
		return -EINVAL;
	get_page(page);
	if (trylock_page(page)) {
		error = reclaim_locked(page);
		unlock_page(page);
	}
	put_page_step(page);
	return error;
}

int p2psim_reclaim_page(struct page *page)
{
	int ret;

	p2psim_enter("reclaim page %x", page->pfn);
	ret = PageAnon(page) ? reclaim_anon_page(page) : reclaim_file_page(page);
	p2psim_leave("reclaim = %e", (uint64_t)(int64_t)ret);
	return ret;
}

int p2psim_reclaim_address(struct p2psim_process *process, unsigned long addr)
{
	pte_t pte = p2psim_pte_read(p2psim_process_mm(process), addr);

	if (!pte_present(pte) || pte_special(pte))
		return -ENOENT;
	return p2psim_reclaim_page(pfn_to_page(pte_pfn(pte)));
}
