/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: one anonymous page out, through the reverse map, without mmap_lock.
 *
 *	kswapd				whoever maps the page
 *	anon_vma->rwsem R
 *	for each VMA of the chain:
 *	  start(CLEAR, page)		importers drop it; find_vma() is not theirs to call here
 *	  entry := swap slot
 *	  end()
 *	last reference dropped
 */
#include <p2psim/check.h>
#include <p2psim/reclaim.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/internal.h"

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

/* Takes the page out of one VMA, if it is there.  The slot's bytes are filled in by the caller. */
static bool unmap_one(struct vm_area_struct *vma, struct page *page, unsigned long slot)
{
	struct mmu_notifier_range range;
	unsigned long addr;
	bool found = false;
	pte_t *pte;

	if (!vma_address(vma, page, &addr))
		return false;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, addr, addr + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	p2psim_step_range(P2PSIM_STEP_PTE_WRITE, p2psim_object_id(&vma->vm_mm->obj), true, addr >> PAGE_SHIFT,
			  addr >> PAGE_SHIFT, "reclaim");
	pte = p2psim_pte_lookup(vma->vm_mm, addr);
	if (maps(pte, page)) {
		*pte = pfn_pte(slot, P2PSIM_PTE_SWAP);
		mm_count_page(vma->vm_mm, page, -1);
		page_remove_rmap(page);
		found = true;
	}
	mmu_notifier_invalidate_range_end(&range);
	return found;
}

/* One mapping only so far: fork will bring several, and slots with a count. */
static int unmap_all(struct page *page, struct anon_vma *anon_vma, unsigned long slot)
{
	struct anon_vma_chain *chain;
	int found = 0;

	list_for_each_entry(chain, &anon_vma->chains, same_anon_vma) {
		if (unmap_one(chain->vma, page, slot)) {
			found = 1;
			break;
		}
	}
	return found;
}

int p2psim_reclaim_page(struct page *page)
{
	struct anon_vma *anon_vma = PageAnon(page) ? page->anon_vma : NULL;
	int ret = 0;
	long slot;

	if (!anon_vma || page_mapcount(page) != 1)
		return -EINVAL;
	p2psim_enter("reclaim page %x", page->pfn);
	anon_vma->refcount++; /* it outlives its VMAs while we hold it */
	get_page(page);
	down_read(&anon_vma->rwsem);
	if (page_count(page) != page_mapcount(page) + 1) {
		ret = -EBUSY;
		goto unlock;
	}
	slot = p2psim_swap_out(page);
	if (slot < 0) {
		ret = (int)slot;
		goto unlock;
	}
	if (unmap_all(page, anon_vma, (unsigned long)slot)) {
		put_page(page); /* the entry's */
	} else {
		p2psim_swap_in((unsigned long)slot, page);
		ret = -EINVAL;
	}
unlock:
	up_read(&anon_vma->rwsem);
	put_page(page);
	p2psim_anon_vma_put(anon_vma);
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
