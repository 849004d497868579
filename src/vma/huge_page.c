/* SPDX-License-Identifier: MIT */
/*
 * A huge page becomes small ones: before a part of it moves, is swapped out or is given up.
 *
 *	for each VMA that may map it:
 *	  CLEAR	2 MiB			a huge entry becomes 512
 *	  CLEAR	its part of the page	the kernel has migration entries meanwhile
 *
 * The two events come one after the other.  No entry changes what it maps: here a step stands for the second.
 */
#include <p2psim/step.h>

#include "vma/huge.h"
#include "vma/rmap_walk.h"

/* The parts that are in use: a freed one is no part any more. */
static struct page *part_of(struct page *page, unsigned long i)
{
	struct page *part = pfn_to_page((page->pfn & ~(HPAGE_PMD_NR - 1UL)) + i);

	return page_is_compound(part) ? part : NULL;
}

bool is_last_part(struct page *page)
{
	const struct page *part;
	int references = 0;
	unsigned long i;

	for (i = 0; i < HPAGE_PMD_NR; i++) {
		part = part_of(page, i);
		references += part ? page_count(part) : 0;
	}
	return references == 1;
}

/* Each reference is an entry's, but for `extra` of the caller's. */
static bool has_only_entries(struct page *page, int extra)
{
	struct page *part;
	unsigned long i;

	for (i = 0; i < HPAGE_PMD_NR; i++) {
		part = part_of(page, i);
		if (part)
			extra -= page_count(part) - page_mapcount(part);
	}
	return !extra;
}

static int entries_in(struct page *page)
{
	struct page *part;
	int entries = 0;
	unsigned long i;

	for (i = 0; i < HPAGE_PMD_NR; i++) {
		part = part_of(page, i);
		entries += part ? page_mapcount(part) : 0;
	}
	return entries;
}

/* How many entries the VMA has of the page whose parts begin at `base`. */
static int clear_in_vma(struct vm_area_struct *vma, pgoff_t first, unsigned long base)
{
	pgoff_t from = max(first, vma->vm_pgoff), to = min(first + HPAGE_PMD_NR, vma->vm_pgoff + vma_pages(vma));
	unsigned long start = vma->vm_start + ((from - vma->vm_pgoff) << PAGE_SHIFT);
	struct mmu_notifier_range range;
	int entries = 0;
	pgoff_t at;

	if (p2psim_pud_present(vma->vm_mm, start))
		__split_huge_pmd(vma, start);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, start, start + ((to - from) << PAGE_SHIFT));
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
	for (at = from; at < to; at++)
		entries += pte_maps(p2psim_pte_lookup(vma->vm_mm, start + ((at - from) << PAGE_SHIFT)),
				    pfn_to_page(base + (at - first)));
	return entries;
}

/* By offset, until none maps the page any more. */
static void clear_everywhere(struct page *page, pgoff_t first, unsigned long base)
{
	struct anon_vma *anon_vma = page->anon_vma;
	int entries = entries_in(page);
	struct anon_vma_chain *chain;

	anon_vma->refcount++;
	anon_vma_lock_write(anon_vma);
	anon_vma_for_each_chain(chain, anon_vma, first, first + HPAGE_PMD_NR - 1) {
		entries -= clear_in_vma(chain->vma, first, base);
		if (entries <= 0)
			break;
	}
	anon_vma_unlock_write(anon_vma);
	p2psim_anon_vma_put(anon_vma);
}

int split_huge_page(struct page *page)
{
	unsigned long base = page->pfn & ~(HPAGE_PMD_NR - 1UL), i;
	pgoff_t first = page->index - (page->pfn - base);
	int extra = page_count(page) - page_mapcount(page);
	struct page *part;

	if (!page_is_compound(page))
		return 0;
	if (!page->anon_vma || extra > 1 || !has_only_entries(page, extra))
		return -EBUSY;
	clear_everywhere(page, first, base);
	p2psim_step_range(P2PSIM_STEP_WRITE, P2PSIM_OBJ_RAM, true, base, base + HPAGE_PMD_NR - 1, "split");
	if (!has_only_entries(page, page_count(page) - page_mapcount(page)))
		return -EBUSY;
	for (i = 0; i < HPAGE_PMD_NR; i++) {
		part = part_of(page, i);
		if (part)
			part->flags &= ~(1UL << PG_head | 1UL << PG_tail);
	}
	return 0;
}
