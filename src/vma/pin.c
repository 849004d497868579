/* SPDX-License-Identifier: MIT */
/*
 * The end of a pin.  Mirrors: mm/gup.c, 6.1 (reduced: pages only, no folios).
 */
#include <p2psim/check.h>
#include <p2psim/step.h>

#include "vma/internal.h"

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

/* Under the page lock: truncation takes the page out of its file with it held. */
static void dirty_and_unpin(struct page *page)
{
	if (!PageDirty(page)) {
		lock_page(page);
		set_page_dirty(page);
		unlock_page(page);
	}
	unpin_user_page(page);
}

void unpin_user_pages_dirty_lock(struct page **pages, unsigned long npages, bool make_dirty)
{
	unsigned long i;

	if (!make_dirty)
		unpin_user_pages(pages, npages);
	for (i = 0; make_dirty && i < npages; i++)
		dirty_and_unpin(pages[i]);
}

void unpin_user_page_range_dirty_lock(struct page *page, unsigned long npages, bool make_dirty)
{
	unsigned long i;

	for (i = 0; i < npages; i++) {
		struct page *nth = pfn_to_page(page_to_pfn(page) + i);

		unpin_user_pages_dirty_lock(&nth, 1, make_dirty);
	}
}
