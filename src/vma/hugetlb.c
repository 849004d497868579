/* SPDX-License-Identifier: MIT */
/*
 * MAP_HUGETLB: private memory in pages of 2 MiB that are huge for good.  Mirrors: mm/hugetlb.c, 6.1 (reduced: no files, no shared
 * memory, no reservations: each process may map as many pages as the pool has).
 *
 *	fault		a zeroed huge page, for reading as well; SIGBUS: there is none
 *	mprotect	of whole pages
 *	munmap		of whole pages: -EINVAL otherwise
 *	device		hmm_range_fault() tells their order; migrate_vma_setup() refuses them
 *
 * Left out besides: a copy-on-write of the whole page after fork() (4 KiB are copied).
 */
#include <p2psim/linux/mman.h>
#include <p2psim/world.h>

#include "vma/internal.h"

#define HUGE_SHIFT 26

/* Pages of 2 MiB that the process has mapped so. */
static unsigned long mapped_pages(const struct mm_struct *mm)
{
	const struct vm_area_struct *vma;
	unsigned long pages = 0;

	for (vma = p2psim_vma_first(mm); vma; vma = p2psim_vma_next(vma))
		if (vma->vm_flags & VM_HUGETLB)
			pages += (vma->vm_end - vma->vm_start) >> PMD_SHIFT;
	return pages;
}

static unsigned long pool(void)
{
	return p2psim_world_config(p2psim_world_current())->hugetlb_pages;
}

int hugetlb_check_mmap(const struct file *file, unsigned long len, int flags)
{
	unsigned int order = (unsigned int)flags >> HUGE_SHIFT & 0x3f; /* log2 of the size in bytes; 0: the default */

	if (!(flags & MAP_HUGETLB))
		return 0;
	if (file || !len || (order && order != PMD_SHIFT && order != PUD_SHIFT))
		return -EINVAL;
	return !pool() || order == PUD_SHIFT || (flags & MAP_TYPE) != MAP_PRIVATE ? -ENOMEM : 0;
}

long hugetlb_get_unmapped_area(struct mm_struct *mm, unsigned long addr, unsigned long len, int flags)
{
	long found;

	if (mapped_pages(mm) + (len >> PMD_SHIFT) > pool())
		return -ENOMEM;
	if (flags & MAP_FIXED)
		return addr & ~PMD_MASK ? -EINVAL : get_unmapped_area(mm, addr, len, flags);
	found = get_unmapped_area(mm, ALIGN(addr, PMD_SIZE), len + PMD_SIZE, flags);
	return is_error(found) ? found : (long)ALIGN((unsigned long)found, PMD_SIZE);
}
