/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: one anonymous page out (reclaim_file.c: of a file), through the reverse map, without mmap_lock.
 *
 *	kswapd				whoever maps the page
 *	anon_vma->rwsem R
 *	for each VMA of the chain:
 *	  pinned, or VM_LOCKED?		-EBUSY, without an event
 *	  start(CLEAR, page)		importers drop it; find_vma() is not theirs to call here
 *	  pinned meanwhile?		-EBUSY: the entry stays
 *	  entry := swap slot, bytes with it; none after MADV_FREE, unless written to since
 *	  end()
 *	last reference dropped
 */
#include <p2psim/check.h>
#include <p2psim/reclaim.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/rmap_walk.h"

static bool vma_address(const struct vm_area_struct *vma, const struct page *page, unsigned long *addr)
{
	if (page->index < vma->vm_pgoff || page->index - vma->vm_pgoff >= vma_pages(vma))
		return false;
	*addr = vma->vm_start + ((page->index - vma->vm_pgoff) << PAGE_SHIFT);
	return true;
}

static bool maps(const pte_t *pte, const struct page *page)
{
	return pte && pte_present(*pte) && !pte_special(*pte) && pte_pfn(*pte) == page_to_pfn(page);
}

/* The page's step: names it, because pins and unpins decide. */
static void page_step(struct vm_area_struct *vma, unsigned long addr, const struct page *page, const char *label)
{
	if (likely(!p2psim_hot->busy && !vma->vm_mm->pte_holds))
		p2psim_hot->steps++;
	else
		pte_step_slow(vma->vm_mm, addr, addr + PAGE_SIZE, page, label);
}

/* Does somebody besides the entries and us hold the page? */
static bool is_pinned(const struct page *page)
{
	return page_count(page) != page_mapcount(page) + 1;
}

static bool is_lazily_freed(const struct page *page)
{
	return !(page->flags & 1UL << PG_swapbacked);
}

static u64 only_bit(const struct page *page)
{
	return page->flags & 1UL << PG_anon_exclusive ? P2PSIM_PTE_ONLY : 0;
}

/*
 * The entry becomes the swap slot's, and the bytes go there, in one step.  A page that MADV_FREE has given up needs no slot:
 * it goes; but if somebody has written to it since, it is a page like any other again, and stays for now.
 */
static int swap_entry(struct vm_area_struct *vma, unsigned long addr, struct page *page, long slot)
{
	pte_t *pte;

	page_step(vma, addr, page, "reclaim");
	pte = p2psim_pte_lookup(vma->vm_mm, addr);
	if (!maps(pte, page))
		return 0;
	if (is_pinned(page))
		return -EBUSY;
	if (slot < 0 && (pte_dirty(*pte) || PageDirty(page))) {
		page->flags |= 1UL << PG_swapbacked;
		return -EBUSY;
	}
	*pte = slot < 0 ? __pte(0) : pfn_pte((unsigned long)slot, P2PSIM_PTE_SWAP | only_bit(page));
	if (slot >= 0)
		p2psim_swap_out((unsigned long)slot, page);
	mm_count_page(vma->vm_mm, page, -1);
	page_remove_rmap(page);
	drop_page(page); /* not the last: ours is left */
	return 1;
}

/* Takes the page out of one VMA.  1; 0: it is not there; -EBUSY: locked, or pinned, perhaps only after the event. */
static int unmap_one(struct vm_area_struct *vma, struct page *page, long slot)
{
	struct mmu_notifier_range range;
	unsigned long addr;
	int ret;

	if (!vma_address(vma, page, &addr))
		return 0;
	page_step(vma, addr, page, "reclaim:look");
	if (vma->vm_flags & VM_LOCKED || is_pinned(page))
		return -EBUSY;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, addr, addr + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	ret = swap_entry(vma, addr, page, slot);
	mmu_notifier_invalidate_range_end(&range);
	return ret;
}

/* One mapping only so far: fork will bring several, and slots with a count.  0; -EBUSY; -EINVAL: mapped nowhere now. */
static int unmap_all(struct page *page, struct anon_vma *anon_vma, long slot)
{
	struct anon_vma_chain *chain;
	int ret;

	list_for_each_entry(chain, &anon_vma->chains, same_anon_vma) {
		ret = unmap_one(chain->vma, page, slot);
		if (ret)
			return ret < 0 ? ret : 0;
	}
	return -EINVAL;
}

static int reclaim_anon_page(struct page *page)
{
	struct anon_vma *anon_vma = page->anon_vma;
	long slot = -1;
	int ret = 0;

	if (!anon_vma || page_mapcount(page) != 1)
		return -EINVAL;
	anon_vma->refcount++; /* it outlives its VMAs while we hold it */
	get_page(page);
	anon_vma_lock_read(anon_vma);
	if (!is_lazily_freed(page))
		slot = p2psim_swap_reserve();
	ret = slot == -ENOMEM ? -ENOMEM : unmap_all(page, anon_vma, slot);
	if (ret && slot >= 0)
		p2psim_swap_free((unsigned long)slot);
	anon_vma_unlock_read(anon_vma);
	put_page_step(page);
	p2psim_anon_vma_put(anon_vma);
	return ret;
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
