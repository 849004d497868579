/* SPDX-License-Identifier: MIT */
/*
 * Four-level page tables: pgd, pud, pmd, pte, 512 entries each, in blocks of 4096 bytes.  The upper three hold pointers
 * to the level below; they are simulated memory of the kernel, not of the process.  A huge entry of the pmd is a table, too,
 * with a mark.  Left out: locks per table (an entry is read or written in one step; the steps are the locks).
 */
#include <p2psim/check.h>
#include <p2psim/step.h>

#include "vma/internal.h"
#include "vma/swap.h"

#define TABLE "page tables"
/* In a slot of the pmd: its table is one huge entry. */
#define HUGE_MARK 1UL

static void *table_in(void *slot)
{
	return (void *)((uintptr_t)slot & ~HUGE_MARK);
}

static unsigned int index_at(unsigned long addr, int level)
{
	return (addr >> (PAGE_SHIFT + 9 * level)) & (PTRS_PER_TABLE - 1);
}

/* The table of `level` (3 = pgd ... 0 = pte) around addr; NULL if it is not there and not to be made, or no memory. */
static void *table_at(struct mm_struct *mm, unsigned long addr, int level, bool make)
{
	void **table = mm->pgd, **slot;
	int at;

	if (!table && make)
		table = mm->pgd = p2psim_block_alloc(TABLE);
	for (at = 3; table && at > level; at--) {
		slot = &table[index_at(addr, at)];
		if (!*slot && make)
			*slot = p2psim_block_alloc(TABLE);
		table = table_in(*slot);
	}
	return table;
}

pte_t *p2psim_pte_lookup(struct mm_struct *mm, unsigned long addr)
{
	pte_t *table = table_at(mm, addr, 0, false);

	return table ? &table[index_at(addr, 0)] : NULL;
}

bool pmd_alloc(struct mm_struct *mm, unsigned long addr)
{
	return table_at(mm, addr, 1, true) != NULL;
}

pte_t *pte_alloc(struct mm_struct *mm, unsigned long addr)
{
	pte_t *table = table_at(mm, addr, 0, true);

	return table ? &table[index_at(addr, 0)] : NULL;
}

bool p2psim_pmd_present(struct mm_struct *mm, unsigned long addr)
{
	return table_at(mm, addr, 0, false) != NULL;
}

bool p2psim_pud_present(struct mm_struct *mm, unsigned long addr)
{
	return table_at(mm, addr, 1, false) != NULL;
}

pte_t p2psim_pte_read(struct mm_struct *mm, unsigned long addr)
{
	pte_t *pte;

	p2psim_step_range(P2PSIM_STEP_PTE_READ, p2psim_object_id(&mm->obj), false, addr >> PAGE_SHIFT, addr >> PAGE_SHIFT,
			  NULL);
	pte = p2psim_pte_lookup(mm, addr);
	return pte ? *pte : __pte(0);
}

static void **pmd_slot(struct mm_struct *mm, unsigned long addr)
{
	void **table = table_at(mm, addr, 1, false);

	return table ? &table[index_at(addr, 1)] : NULL;
}

bool pmd_is_huge(struct mm_struct *mm, unsigned long addr)
{
	void **slot = pmd_slot(mm, addr);

	return slot && (uintptr_t)*slot & HUGE_MARK;
}

bool p2psim_pmd_is_huge(struct mm_struct *mm, unsigned long addr)
{
	return pmd_is_huge(mm, addr);
}

void pmd_set_huge(struct mm_struct *mm, unsigned long addr, bool huge)
{
	void **slot = pmd_slot(mm, addr);

	*slot = (void *)((uintptr_t)table_in(*slot) | (huge ? HUGE_MARK : 0));
}

bool pmd_move(struct mm_struct *mm, unsigned long from, unsigned long to)
{
	void **old = pmd_slot(mm, from);

	if (!pmd_alloc(mm, to))
		return false;
	*pmd_slot(mm, to) = *old;
	*old = NULL;
	return true;
}

void pmd_free_table(struct mm_struct *mm, unsigned long addr)
{
	void **slot = pmd_slot(mm, addr);

	p2psim_block_free(table_in(*slot), TABLE);
	*slot = NULL;
}

struct entry_of {
	const struct mm_struct *mm;
	unsigned long addr;
};

bool pte_is_held(const struct mm_struct *mm, unsigned long addr)
{
	const struct p2psim_pte_hold *hold = mm->pte_holds;

	while (hold && hold->addr != addr)
		hold = hold->next;
	return hold;
}

static bool nobody_holds(void *arg)
{
	const struct entry_of *entry = arg;

	return !pte_is_held(entry->mm, entry->addr);
}

void pte_step_slow(struct mm_struct *mm, unsigned long addr, unsigned long end, const struct page *page, const char *label)
{
	struct entry_of entry = { mm, addr };
	u64 unit = addr >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_PTE_WRITE,
		.label = label,
		.enabled = nobody_holds,
		.arg = &entry,
		.access_count = 1,
		.access[0] = { p2psim_object_id(&mm->obj), true, unit, unit },
	};

	if (last > unit)
		op.access[op.access_count++] = (struct p2psim_access){ op.access[0].obj, false, unit + 1, last };
	if (page)
		op.access[op.access_count++] = (struct p2psim_access){ P2PSIM_OBJ_RAM, true, page->pfn, page->pfn };
	p2psim_step_op(&op);
}

void pte_hold(struct mm_struct *mm, struct p2psim_pte_hold *hold, unsigned long addr)
{
	hold->addr = addr;
	hold->next = mm->pte_holds;
	mm->pte_holds = hold;
}

void pte_release(struct mm_struct *mm, struct p2psim_pte_hold *hold)
{
	struct p2psim_pte_hold **at = &mm->pte_holds;

	while (*at != hold)
		at = &(*at)->next;
	*at = hold->next;
}

/*
 * Frees the part of a table's subtree that touches [start, end), where it lies in [floor, ceiling): a table goes with
 * the last range that could need it.  True: the table itself is gone.
 */
static bool free_level(void **table, int level, unsigned long base, unsigned long start, unsigned long end,
		       unsigned long floor, unsigned long ceiling)
{
	unsigned long span = 1UL << (PAGE_SHIFT + 9 * level), addr;
	unsigned int i;

	for (i = 0; level && i < PTRS_PER_TABLE; i++) {
		addr = base + i * span;
		if (table[i] && addr < end && start < addr + span &&
		    free_level(table_in(table[i]), level - 1, addr, start, end, floor, ceiling))
			table[i] = NULL;
	}
	if (base < floor || base + PTRS_PER_TABLE * span > ceiling)
		return false;
	p2psim_block_free(table, TABLE);
	return true;
}

void free_pgtables(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned long floor,
		   unsigned long ceiling)
{
	if (mm->pgd && free_level(mm->pgd, 3, 0, start, end, floor, ceiling))
		mm->pgd = NULL;
}

void free_all_pgtables(struct mm_struct *mm)
{
	free_pgtables(mm, 0, 1UL << 48, 0, 1UL << 48);
}

/* ---- the walker ---- */

struct count {
	struct mm_struct *mm;
	long anon, file, shmem;
	bool valid;
};

/* A migration entry has neither map count nor reference, an exclusive one only the latter. */
static bool is_valid_page(const struct page *page, pte_t pte)
{
	if (!page || page_count(page) < page_mapcount(page))
		return false;
	return pte_present(pte) || is_device_private_pte(pte) ? page_mapcount(page) >= 1 : page_count(page) >= 1;
}

static void count_entry(struct count *count, unsigned long addr, pte_t pte)
{
	const struct vm_area_struct *vma = vma_find(count->mm, addr);
	const struct page *page;

	if (pte_none(pte))
		return;
	if (!vma || vma->vm_start > addr || (pte_write(pte) && !(vma->vm_flags & VM_WRITE)))
		count->valid = false;
	if (is_swap_pte(pte) && !swap_is_used(pte_pfn(pte)))
		count->valid = false;
	if (is_swap_pte(pte) || pte_special(pte))
		return;
	page = pfn_to_page(pte_pfn(pte));
	if (!(pte_present(pte) || pte_is_page_kept(pte)) || !is_valid_page(page, pte) || !anon_is_valid(vma, addr, pte, page))
		count->valid = false;
	else if (PageAnon(page))
		count->anon++;
	else if (page->flags & 1UL << PG_swapbacked)
		count->shmem++;
	else
		count->file++;
}

/* A table is there only where a VMA may need it. */
static bool is_needed(const struct count *count, unsigned long base, unsigned long span)
{
	const struct vm_area_struct *vma = vma_find(count->mm, base);

	return vma && vma->vm_start < base + span;
}

static void count_level(struct count *count, void **table, int level, unsigned long base)
{
	unsigned long span = 1UL << (PAGE_SHIFT + 9 * level);
	unsigned int i;

	if (!is_needed(count, base, PTRS_PER_TABLE * span))
		count->valid = false;
	for (i = 0; i < PTRS_PER_TABLE; i++) {
		if (!level)
			count_entry(count, base + i * span, ((pte_t *)table)[i]);
		else if (table[i])
			count_level(count, table_in(table[i]), level - 1, base + i * span);
	}
}

bool p2psim_pgtable_is_valid(struct mm_struct *mm)
{
	struct count count = { .mm = mm, .valid = true };

	if (mm->pgd)
		count_level(&count, mm->pgd, 3, 0);
	return count.valid && count.anon == mm->rss_anon && count.file == mm->rss_file && count.shmem == mm->rss_shmem;
}
