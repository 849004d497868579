/* SPDX-License-Identifier: MIT */
/*
 * A page moves to another pfn: what compaction, NUMA balancing and migrate_vma_*() share.  Mirrors: mm/migrate.c and the
 * migrating half of mm/rmap.c, 6.1.
 *
 *	whoever migrates				whoever touches the page
 *	lock page
 *	for each VMA that may map it:
 *	  start(CLEAR, page)
 *	  entry := migration, unless pinned
 *	  end()						fault: waits for the entry to change
 *	identity and contents to the new page
 *	migration entries := entries of the new page	fault: sees it
 *	unlock
 *
 *	G1. While a page has migration entries it is locked, and somebody holds a reference.
 *	G2. A page moves only if nobody else has a reference (migrate_expected_count()).
 *	G3. Migration entries without a page to go to become what they were.
 */
#include <p2psim/actors.h>
#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/fault_internal.h"
#include "vma/huge.h"
#include "vma/page_cache.h"
#include "vma/rmap_walk.h"
#include "vma/zone_device.h"

static bool is_exclusive_anon(const struct page *page)
{
	return PageAnon(page) && page->flags & 1UL << PG_anon_exclusive;
}

bool make_migration_entry(struct vm_area_struct *vma, pte_t *pte, struct page *page)
{
	u64 bits = P2PSIM_PTE_MIGRATION | (pte->val & P2PSIM_PTE_WRITE);

	(void)vma;
	if (is_exclusive_anon(page)) {
		if (page_maybe_dma_pinned(page) && !is_device_private_page(page)) /* which nobody can pin */
			return false;
		page->flags &= ~(1UL << PG_anon_exclusive);
		bits |= P2PSIM_PTE_ONLY;
	}
	if (pte_dirty(*pte))
		set_page_dirty(page);
	*pte = pfn_pte(page_to_pfn(page), bits);
	page->_mapcount.counter--;
	drop_page(page); /* G1: not the last */
	return true;
}

static bool migrate_from_vma(struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	struct page *page = arg;
	struct mmu_notifier_range range;
	bool ok = true;
	pte_t *pte;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, addr, addr + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pte_page_step(vma->vm_mm, addr, page, "migrate:unmap");
	pte = p2psim_pte_lookup(vma->vm_mm, addr);
	if (pte_maps(pte, page))
		ok = make_migration_entry(vma, pte, page);
	mmu_notifier_invalidate_range_end(&range);
	return ok;
}

void try_to_migrate(struct page *page)
{
	rmap_walk(page, false, migrate_from_vma, page);
}

struct arrival {
	struct page *from, *to;
};

/*
 * What the entry was, with the VMA's rights of today, but old and clean: on the machine of the recordings a migration entry has
 * no room for either (after mprotect() and back a write faults).
 */
static pte_t arrived_pte(const struct vm_area_struct *vma, const struct page *page, pte_t entry)
{
	u64 bits = 0;

	if (entry.val & P2PSIM_PTE_WRITE && vma->vm_flags & VM_WRITE)
		bits |= P2PSIM_PTE_WRITE;
	if (is_device_private_page(page))
		return pfn_pte(page_to_pfn(page), P2PSIM_PTE_DEVICE_PRIVATE | (bits & P2PSIM_PTE_WRITE));
	return mk_pte(vma, page_to_pfn(page), bits | fault_file_bits(vma));
}

static bool arrive_in_vma(struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	const struct arrival *a = arg;
	pte_t *pte, entry;

	pte_page_step(vma->vm_mm, addr, a->to, "migrate:map");
	pte = p2psim_pte_lookup(vma->vm_mm, addr);
	if (!pte || !is_migration_pte(*pte) || pte_pfn(*pte) != page_to_pfn(a->from))
		return true;
	entry = *pte;
	get_page(a->to);
	a->to->_mapcount.counter++;
	if (PageAnon(a->to) && entry.val & (P2PSIM_PTE_WRITE | P2PSIM_PTE_ONLY))
		a->to->flags |= 1UL << PG_anon_exclusive;
	else
		p2psim_page_set_owner(a->to, 0); /* a fork may have come in between */
	*pte = arrived_pte(vma, a->to, entry);
	return true;
}

void remove_migration_ptes(struct page *from, struct page *to)
{
	struct arrival arrival = { from, to };

	rmap_walk(to, true, arrive_in_vma, &arrival);
}

int migrate_expected_count(const struct page *page)
{
	return !PageAnon(page) && page->mapping ? 2 : 1;
}

/* G2, and the move, in one step. */
int migrate_page_identity(struct page *to, struct page *from, bool copy, int extra)
{
	const unsigned long kept = 1UL << PG_uptodate | 1UL << PG_dirty | 1UL << PG_referenced | 1UL << PG_swapbacked |
				   1UL << PG_anon | 1UL << PG_isolated;

	p2psim_step_range(P2PSIM_STEP_WRITE, P2PSIM_OBJ_RAM, true, from->pfn, from->pfn, "migrate:move");
	if (page_count(from) != migrate_expected_count(from) + extra)
		return -EAGAIN;
	if (copy && !p2psim_ram_copy(to, from))
		return -ENOMEM;
	to->flags |= from->flags & kept;
	p2psim_page_set_owner(to, p2psim_page_owner(from));
	if (!PageAnon(from) && from->mapping) {
		page_cache_replace(from, to);
		return 0;
	}
	to->anon_vma = from->anon_vma;
	to->index = from->index;
	from->anon_vma = NULL;
	from->flags &= ~(1UL << PG_isolated);
	return 0;
}

/* ---- the actor: compaction, NUMA balancing ---- */

/* Both locked.  0, -EBUSY, -EAGAIN, -ENOMEM. */
static int migrate_to(struct page *to, struct page *from)
{
	int error = -EBUSY;

	try_to_migrate(from);
	if (!page_mapcount(from))
		error = migrate_page_identity(to, from, true, 0);
	remove_migration_ptes(from, error ? from : to);
	return error;
}

/* What may move: a page that somebody maps, of a file or anonymous, with at most the references of its mappings. */
static struct anon_vma *hold_anon_vma(const struct page *page)
{
	struct anon_vma *anon_vma = PageAnon(page) ? page->anon_vma : NULL;

	if (anon_vma)
		anon_vma->refcount++;
	return anon_vma;
}

static int migrate_locked(struct page *page)
{
	struct anon_vma *anon_vma;
	struct page *to;
	int error;

	if (!page->mapping || !page_mapcount(page) || is_zone_device_page(page)) /* a device's is on no list */
		return -EINVAL;
	if (split_huge_page(page))
		return -EBUSY;
	to = (alloc_page)(GFP_HIGHUSER_MOVABLE);
	if (!to)
		return -ENOMEM;
	lock_page(to);
	anon_vma = hold_anon_vma(page);
	error = migrate_to(to, page);
	if (anon_vma)
		p2psim_anon_vma_put(anon_vma);
	unlock_page(to);
	put_page(to);
	return error;
}

int p2psim_migrate_page(struct page *page)
{
	int error;

	p2psim_enter("migrate page %x", page->pfn);
	get_page(page);
	lock_page(page);
	error = migrate_locked(page);
	unlock_page(page);
	put_page(page);
	p2psim_leave("migrate page = %e", (uint64_t)(int64_t)error);
	return error;
}

int p2psim_migrate_address(struct p2psim_process *process, unsigned long addr)
{
	pte_t pte = p2psim_pte_read(p2psim_process_mm(process), addr);

	if (!pte_present(pte) || pte_special(pte))
		return -ENOENT;
	return p2psim_migrate_page(pfn_to_page(pte_pfn(pte)));
}
