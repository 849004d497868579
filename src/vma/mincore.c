/* SPDX-License-Identifier: MIT */
/*
 * mincore(): which pages are in core.  An entry counts; where there is none, so does a page in the file's cache.
 */
#include <p2psim/linux/mman.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/internal.h"
#include "vma/swap.h"
#include "vma/page_cache.h"

static bool is_cached(const struct vm_area_struct *vma, unsigned long addr)
{
	struct page *page;
	bool uptodate;

	if (!vma->vm_file)
		return false;
	page = page_cache_find(vma->vm_file->f_mapping, linear_page_index(vma, addr));
	uptodate = page && (page->flags & (1UL << PG_uptodate | 1UL << PG_swapped)) == 1UL << PG_uptodate;
	if (page)
		put_page(page);
	return uptodate;
}

static bool is_in_core(struct vm_area_struct *vma, unsigned long addr)
{
	pte_t pte = p2psim_pte_read(vma->vm_mm, addr);

	if (pte_none(pte))
		return is_cached(vma, addr);
	return !is_swap_pte(pte) || swap_cache_peek(pte_pfn(pte));
}

static int locked_mincore(struct mm_struct *mm, unsigned long addr, unsigned long end, unsigned char *vec)
{
	struct vm_area_struct *vma;

	for (; addr < end; addr += PAGE_SIZE) {
		vma = (vma_lookup)(mm, addr);
		if (!vma)
			return -ENOMEM;
		*vec++ = is_in_core(vma, addr);
	}
	return 0;
}

int p2psim_mincore(struct p2psim_process *process, unsigned long addr, unsigned long len, unsigned char *vec)
{
	struct mm_struct *mm = p2psim_process_mm(process);
	struct system_call call;
	int ret;

	if (!PAGE_ALIGNED(addr))
		return -EINVAL;
	if (addr > TASK_SIZE || len > TASK_SIZE - addr)
		return -ENOMEM;
	p2psim_enter("mincore(%p, %x)", addr, len);
	system_call_begin(&call, mm);
	mmap_read_lock(mm);
	ret = locked_mincore(mm, addr, PAGE_ALIGN(addr + len), vec);
	mmap_read_unlock(mm);
	system_call_end(&call);
	p2psim_leave("mincore = %e", (uint64_t)(int64_t)ret);
	return ret;
}
