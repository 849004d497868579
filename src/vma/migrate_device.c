/* SPDX-License-Identifier: MIT */
/*
 * Lists of pages that a driver moves: from the pages of a VMA (migrate_vma_*(), migrate_collect.c) or from a range of a device's
 * pfns (migrate_device_*()).  Mirrors: mm/migrate_device.c, 6.1.
 *
 *	setup	start(MIGRATE, [start, end))
 *		  each page: trylock, entry := migration		migrate_collect.c
 *		end()
 *		mapped elsewhere, too: CLEAR each			unmap
 *		pinned, or still mapped: back to what it was
 *	pages	identity to dst[]; none and zero entries get theirs	a second MIGRATE (migrate_insert.c)
 *	finalize migration entries := dst[] or src[], unlock, put
 *
 *	M2. Between setup and finalize each page with MIGRATE is locked, referenced once, and mapped nowhere.
 *	M3. Whoever touches a page meanwhile waits; a driver that sleeps for such a one waits for itself.
 *	M4. Only anonymous memory that is not in the swap cache goes to a device, and only to PRIVATE or COHERENT memory.
 *	M5. A device's page that somebody else has a reference of goes as far as `pages`, and no further.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/migrate.h"
#include "vma/rmap_walk.h"
#include "vma/swap.h"
#include "vma/zone_device.h"

static void release(struct page *page)
{
	unlock_page(page);
	put_page(page);
}

/* ---- unmap ---- */

/* M5: the kernel allows for a reference that pages of devices once had. */
static bool is_free_to_move(const struct page *page, const struct page *fault_page)
{
	int expected = migrate_expected_count(page) + (page == fault_page) + is_zone_device_page(page);

	p2psim_step_range(P2PSIM_STEP_READ, P2PSIM_OBJ_RAM, false, page->pfn, page->pfn, "migrate:check");
	return !page_mapcount(page) && page_count(page) <= expected;
}

/* The anon_vma in which a page's migration entries are found stays until finalize, though its VMAs may go. */
static void isolate(struct page *page)
{
	if (!PageAnon(page) || !page->anon_vma)
		return;
	page->anon_vma->refcount++;
	page->flags |= 1UL << PG_isolated;
}

static void put_back(struct page *page)
{
	struct anon_vma *anon_vma = page->anon_vma;

	if (!(page->flags & 1UL << PG_isolated))
		return;
	page->flags &= ~(1UL << PG_isolated);
	if (!page_mapcount(page))
		page->anon_vma = NULL;
	p2psim_anon_vma_put(anon_vma);
}

static void restore_entries(struct page *from, struct page *to)
{
	remove_migration_ptes(from, to);
	put_back(to);
}

static unsigned long restore_what_stays(unsigned long *src, unsigned long npages)
{
	unsigned long i, moving = 0;
	struct page *page;

	for (i = 0; i < npages; i++) {
		page = migrate_pfn_to_page(src[i]);
		moving += !!(src[i] & MIGRATE_PFN_MIGRATE);
		if (!page || src[i] & MIGRATE_PFN_MIGRATE)
			continue;
		restore_entries(page, page);
		src[i] = 0;
		release(page);
	}
	return moving;
}

unsigned long migrate_unmap_pages(unsigned long *src, unsigned long npages, const struct page *fault_page)
{
	struct page *page;
	unsigned long i;

	for (i = 0; i < npages; i++) {
		page = migrate_pfn_to_page(src[i]);
		if (!page)
			continue;
		isolate(page);
		if (page_mapcount(page))
			try_to_migrate(page);
		if (!is_free_to_move(page, fault_page))
			src[i] &= ~MIGRATE_PFN_MIGRATE;
	}
	return restore_what_stays(src, npages);
}

/* ---- pages ---- */

/* M4 */
static bool may_become(const struct page *to, const struct page *from)
{
	if (!is_zone_device_page(to))
		return true;
	if (!is_device_private_page(to) && !is_device_coherent_page(to))
		return false;
	return PageAnon(from) ? !swap_cache_refs(from) : !from->mapping;
}

static bool move(struct page *to, struct page *from, const struct page *fault_page)
{
	return may_become(to, from) && !migrate_page_identity(to, from, false, from == fault_page);
}

/* `args` NULL: no VMA, and no entries without a page. */
static void move_pages(unsigned long *src, const unsigned long *dst, unsigned long npages, struct migrate_vma *args)
{
	struct migrate_insert insert = { .args = args };
	struct page *to, *from;
	unsigned long i;

	for (i = 0; i < npages; i++) {
		to = migrate_pfn_to_page(dst[i]);
		from = migrate_pfn_to_page(src[i]);
		if (!to)
			src[i] &= ~MIGRATE_PFN_MIGRATE;
		else if (!from && src[i] & MIGRATE_PFN_MIGRATE)
			migrate_insert_page(&insert, i, to);
		else if (from && !move(to, from, args ? args->fault_page : NULL))
			src[i] &= ~MIGRATE_PFN_MIGRATE;
	}
	migrate_insert_end(&insert);
}

void(migrate_vma_pages)(struct migrate_vma *args)
{
	p2psim_enter("migrate_vma_pages(%p, %p)", args->start, args->end);
	move_pages(args->src, args->dst, args->npages, args);
	p2psim_leave("migrate_vma_pages");
}

void(migrate_device_pages)(unsigned long *src_pfns, unsigned long *dst_pfns, unsigned long npages)
{
	move_pages(src_pfns, dst_pfns, npages, NULL);
}

/* ---- finalize ---- */

static void finalize_page(unsigned long src, unsigned long dst)
{
	struct page *from = migrate_pfn_to_page(src), *to = migrate_pfn_to_page(dst);

	if (from) {
		restore_entries(from, to && src & MIGRATE_PFN_MIGRATE ? to : from);
		release(from);
	}
	if (to)
		release(to);
}

void(migrate_device_finalize)(unsigned long *src_pfns, unsigned long *dst_pfns, unsigned long npages)
{
	unsigned long i;

	for (i = 0; i < npages; i++)
		finalize_page(src_pfns[i], dst_pfns[i]);
}

void(migrate_vma_finalize)(struct migrate_vma *args)
{
	p2psim_enter("migrate_vma_finalize(%p, %p)", args->start, args->end);
	(migrate_device_finalize)(args->src, args->dst, args->npages);
	p2psim_leave("migrate_vma_finalize");
}
