/* SPDX-License-Identifier: MIT */
/*
 * Page tables after a change of permissions, or of place.
 *
 * PROTECTION_VMA is announced once for each 1 GiB of the range, from the first 2 MiB block in it that has a page table;
 * where there is none, nothing is announced (hand/ and thp/ recordings of 6.1; 6.12 decides at the 1 GiB level).
 */
#include <p2psim/step.h>

#include "vma/internal.h"

/* May a private page that is only ours be written again without a fault? */
static bool may_write_at_once(const struct vm_area_struct *vma, pte_t pte)
{
	const struct page *page;

	if (!(vma->vm_flags & VM_WRITE) || !pte_dirty(pte) || pte_special(pte))
		return false;
	if (vma->vm_flags & VM_SHARED)
		return true;
	page = pfn_to_page(pte_pfn(pte));
	return PageAnon(page) && page->flags & 1UL << PG_anon_exclusive;
}

static pte_t with_permissions(const struct vm_area_struct *vma, pte_t pte)
{
	u64 keep = pte.val & (P2PSIM_PTE_YOUNG | P2PSIM_PTE_DIRTY | P2PSIM_PTE_SPECIAL);
	bool writable = pte_write(pte) && vma->vm_page_prot.val & P2PSIM_PTE_WRITE;

	if (vma->vm_flags & VM_ACCESS_FLAGS && (writable || may_write_at_once(vma, pte)))
		keep |= P2PSIM_PTE_WRITE;
	return mk_pte(vma, pte_pfn(pte), keep);
}

static void protect_table(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	pte_t *pte = p2psim_pte_lookup(vma->vm_mm, start);

	for (; start < end; start += PAGE_SIZE, pte++) {
		if (!pte_present(*pte))
			continue;
		p2psim_step_range(P2PSIM_STEP_PTE_WRITE, p2psim_object_id(&vma->vm_mm->obj), true, start >> PAGE_SHIFT,
				  start >> PAGE_SHIFT, NULL);
		if (pte_present(*pte))
			*pte = with_permissions(vma, *pte);
	}
}

static void protect_gigabyte(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range = {};
	unsigned long next;

	for (; start < end; start = next) {
		next = min((start & PMD_MASK) + PMD_SIZE, end);
		if (!p2psim_pmd_present(vma->vm_mm, start))
			continue;
		if (!range.mm) {
			mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_VMA, 0, vma, vma->vm_mm, start, end);
			mmu_notifier_invalidate_range_start(&range);
		}
		protect_table(vma, start, next);
	}
	if (range.mm)
		mmu_notifier_invalidate_range_end(&range);
}

void change_protection(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	unsigned long next;

	for (; start < end; start = next) {
		next = min((start & PUD_MASK) + PUD_SIZE, end);
		if (p2psim_pud_present(vma->vm_mm, start))
			protect_gigabyte(vma, start, next);
	}
}

/* One entry from here to there; false: no memory for a table. */
static bool move_entry(struct mm_struct *mm, unsigned long from, unsigned long to)
{
	pte_t *old = p2psim_pte_lookup(mm, from), *fresh, value;

	if (!old || pte_none(*old))
		return true;
	fresh = pte_alloc(mm, to);
	if (!fresh)
		return false;
	value = *old;
	pte_set(mm, from, old, __pte(0));
	pte_set(mm, to, fresh, value);
	return true;
}

unsigned long move_page_tables(struct vm_area_struct *vma, unsigned long old_addr, struct vm_area_struct *new_vma,
			       unsigned long new_addr, unsigned long len)
{
	struct mmu_notifier_range range;
	unsigned long done;

	(void)new_vma;
	if (!len)
		return 0;
	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, vma, vma->vm_mm, old_addr, old_addr + len);
	mmu_notifier_invalidate_range_start(&range);
	for (done = 0; done < len; done += PAGE_SIZE) {
		if (!p2psim_pmd_present(vma->vm_mm, old_addr + done)) {
			done = ((old_addr + done) & PMD_MASK) + PMD_SIZE - old_addr - PAGE_SIZE;
			continue;
		}
		if (!move_entry(vma->vm_mm, old_addr + done, new_addr + done))
			break;
	}
	mmu_notifier_invalidate_range_end(&range);
	return min(done, len);
}

void split_huge_block(struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long start = addr & PMD_MASK, end = start + PMD_SIZE;
	struct mmu_notifier_range range;

	if (addr == start || start < vma->vm_start || end > vma->vm_end || !p2psim_pud_present(vma->vm_mm, addr))
		return;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, start, end);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_only_end(&range);
}
