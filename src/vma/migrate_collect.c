/* SPDX-License-Identifier: MIT */
/*
 * migrate_vma_setup(): which pages of a VMA may move.  Mirrors: mm/migrate_device.c, 6.1.
 *
 *	the entry					src[i]
 *	none, anonymous VMA; zero page (SELECT_SYSTEM)	MIGRATE: a page may be put in
 *	a page of RAM (SELECT_SYSTEM)			VALID | MIGRATE, and WRITE if writable; locked, a reference, and the
 *	a page of the same owner's device (SELECT_*)	entry becomes a migration entry
 *	swap, migration, exclusive; pinned or locked;	0
 *	compound; a file's hole; another owner's
 *
 *	M1. The first MIGRATE covers the whole range even if nothing moves.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/huge.h"
#include "vma/migrate.h"
#include "vma/rmap_walk.h"
#include "vma/zone_device.h"

static unsigned long skip_page(struct page *page)
{
	unlock_page(page);
	put_page(page);
	return 0;
}

/* Does the driver want pages of this kind?  Of devices only its own. */
static bool is_selected(const struct migrate_vma *args, const struct page *page)
{
	unsigned long select;

	if (!is_zone_device_page(page))
		return args->flags & MIGRATE_VMA_SELECT_SYSTEM;
	select = is_device_private_page(page) ? MIGRATE_VMA_SELECT_DEVICE_PRIVATE : MIGRATE_VMA_SELECT_DEVICE_COHERENT;
	return args->flags & select && page->pgmap->owner == args->pgmap_owner;
}

/* May this page move, as far as one look tells? */
static struct page *movable_page(const struct migrate_vma *args, pte_t pte)
{
	bool maps = pte_present(pte) ? !pte_special(pte) : is_device_private_pte(pte);
	struct page *page = maps ? pfn_to_page(pte_pfn(pte)) : NULL;

	if (!page || !page->mapping || !is_selected(args, page))
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

static bool is_valid(const struct migrate_vma *args)
{
	const struct vm_area_struct *vma = args->vma;

	if (!vma || vma->vm_flags & (VM_HUGETLB | VM_SPECIAL) || args->start >= args->end)
		return false;
	if (args->start < vma->vm_start || args->end > vma->vm_end || !args->src || !args->dst)
		return false;
	return !args->fault_page || is_device_private_page(args->fault_page);
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
		args->cpages = migrate_unmap_pages(args->src, args->npages, args->fault_page);
	p2psim_leave("migrate_vma_setup: %u pages", (uint64_t)args->cpages);
	return 0;
}
