/* SPDX-License-Identifier: MIT */
/*
 * Writeback makes a page clean: whoever writes to it afterwards is to be heard of.
 *
 *	writeback			whoever has the file mapped, shared
 *	lock_page()
 *	i_mmap_rwsem R
 *	for each VMA:
 *	  start(PROTECTION_PAGE)	importers write no more
 *	  entry := read-only, clean
 *	  end()
 *	the page is clean
 *	unlock_page()
 *					write: ->page_mkwrite(), dirty again
 *
 * No mmap_lock.  Private mappings are passed over: their entries are read-only, or of copies.  Left out: the writing itself;
 * dirty and writeback tags.
 */
#include <p2psim/actors.h>
#include <p2psim/check.h>
#include <p2psim/trace.h>

#include "vma/rmap_walk.h"

struct cleaning {
	const struct page *page;
	int entries;
};

/* The event is there even if the entry needs nothing. */
static bool clean_one(struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	struct cleaning *cleaning = arg;
	struct mmu_notifier_range range;
	pte_t *pte;

	if (!(vma->vm_flags & VM_SHARED))
		return true;
	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_PAGE, 0, vma, vma->vm_mm, addr, addr + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pte_write_step(vma->vm_mm, addr);
	pte = p2psim_pte_lookup(vma->vm_mm, addr);
	if (pte_maps(pte, cleaning->page) && (pte_dirty(*pte) || pte_write(*pte))) {
		pte->val &= ~(u64)(P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY);
		cleaning->entries++;
	}
	mmu_notifier_invalidate_range_end(&range);
	return true;
}

int(page_mkclean)(struct page *page)
{
	struct cleaning cleaning = { .page = page };

	if (!PageLocked(page))
		p2psim_violate(P2PSIM_CONTRACT, 0, P2PSIM_OBJ_RAM, 0, "page %lx is cleaned, but not locked", page->pfn);
	if (page_mapcount(page) && !PageAnon(page))
		rmap_walk(page, true, clean_one, &cleaning);
	return cleaning.entries;
}

int p2psim_writeback_page(struct page *page)
{
	int dirty = -EINVAL;

	p2psim_enter("writeback page %x", page->pfn);
	lock_page(page);
	if (page->mapping && !PageAnon(page)) {
		dirty = page_mkclean(page) || PageDirty(page);
		page->flags &= ~(1UL << PG_dirty);
	}
	unlock_page(page);
	p2psim_leave("writeback = %e", (uint64_t)(int64_t)dirty);
	return dirty;
}

int p2psim_writeback_address(struct p2psim_process *process, unsigned long addr)
{
	pte_t pte = p2psim_pte_read(p2psim_process_mm(process), addr);
	struct page *page;
	int ret;

	if (!pte_present(pte) || pte_special(pte))
		return -ENOENT;
	page = pfn_to_page(pte_pfn(pte));
	get_page(page);
	ret = p2psim_writeback_page(page);
	put_page_step(page);
	return ret;
}
