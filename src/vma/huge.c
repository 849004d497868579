/* SPDX-License-Identifier: MIT */
/*
 * Huge entries: one for 2 MiB, of a huge page or of zeros.  Anonymous memory only.
 *
 * It is kept as its page table, filled, with a mark (pgtable.c); so each of the 512 pages has its own references and map
 * count, where the kernel counts for the first page alone.  "The only reference" is then: the only one of each.
 *
 *	T1. A huge entry lies within one VMA: cutting the VMA splits it (CLEAR of the 2 MiB, huge or not: 1.12).
 *	T2. All of it is changed in one step, or it is split first.
 *	T3. With the entry goes its table.
 */
#include <p2psim/step.h>
#include <p2psim/world.h>

#include "vma/huge.h"

bool huge_fits(const struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long base = addr & PMD_MASK;

	return base >= vma->vm_start && base + PMD_SIZE <= vma->vm_end && base + PMD_SIZE > base;
}

bool huge_is_allowed(const struct vm_area_struct *vma, bool in_fault, bool enforce)
{
	int thp = p2psim_world_config(p2psim_world_current())->thp;

	if (vma->vm_flags & VM_HUGETLB)
		return in_fault;
	if (vma->vm_flags & VM_NOHUGEPAGE || !vma_is_anonymous(vma))
		return false;
	if (!in_fault && (vma->vm_flags & (VM_SPECIAL | VM_HUGETLB) || !huge_fits(vma, vma->vm_end - PMD_SIZE)))
		return false;
	if (enforce && (thp == P2PSIM_THP_NEVER || (thp == P2PSIM_THP_MADVISE && !(vma->vm_flags & VM_HUGEPAGE))))
		return false;
	return in_fault || vma->anon_vma;
}

static struct page *page_of(pte_t pte)
{
	return pte_present(pte) && !pte_special(pte) ? pfn_to_page(pte_pfn(pte)) : NULL;
}

void huge_step(struct mm_struct *mm, unsigned long addr, const char *label)
{
	unsigned long base = addr & PMD_MASK;
	const pte_t *pte = p2psim_pte_lookup(mm, base);
	const struct page *head = pte ? page_of(*pte) : NULL;
	u64 unit = base >> PAGE_SHIFT;
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_PTE_WRITE,
		.label = label,
		.access_count = 1,
		.access[0] = { p2psim_object_id(&mm->obj), true, unit, unit + HPAGE_PMD_NR - 1 },
	};

	if (likely(!p2psim_hot->busy)) {
		p2psim_hot->steps++;
		return;
	}
	if (head)
		op.access[op.access_count++] =
			(struct p2psim_access){ P2PSIM_OBJ_RAM, true, head->pfn, head->pfn + HPAGE_PMD_NR - 1 };
	p2psim_step_op(&op);
}

int p2psim_page_huge_mapcount(struct page *page)
{
	return page_is_compound(page) ? (int)*huge_mapcount(page) : 0;
}

/* A huge entry more, or less, maps what pte maps. */
void count_huge_pmd(pte_t pte, int by)
{
	struct page *page = page_of(pte);

	if (page)
		*huge_mapcount(page) += (unsigned long)(long)by;
}

/*
 * What is known of the whole becomes known of each; that it was written is known of the pages only.  So 6.1: the small
 * entries are clean, and a later mprotect() does not make them writable at once.
 */
static void spread_bits(pte_t *pte)
{
	u64 bits = 0;
	int i;

	for (i = 0; i < HPAGE_PMD_NR; i++)
		bits |= pte[i].val & (P2PSIM_PTE_DIRTY | P2PSIM_PTE_YOUNG);
	for (i = 0; page_of(*pte) && i < HPAGE_PMD_NR; i++) {
		if (bits & P2PSIM_PTE_DIRTY)
			set_page_dirty(page_of(pte[i]));
		pte[i].val = (pte[i].val & ~(u64)P2PSIM_PTE_DIRTY) | (bits & P2PSIM_PTE_YOUNG);
	}
}

void __split_huge_pmd(struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long base = addr & PMD_MASK;
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma, mm, base, base + PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	if (pmd_is_huge(mm, base)) {
		huge_step(mm, base, "split");
		if (pmd_is_huge(mm, base)) {
			spread_bits(p2psim_pte_lookup(mm, base));
			count_huge_pmd(*p2psim_pte_lookup(mm, base), -1);
			pmd_set_huge(mm, base, false);
		}
	}
	mmu_notifier_invalidate_range_only_end(&range);
}

bool zap_huge_pmd(struct vm_area_struct *vma, unsigned long base)
{
	pte_t *pte, old;
	int i;

	huge_step(vma->vm_mm, base, NULL);
	if (!pmd_is_huge(vma->vm_mm, base))
		return false;
	pte = p2psim_pte_lookup(vma->vm_mm, base);
	count_huge_pmd(*pte, -1);
	for (i = 0; i < HPAGE_PMD_NR; i++) {
		old = pte[i];
		pte[i] = __pte(0);
		zap_entry(vma, base + (unsigned long)i * PAGE_SIZE, old);
	}
	pmd_free_table(vma->vm_mm, base);
	return true;
}

void set_huge_pmd(struct vm_area_struct *vma, unsigned long base, struct page *head)
{
	pte_t *pte = p2psim_pte_lookup(vma->vm_mm, base);
	unsigned long i;

	for (i = 0; i < HPAGE_PMD_NR; i++) {
		if (!head) {
			pte[i] = mk_pte(vma, p2psim_zero_pfn(), P2PSIM_PTE_SPECIAL | P2PSIM_PTE_YOUNG);
			continue;
		}
		page_add_anon_rmap(&head[i], vma, base + i * PAGE_SIZE);
		mm_count_page(vma->vm_mm, &head[i], 1);
		pte[i] = anon_pte(vma, &head[i]);
	}
	count_huge_pmd(*pte, 1);
	pmd_set_huge(vma->vm_mm, base, true);
}

void put_huge_page(struct page *head)
{
	int i;

	for (i = 0; i < HPAGE_PMD_NR; i++)
		drop_page(&head[i]);
}
