/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/hugetlb.h, asm/page_types.h, 6.1 (reduced: one size of huge pages, 2 MiB; no pools, no reservations). */
#ifndef P2PSIM_LINUX_HUGETLB_H
#define P2PSIM_LINUX_HUGETLB_H

#include <p2psim/linux/mm.h>

#define HPAGE_SHIFT PMD_SHIFT
#define HPAGE_SIZE (1UL << HPAGE_SHIFT)
#define HPAGE_MASK (~(HPAGE_SIZE - 1))
#define HUGETLB_PAGE_ORDER (HPAGE_SHIFT - PAGE_SHIFT)

static inline bool is_vm_hugetlb_page(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_HUGETLB;
}

#endif
