/* SPDX-License-Identifier: MIT */
/*
 * Reclaim of a page of a file, without mmap_lock.
 *
 *	kswapd				whoever has the file mapped
 *	trylock_page()
 *	i_mmap_rwsem R
 *	for each VMA, until nobody maps it:
 *	  start(CLEAR, page)		importers drop it; find_vma() is not theirs to call here
 *	  entry := none
 *	  end()
 *	without bytes, and nobody else has it:
 *	  out of the page cache
 *	unlock_page()
 *					fault: from the page cache, or zeros
 *
 * A clean page of a tmpfs was never written: it is zeros.  A dirty one stays in the cache; with swap nobody finds it there
 * until it is faulted in by itself.  Pages that drivers put into mappings of their own are on no list of reclaim.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>

#include "core/layer.h"
#include "vma/page_cache.h"
#include "vma/rmap_walk.h"

/* Whoever has it locked in memory keeps it, and nobody is told. */
static bool is_not_mlocked(struct vm_area_struct *vma, unsigned long addr, void *page)
{
	pte_page_step(vma->vm_mm, addr, page, "reclaim:look");
	return !(vma->vm_flags & VM_LOCKED) || !pte_maps(p2psim_pte_lookup(vma->vm_mm, addr), page);
}

static bool unmap_one(struct vm_area_struct *vma, unsigned long addr, void *page)
{
	struct mmu_notifier_range range;
	pte_t *pte, old;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, addr, addr + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pte_page_step(vma->vm_mm, addr, page, "reclaim");
	pte = p2psim_pte_lookup(vma->vm_mm, addr);
	if (!(vma->vm_flags & VM_LOCKED) && pte_maps(pte, page)) {
		old = *pte;
		*pte = __pte(0);
		zap_entry(vma, addr, old);
	}
	mmu_notifier_invalidate_range_end(&range);
	return true;
}

/* The cache's reference and ours.  Who finds it meanwhile waits for its lock, and then finds that it has left the file. */
static bool is_droppable(const struct page *page)
{
	return !PageDirty(page) && !page->data && page_count(page) == 2;
}

/* Into a swap slot, which is the page itself: whoever wants the bytes finds them where they were. */
static bool is_swappable(const struct page *page)
{
	return p2psim_world_config(p2psim_world_current())->swap && page_count(page) == 2;
}

static int reclaim_locked(struct page *page)
{
	if (!page->mapping || !(page->flags & 1UL << PG_swapbacked))
		return -EINVAL;
	if (!rmap_walk(page, true, is_not_mlocked, page))
		return -EBUSY;
	rmap_walk(page, false, unmap_one, page);
	if (page_mapcount(page))
		return -EBUSY;
	if (is_droppable(page))
		page_cache_remove(page);
	else if (is_swappable(page))
		page->flags |= 1UL << PG_swapped;
	return 0;
}

int reclaim_file_page(struct page *page)
{
	int ret = -EBUSY;

	get_page(page);
	if (trylock_page(page)) {
		ret = reclaim_locked(page);
		unlock_page(page);
	}
	put_page_step(page);
	return ret;
}
