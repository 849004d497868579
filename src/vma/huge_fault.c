/* SPDX-License-Identifier: MIT */
/*
 * Faults of huge entries.
 *
 *	none, read		zeros, all of them read-only; no event
 *	none, write		a huge page; no event
 *	zeros, write		split (CLEAR 2 MiB), then a copy of one page (CLEAR 4 KiB)
 *	read-only, write	only ours: writable, no event; else split and copy, as above
 *	read-only, unshare	only ours: known to be from now on, and read-only still; else split and copy
 *
 * Without memory for a huge page, small ones serve.
 */
#include "vma/huge.h"

/* Nobody was faster, and there is a table; else *ret says how the fault ends. */
static bool claim_block(struct vm_fault *vmf, unsigned long base, vm_fault_t *ret)
{
	struct mm_struct *mm = vmf->vma->vm_mm;

	huge_step(mm, base, "huge");
	*ret = 0;
	if (p2psim_pmd_present(mm, base))
		return false;
	*ret = VM_FAULT_OOM;
	return pte_alloc(mm, base);
}

vm_fault_t do_huge_pmd_anonymous_page(struct vm_fault *vmf)
{
	unsigned long base = vmf->address & PMD_MASK;
	struct page *head = NULL;
	vm_fault_t ret;

	if (!huge_fits(vmf->vma, vmf->address))
		return VM_FAULT_FALLBACK;
	if (__anon_vma_prepare(vmf->vma))
		return VM_FAULT_OOM;
	if (fault_wants_write(vmf) || vmf->vma->vm_flags & VM_HUGETLB) {
		head = p2psim_alloc_huge_page();
		if (!head)
			return vmf->vma->vm_flags & VM_HUGETLB ? VM_FAULT_SIGBUS : VM_FAULT_FALLBACK;
	} else if (!p2psim_zero_pfn()) {
		return VM_FAULT_OOM;
	}
	if (!claim_block(vmf, base, &ret)) {
		if (head)
			put_huge_page(head);
		return ret;
	}
	set_huge_pmd(vmf->vma, base, head);
	return 0;
}

/* Nobody else has a reference of any part: known already, or so by their counts. */
static bool is_only_ours(const pte_t *pte)
{
	const struct page *page;
	int i;

	for (i = 0; i < HPAGE_PMD_NR; i++) {
		page = pfn_to_page(pte_pfn(pte[i]));
		if (!(page->flags & 1UL << PG_anon_exclusive) && page_count(page) != 1)
			return false;
	}
	return true;
}

static void make_ours(const struct vm_area_struct *vma, const pte_t *pte)
{
	struct page *page;
	int i;

	for (i = 0; i < HPAGE_PMD_NR; i++) {
		page = pfn_to_page(pte_pfn(pte[i]));
		if (!(page->flags & 1UL << PG_anon_exclusive)) {
			page->flags |= 1UL << PG_anon_exclusive;
			page->anon_vma = vma->anon_vma;
			p2psim_page_set_owner(page, vma->vm_mm->obj.id);
		}
	}
}

static void make_writable(const struct vm_area_struct *vma, pte_t *pte)
{
	int i;

	for (i = 0; i < HPAGE_PMD_NR; i++)
		pte[i].val |= P2PSIM_PTE_DIRTY | P2PSIM_PTE_YOUNG | (vma->vm_flags & VM_WRITE ? P2PSIM_PTE_WRITE : 0);
}

vm_fault_t do_huge_pmd_wp_page(struct vm_fault *vmf)
{
	unsigned long base = vmf->address & PMD_MASK;
	struct vm_area_struct *vma = vmf->vma;
	pte_t *pte;

	huge_step(vma->vm_mm, base, "huge:write");
	if (!pmd_is_huge(vma->vm_mm, base))
		return 0; /* somebody was faster: the access is tried again */
	pte = p2psim_pte_lookup(vma->vm_mm, base);
	if (!is_huge_zero_entry(*pte) && is_only_ours(pte)) {
		make_ours(vma, pte);
		if (vmf->flags & FAULT_FLAG_UNSHARE)
			return 0;
		make_writable(vma, pte);
		return VM_FAULT_WRITE;
	}
	__split_huge_pmd(vma, base);
	return VM_FAULT_FALLBACK;
}

/* A NUMA hint is answered: all of it is as it was. */
vm_fault_t do_huge_numa_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long base = vmf->address & PMD_MASK;
	pte_t *pte;
	int i;

	huge_step(vma->vm_mm, base, "huge:numa");
	pte = p2psim_pte_lookup(vma->vm_mm, base);
	for (i = 0; pmd_is_huge(vma->vm_mm, base) && i < HPAGE_PMD_NR; i++)
		pte[i] = mk_pte(vma, pte_pfn(pte[i]), pte[i].val & (P2PSIM_PTE_WRITE | P2PSIM_PTE_DIRTY | P2PSIM_PTE_YOUNG |
								    P2PSIM_PTE_SPECIAL));
	return 0;
}
