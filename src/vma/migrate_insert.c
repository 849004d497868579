/* SPDX-License-Identifier: MIT */
/*
 * Pages that migrate_vma_pages() puts where nothing was, or the zero page: MIGRATE once, from the first of them to the end of
 * the range.
 */
#include <p2psim/step.h>

#include "vma/fault_internal.h"
#include "vma/migrate.h"
#include "vma/rmap_walk.h"
#include "vma/zone_device.h"

static void announce(struct migrate_insert *insert, unsigned long addr)
{
	const struct migrate_vma *args = insert->args;

	if (insert->notified)
		return;
	mmu_notifier_range_init_owner(&insert->range, MMU_NOTIFY_MIGRATE, 0, args->vma, args->vma->vm_mm, addr, args->end,
				      args->pgmap_owner);
	mmu_notifier_invalidate_range_start(&insert->range);
	insert->notified = true;
}

void migrate_insert_end(struct migrate_insert *insert)
{
	if (insert->notified)
		mmu_notifier_invalidate_range_only_end(&insert->range);
}

static bool is_zero_entry(pte_t pte)
{
	return pte_special(pte) && is_zero_pfn(pte_pfn(pte));
}

/* As a fault would have made it: dirty, writable if the VMA is. */
static pte_t fresh_pte(const struct vm_area_struct *vma, const struct page *page)
{
	u64 bits = vma->vm_flags & VM_WRITE ? P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY : 0;

	if (is_device_private_page(page))
		return pfn_pte(page_to_pfn(page), P2PSIM_PTE_DEVICE_PRIVATE | (bits & P2PSIM_PTE_WRITE));
	return mk_pte(vma, page_to_pfn(page), bits);
}

/* In place of the zero page, whom secondary page tables may have: nobody sees either in between. */
static void replace_zero_page(struct mm_struct *mm, unsigned long addr, pte_t *pte, pte_t fresh)
{
	unsigned long unit = addr >> PAGE_SHIFT;
	struct p2psim_pte_hold hold;

	*pte = __pte(0);
	pte_hold(mm, &hold, addr);
	mmu_notifier_invalidate_range(mm, addr, addr + PAGE_SIZE);
	mmu_notifier_change_pte(mm, addr, fresh);
	p2psim_step_range(P2PSIM_STEP_PTE_WRITE, p2psim_object_id(&mm->obj), true, unit, unit, NULL);
	*pte = fresh;
	pte_release(mm, &hold);
}

static bool is_supported(const struct page *page)
{
	return !is_zone_device_page(page) || is_device_private_page(page) || is_device_coherent_page(page);
}

/* False: something is there, or there is no memory for tables. */
static bool insert_page(struct vm_area_struct *vma, unsigned long addr, struct page *page)
{
	struct mm_struct *mm = vma->vm_mm;
	pte_t *pte, fresh;

	pte = vma_is_anonymous(vma) && is_supported(page) ? pte_alloc(mm, addr) : NULL;
	if (!pte || __anon_vma_prepare(vma))
		return false;
	pte_page_step(mm, addr, page, "migrate:insert");
	if (mm->unstable || (!pte_none(*pte) && !is_zero_entry(*pte)))
		return false;
	get_page(page);
	page->flags |= 1UL << PG_uptodate;
	page_add_anon_rmap(page, vma, addr);
	mm_count_page(mm, page, 1);
	fresh = fresh_pte(vma, page);
	if (pte_none(*pte))
		*pte = fresh;
	else
		replace_zero_page(mm, addr, pte, fresh);
	return true;
}

void migrate_insert_page(struct migrate_insert *insert, unsigned long i, struct page *page)
{
	struct migrate_vma *args = insert->args;
	unsigned long addr = args->start + (i << PAGE_SHIFT);

	announce(insert, addr);
	args->src[i] = insert_page(args->vma, addr, page) ? MIGRATE_PFN_MIGRATE : 0;
}
