/* SPDX-License-Identifier: MIT */
/*
 * Transparent huge pages from inside: huge.c (entries), huge_fault.c, huge_page.c (the pages), collapse.c.
 */
#ifndef P2PSIM_VMA_HUGE_H
#define P2PSIM_VMA_HUGE_H

#include "vma/fault_internal.h"

static inline bool page_is_compound(const struct page *page)
{
	return page->flags & (1UL << PG_head | 1UL << PG_tail);
}

static inline bool is_huge_zero_entry(pte_t pte)
{
	return pte_special(pte) && is_zero_pfn(pte_pfn(pte));
}

/* The kernel's compound_mapcount(): kept in the second page, as there. */
static inline unsigned long *huge_mapcount(struct page *page)
{
	struct page *head = page - (page->pfn & (HPAGE_PMD_NR - 1));

	return &head[1].private;
}

/* ---- huge.c ---- */

/* Would the 2 MiB around addr fit into the VMA? */
bool huge_fits(const struct vm_area_struct *vma, unsigned long addr);
/* May the VMA have huge pages: for a fault (in_fault), or to be collapsed; enforce: the machine's setting counts. */
bool huge_is_allowed(const struct vm_area_struct *vma, bool in_fault, bool enforce);
/* The step of whoever changes all entries of the huge one at addr. */
void huge_step(struct mm_struct *mm, unsigned long addr, const char *label);
/* CLEAR of the 2 MiB around addr; a huge entry becomes 512 that map the same. */
void __split_huge_pmd(struct vm_area_struct *vma, unsigned long addr);
/* Takes out the huge entry of [base, base + 2 MiB), with its table.  False: it is none any more. */
bool zap_huge_pmd(struct vm_area_struct *vma, unsigned long base);
/* Fills an empty table: the huge page's entries, with its references and map counts; or those of zeros (head NULL). */
void set_huge_pmd(struct vm_area_struct *vma, unsigned long base, struct page *head);
void put_huge_page(struct page *head);
void count_huge_pmd(pte_t pte, int by);

/* ---- huge_fault.c: VM_FAULT_FALLBACK = go on with small pages ---- */

vm_fault_t do_huge_pmd_anonymous_page(struct vm_fault *vmf);
vm_fault_t do_huge_pmd_wp_page(struct vm_fault *vmf);
vm_fault_t do_huge_numa_page(struct vm_fault *vmf);

/* ---- huge_page.c ---- */

/* Is this the only part of its huge page that is in use, with one reference? */
bool is_last_part(struct page *page);
/*
 * The huge page that this one is part of becomes 512 pages.  Huge entries are split; each VMA that may map it hears CLEAR
 * twice.  0; -EBUSY: somebody has a reference that is no entry's.  Context: mmap_lock of one who maps it, or a reference.
 */
int split_huge_page(struct page *page);

/* ---- collapse.c ---- */

/*
 * MADV_COLLAPSE of the part of a VMA: each 2 MiB becomes one huge entry.  Context: mmap_lock R, which is dropped in between.
 * 0, -EINVAL, -ENOMEM, -EAGAIN.
 */
int madvise_collapse(struct vm_area_struct *vma, unsigned long start, unsigned long end);

#endif
