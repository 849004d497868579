/* SPDX-License-Identifier: MIT */
/*
 * Page tables after a change of permissions, or of place.
 *
 * PROTECTION_VMA is announced once for each 1 GiB of the range, from the first 2 MiB block in it that has a page table;
 * where there is none, nothing is announced (hand/ and thp/ recordings of 6.1; 6.12 decides at the 1 GiB level).
 */
#include <p2psim/step.h>

#include "vma/huge.h"
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

	if (!page || page->flags & (1UL << PG_ksm | 1UL << PG_device) || (is_cow_mapping(vma->vm_flags) && page_count(page) != 1))
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

/* A huge entry never gets back the right to write here: a write fault gives it. */
static void protect_huge(struct vm_area_struct *vma, unsigned long base, rewrite_fn *rewrite)
{
	pte_t *pte;
	int i;

	huge_step(vma->vm_mm, base, NULL);
	pte = p2psim_pte_lookup(vma->vm_mm, base);
	for (i = 0; i < HPAGE_PMD_NR; i++) {
		pte[i] = rewrite(vma, pte[i]);
		if (rewrite == with_permissions)
			pte[i].val &= ~(u64)P2PSIM_PTE_WRITE;
	}
}

/* [start, next) is what lies under one table. */
static void protect_block(struct vm_area_struct *vma, unsigned long start, unsigned long next, unsigned long range_end,
			  rewrite_fn *rewrite)
{
	if (!pmd_is_huge(vma->vm_mm, start)) {
		protect_table(vma, start, next, range_end, rewrite);
	} else if (next - start == PMD_SIZE) {
		protect_huge(vma, start, rewrite);
	} else {
		__split_huge_pmd(vma, start);
		protect_table(vma, start, next, range_end, rewrite);
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
		protect_block(vma, start, next, end, rewrite);
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

/* One entry from here to there, in one step.  There is a table there. */
static void move_entry(struct mm_struct *mm, unsigned long from, unsigned long to)
{
	pte_t *old = p2psim_pte_lookup(mm, from);

	if (pte_none(*old))
		return;
	move_step(mm, from, to);
	*p2psim_pte_lookup(mm, to) = *old;
	*old = __pte(0);
}

/* The entries of [start, start + len), which lie under one table here, and under one there. */
static bool move_entries(struct vm_area_struct *vma, unsigned long start, unsigned long new_addr, unsigned long len)
{
	unsigned long at;

	if (!pte_alloc(vma->vm_mm, new_addr))
		return false;
	lock_reverse_maps(vma);
	for (at = 0; at < len; at += PAGE_SIZE)
		move_entry(vma->vm_mm, start + at, new_addr + at);
	unlock_reverse_maps(vma);
	return true;
}

static void move_block_step(struct mm_struct *mm, unsigned long from, unsigned long to)
{
	u64 old = from >> PAGE_SHIFT, fresh = to >> PAGE_SHIFT;
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_PTE_WRITE,
		.access_count = 2,
		.access[0] = { p2psim_object_id(&mm->obj), true, old, old + HPAGE_PMD_NR - 1 },
		.access[1] = { p2psim_object_id(&mm->obj), true, fresh, fresh + HPAGE_PMD_NR - 1 },
	};

	if (likely(!p2psim_hot->busy))
		p2psim_hot->steps++;
	else
		p2psim_step_op(&op);
}

/* 2 MiB and their table, huge or not, in one step. */
static bool move_block(struct vm_area_struct *vma, unsigned long start, unsigned long new_addr)
{
	bool moved;

	lock_reverse_maps(vma);
	move_block_step(vma->vm_mm, start, new_addr);
	moved = pmd_move(vma->vm_mm, start, new_addr);
	unlock_reverse_maps(vma);
	return moved;
}

/* What one look at the tables covers, here and there. */
static unsigned long extent_of(unsigned long old_addr, unsigned long old_end, unsigned long new_addr)
{
	unsigned long here = min((old_addr & PMD_MASK) + PMD_SIZE, old_end) - old_addr;

	return min(here, (new_addr & PMD_MASK) + PMD_SIZE - new_addr);
}

static bool move_extent(struct vm_area_struct *vma, unsigned long from, unsigned long to, unsigned long extent)
{
	struct mm_struct *mm = vma->vm_mm;

	if (extent == PMD_SIZE && !p2psim_pmd_present(mm, to))
		return move_block(vma, from, to);
	if (pmd_is_huge(mm, from))
		__split_huge_pmd(vma, from);
	return move_entries(vma, from, to, extent);
}

unsigned long move_page_tables(struct vm_area_struct *vma, unsigned long old_addr, struct vm_area_struct *new_vma,
			       unsigned long new_addr, unsigned long len)
{
	unsigned long at, extent;
	struct mmu_notifier_range range;

	(void)new_vma;
	if (!len)
		return 0;
	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, vma, vma->vm_mm, old_addr, old_addr + len);
	mmu_notifier_invalidate_range_start(&range);
	for (at = 0; at < len; at += extent) {
		extent = extent_of(old_addr + at, old_addr + len, new_addr + at);
		if (p2psim_pmd_present(vma->vm_mm, old_addr + at) &&
		    !move_extent(vma, old_addr + at, new_addr + at, extent))
			break;
	}
	mmu_notifier_invalidate_range_end(&range);
	return at;
}

void split_huge_block(struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long start = addr & PMD_MASK, end = start + PMD_SIZE;

	if (addr == start || start < vma->vm_start || end > vma->vm_end || !p2psim_pud_present(vma->vm_mm, addr))
		return;
	__split_huge_pmd(vma, addr);
}
