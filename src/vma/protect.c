/* SPDX-License-Identifier: MIT */
/*
 * Page tables after a change of permissions, or of place.
 *
 * PROTECTION_VMA is announced once for each 1 GiB of the range, from the first 2 MiB block in it that has a page table;
 * where there is none, nothing is announced (hand/ and thp/ recordings of 6.1; 6.12 decides at the 1 GiB level).
 */
#include <p2psim/step.h>

#include "vma/internal.h"

/* May a page that was written, and is only ours if private, be written again without a fault? */
static bool may_write_at_once(const struct vm_area_struct *vma, pte_t pte)
{
	const struct page *page;

	if (!(vma->vm_flags & VM_WRITE) || !pte_dirty(pte))
		return false;
	if (vma->vm_flags & VM_SHARED)
		return true;
	page = pte_special(pte) ? NULL : pfn_to_page(pte_pfn(pte));
	return page && PageAnon(page) && page->flags & 1UL << PG_anon_exclusive;
}

static pte_t with_permissions(const struct vm_area_struct *vma, pte_t pte)
{
	u64 keep = pte.val & (P2PSIM_PTE_YOUNG | P2PSIM_PTE_DIRTY | P2PSIM_PTE_SPECIAL);
	bool writable = vma->vm_page_prot.val & P2PSIM_PTE_WRITE && !vma_wants_writenotify(vma);

	if (vma->vm_flags & VM_ACCESS_FLAGS && (writable || may_write_at_once(vma, pte)))
		keep |= P2PSIM_PTE_WRITE;
	return mk_pte(vma, pte_pfn(pte), keep);
}

/* Whatever the new rights are, a write will ask again.  A page that moves is still this mapping's alone. */
static pte_t kept_read_only(pte_t pte)
{
	return __pte(pte.val & ~(u64)P2PSIM_PTE_WRITE);
}

/*
 * A NUMA hint: the next touch faults and tells who uses the page; `write` stays, for when it is taken back.  Shared copies,
 * and what is no page of RAM, stay as they are.
 */
static pte_t with_numa_hint(const struct vm_area_struct *vma, pte_t pte)
{
	const struct page *page = pte_special(pte) ? NULL : pfn_to_page(pte_pfn(pte));

	if (!page || page->flags & 1UL << PG_ksm || (is_cow_mapping(vma->vm_flags) && page_count(page) != 1))
		return pte;
	return __pte((pte.val & ~(u64)P2PSIM_PTE_PRESENT) | P2PSIM_PTE_PROTNONE);
}

typedef pte_t rewrite_fn(const struct vm_area_struct *vma, pte_t pte);

/* The entries of one table; range_end: how far the walk will look. */
static void protect_table(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long range_end,
			  rewrite_fn *rewrite)
{
	pte_t *pte = p2psim_pte_lookup(vma->vm_mm, start);

	for (; start < end; start += PAGE_SIZE, pte++) {
		if (!pte_present(*pte) && !pte_is_page_kept(*pte))
			continue;
		pte_walk_step(vma->vm_mm, start, range_end);
		if (pte_present(*pte))
			*pte = rewrite(vma, *pte);
		else if (pte_is_page_kept(*pte))
			*pte = kept_read_only(*pte);
	}
}

static void protect_gigabyte(struct vm_area_struct *vma, unsigned long start, unsigned long end, rewrite_fn *rewrite)
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
			p2psim_step_range(P2PSIM_STEP_PTE_READ, p2psim_object_id(&vma->vm_mm->obj), false,
					  start >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT, NULL);
		}
		protect_table(vma, start, next, end, rewrite);
	}
	if (range.mm)
		mmu_notifier_invalidate_range_end(&range);
}

static void change_entries(struct vm_area_struct *vma, unsigned long start, unsigned long end, rewrite_fn *rewrite)
{
	unsigned long next;

	for (; start < end; start = next) {
		next = min((start & PUD_MASK) + PUD_SIZE, end);
		if (p2psim_pud_present(vma->vm_mm, start))
			protect_gigabyte(vma, start, next, rewrite);
	}
}

void change_protection(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	change_entries(vma, start, end, with_permissions);
}

void change_prot_numa(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	change_entries(vma, start, end, with_numa_hint);
}

/* Who walks a reverse map has passed the one place, or not reached the other: it sees the entry once. */
static void lock_reverse_maps(const struct vm_area_struct *vma)
{
	if (vma->vm_file)
		i_mmap_lock_write(vma->vm_file->f_mapping);
	if (vma->anon_vma)
		anon_vma_lock_write(vma->anon_vma);
}

static void unlock_reverse_maps(const struct vm_area_struct *vma)
{
	if (vma->anon_vma)
		anon_vma_unlock_write(vma->anon_vma);
	if (vma->vm_file)
		i_mmap_unlock_write(vma->vm_file->f_mapping);
}

static void move_step(struct mm_struct *mm, unsigned long from, unsigned long to)
{
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_PTE_WRITE,
		.access_count = 2,
		.access[0] = { p2psim_object_id(&mm->obj), true, from >> PAGE_SHIFT, from >> PAGE_SHIFT },
		.access[1] = { p2psim_object_id(&mm->obj), true, to >> PAGE_SHIFT, to >> PAGE_SHIFT },
	};

	if (likely(!p2psim_hot->busy))
		p2psim_hot->steps++;
	else
		p2psim_step_op(&op);
}

/* One entry from here to there, in one step; false: no memory for a table. */
static bool move_entry(struct mm_struct *mm, unsigned long from, unsigned long to)
{
	pte_t *old = p2psim_pte_lookup(mm, from), *fresh;

	if (pte_none(*old))
		return true;
	fresh = pte_alloc(mm, to);
	if (!fresh)
		return false;
	move_step(mm, from, to);
	*fresh = *old;
	*old = __pte(0);
	return true;
}

/* The entries of one table.  Returns how far it came. */
static unsigned long move_table(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long new_addr)
{
	unsigned long at;

	lock_reverse_maps(vma);
	for (at = start; at < end; at += PAGE_SIZE)
		if (!move_entry(vma->vm_mm, at, new_addr + at - start))
			break;
	unlock_reverse_maps(vma);
	return at;
}

unsigned long move_page_tables(struct vm_area_struct *vma, unsigned long old_addr, struct vm_area_struct *new_vma,
			       unsigned long new_addr, unsigned long len)
{
	unsigned long at = old_addr, end = old_addr + len, next;
	struct mmu_notifier_range range;

	(void)new_vma;
	if (!len)
		return 0;
	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, vma, vma->vm_mm, old_addr, end);
	mmu_notifier_invalidate_range_start(&range);
	for (; at < end; at = next) {
		next = min((at & PMD_MASK) + PMD_SIZE, end);
		if (!p2psim_pmd_present(vma->vm_mm, at))
			continue;
		at = move_table(vma, at, next, new_addr + at - old_addr);
		if (at < next)
			break;
	}
	mmu_notifier_invalidate_range_end(&range);
	return at - old_addr;
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
