/* SPDX-License-Identifier: MIT */
/*
 * migrate_vma_setup(), _pages(), _finalize(): a driver moves the pages of a VMA.  Mirrors: mm/migrate_device.c, 6.1 (without
 * device memory: src entries and owners are made for it).
 *
 *	setup	start(MIGRATE, [start, end))
 *		  each page: trylock, entry := migration		collect
 *		end()
 *		mapped elsewhere, too: CLEAR each			unmap
 *		pinned, or still mapped: back to what it was
 *	pages	identity to dst[]; none and zero entries get theirs	a second MIGRATE (migrate_insert.c)
 *	finalize migration entries := dst[] or src[], unlock, put
 *
 *	M1. The first MIGRATE covers the whole range even if nothing moves.
 *	M2. Between setup and finalize each page with MIGRATE is locked, referenced once, and mapped nowhere.
 *	M3. Whoever touches a page meanwhile waits; a driver that sleeps for such a one waits for itself.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/migrate.h"
#include "vma/huge.h"
#include "vma/rmap_walk.h"

/* ---- setup: collect ---- */

static unsigned long skip_page(struct page *page)
{
	unlock_page(page);
	put_page(page);
	return 0;
}

/* May this page move, as far as one look tells? */
static struct page *movable_page(const struct migrate_vma *args, pte_t pte)
{
	struct page *page = pte_present(pte) && !pte_special(pte) ? pfn_to_page(pte_pfn(pte)) : NULL;

	if (!page || !(args->flags & MIGRATE_VMA_SELECT_SYSTEM) || !page->mapping)
		return NULL;
	return page_is_compound(page) ? NULL : page;
}

/* The page is locked, with a reference of ours.  *changed: the entry is not what it was, look again. */
static unsigned long take_entry(struct migrate_vma *args, unsigned long addr, pte_t seen, struct page *page, bool *changed)
{
	unsigned long mpfn = migrate_pfn(page_to_pfn(page)) | MIGRATE_PFN_MIGRATE;
	pte_t *pte;

	pte_page_step(args->vma->vm_mm, addr, page, "migrate:collect");
	pte = p2psim_pte_lookup(args->vma->vm_mm, addr);
	*changed = pte->val != seen.val;
	if (*changed || !make_migration_entry(args->vma, pte, page))
		return skip_page(page);
	args->cpages++;
	return mpfn | (pte_write(seen) ? MIGRATE_PFN_WRITE : 0);
}

static unsigned long collect_empty(struct migrate_vma *args, bool may_fill)
{
	args->cpages += may_fill;
	return may_fill ? MIGRATE_PFN_MIGRATE : 0;
}

static unsigned long collect_entry(struct migrate_vma *args, unsigned long addr)
{
	bool changed = true;
	unsigned long mpfn;
	struct page *page;
	pte_t pte;

	for (mpfn = 0; changed;) {
		pte = p2psim_pte_read(args->vma->vm_mm, addr);
		if (pte_none(pte))
			return collect_empty(args, vma_is_anonymous(args->vma));
		if (pte_special(pte) && is_zero_pfn(pte_pfn(pte)))
			return collect_empty(args, args->flags & MIGRATE_VMA_SELECT_SYSTEM);
		page = movable_page(args, pte);
		if (!page)
			return 0;
		get_page(page);
		if (!trylock_page(page)) {
			put_page(page);
			return 0;
		}
		mpfn = take_entry(args, addr, pte, page, &changed);
	}
	return mpfn;
}

/* The huge entry around addr becomes small ones, and so does its page, if it can. */
static void split_block(struct migrate_vma *args, unsigned long addr)
{
	struct mm_struct *mm = args->vma->vm_mm;
	pte_t pte;

	if (!pmd_is_huge(mm, addr))
		return;
	pte = *p2psim_pte_lookup(mm, addr & PMD_MASK);
	if (is_huge_zero_entry(pte))
		__split_huge_pmd(args->vma, addr);
	else
		split_huge_page(pfn_to_page(pte_pfn(pte)));
}

/* M1 */
static void collect(struct migrate_vma *args)
{
	struct mmu_notifier_range range;
	unsigned long addr;

	mmu_notifier_range_init_owner(&range, MMU_NOTIFY_MIGRATE, 0, args->vma, args->vma->vm_mm, args->start, args->end,
				      args->pgmap_owner);
	mmu_notifier_invalidate_range_start(&range);
	for (addr = args->start; addr < args->end; addr += PAGE_SIZE) {
		split_block(args, addr);
		args->dst[args->npages] = 0;
		args->src[args->npages++] = collect_entry(args, addr);
	}
	mmu_notifier_invalidate_range_end(&range);
	args->end = args->start + (args->npages << PAGE_SHIFT);
}

/* ---- setup: unmap ---- */

static bool is_free_to_move(const struct page *page)
{
	p2psim_step_range(P2PSIM_STEP_READ, P2PSIM_OBJ_RAM, false, page->pfn, page->pfn, "migrate:check");
	return !page_mapcount(page) && page_count(page) <= migrate_expected_count(page);
}

static void release(struct page *page)
{
	unlock_page(page);
	put_page(page);
}

static void unmap(struct migrate_vma *args)
{
	struct page *page;
	unsigned long i;

	for (i = 0; i < args->npages; i++) {
		page = migrate_pfn_to_page(args->src[i]);
		if (!page)
			continue;
		if (page_mapcount(page))
			try_to_migrate(page);
		if (!is_free_to_move(page)) {
			args->src[i] &= ~MIGRATE_PFN_MIGRATE;
			args->cpages--;
		}
	}
	for (i = 0; i < args->npages; i++) {
		page = migrate_pfn_to_page(args->src[i]);
		if (!page || args->src[i] & MIGRATE_PFN_MIGRATE)
			continue;
		remove_migration_ptes(page, page);
		args->src[i] = 0;
		release(page);
	}
}

static bool is_valid(const struct migrate_vma *args)
{
	const struct vm_area_struct *vma = args->vma;

	if (!vma || vma->vm_flags & (VM_HUGETLB | VM_SPECIAL) || args->start >= args->end)
		return false;
	return args->start >= vma->vm_start && args->end <= vma->vm_end && args->src && args->dst && !args->fault_page;
}

int(migrate_vma_setup)(struct migrate_vma *args)
{
	args->start &= PAGE_MASK;
	args->end &= PAGE_MASK;
	if (!is_valid(args))
		return -EINVAL;
	mmap_assert_locked(args->vma->vm_mm);
	p2psim_enter("migrate_vma_setup(%p, %p)", args->start, args->end);
	args->cpages = args->npages = 0;
	collect(args);
	if (args->cpages)
		unmap(args);
	p2psim_leave("migrate_vma_setup: %u pages", (uint64_t)args->cpages);
	return 0;
}

/* ---- pages ---- */

void(migrate_vma_pages)(struct migrate_vma *args)
{
	struct migrate_insert insert = { .args = args };
	struct page *to, *from;
	unsigned long i;

	p2psim_enter("migrate_vma_pages(%p, %p)", args->start, args->end);
	for (i = 0; i < args->npages; i++) {
		to = migrate_pfn_to_page(args->dst[i]);
		from = migrate_pfn_to_page(args->src[i]);
		if (!to)
			args->src[i] &= ~MIGRATE_PFN_MIGRATE;
		else if (!from && args->src[i] & MIGRATE_PFN_MIGRATE)
			migrate_insert_page(&insert, i, to);
		else if (from && migrate_page_identity(to, from, false))
			args->src[i] &= ~MIGRATE_PFN_MIGRATE;
	}
	migrate_insert_end(&insert);
	p2psim_leave("migrate_vma_pages");
}

/* ---- finalize ---- */

static void finalize_page(unsigned long src, unsigned long dst)
{
	struct page *from = migrate_pfn_to_page(src), *to = migrate_pfn_to_page(dst);

	if (from) {
		remove_migration_ptes(from, to && src & MIGRATE_PFN_MIGRATE ? to : from);
		release(from);
	}
	if (to)
		release(to);
}

void(migrate_vma_finalize)(struct migrate_vma *args)
{
	unsigned long i;

	p2psim_enter("migrate_vma_finalize(%p, %p)", args->start, args->end);
	for (i = 0; i < args->npages; i++)
		finalize_page(args->src[i], args->dst[i]);
	p2psim_leave("migrate_vma_finalize");
}
