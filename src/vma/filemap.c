/* SPDX-License-Identifier: MIT */
/*
 * Fault-around: a read fault maps the cached neighbours, too.
 */
#include <p2psim/step.h>

#include "vma/fault_internal.h"
#include "vma/page_cache.h"
#include "vma/shmem.h"

#define AROUND_PAGES 16UL

/* May the page be mapped: of this file, with contents that are in core, inside of it? */
static bool is_usable(const struct address_space *mapping, const struct page *page)
{
	return page->mapping == mapping && (page->flags & (1UL << PG_uptodate | 1UL << PG_swapped)) == 1UL << PG_uptodate &&
	       (loff_t)page->index << PAGE_SHIFT < shmem_info(mapping)->i_size;
}

/* A page with its lock held, and a reference for the entry.  It is put in unless there is something already. */
static bool map_neighbour(struct vm_fault *vmf, struct page *page, unsigned long addr, u64 bits)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	pte_t *pte = p2psim_pte_lookup(mm, addr);

	pte_write_step(mm, addr);
	if (!pte_none(*pte))
		return false;
	page_add_file_rmap(page);
	mm_count_page(mm, page, 1);
	*pte = mk_pte(vmf->vma, page_to_pfn(page), bits | P2PSIM_PTE_YOUNG);
	return true;
}

/* Locks without waiting: who waits holds up a fault that needs only one page. */
static bool try_page(struct vm_fault *vmf, struct page *page, unsigned long addr, u64 bits)
{
	struct address_space *mapping = vmf->vma->vm_file->f_mapping;
	bool mapped = false;

	get_page(page);
	if (trylock_page(page)) {
		mapped = is_usable(mapping, page) && map_neighbour(vmf, page, addr, bits);
		unlock_page(page);
	}
	if (!mapped)
		put_page(page);
	return mapped;
}

/* The next usable page: a table is made only if there is one. */
static struct page *usable_from(struct address_space *mapping, pgoff_t first, pgoff_t last)
{
	struct page *page;

	while ((page = page_cache_next(mapping, first, last)) && !is_usable(mapping, page))
		first = page->index + 1;
	return page;
}

vm_fault_t filemap_map_pages(struct vm_fault *vmf, pgoff_t start_pgoff, pgoff_t end_pgoff)
{
	struct vm_area_struct *vma = vmf->vma;
	struct address_space *mapping = vma->vm_file->f_mapping;
	u64 bits = fault_file_bits(vma);
	vm_fault_t ret = 0;
	struct page *page;
	unsigned long addr;

	p2psim_step_range(P2PSIM_STEP_READ, p2psim_object_id(&mapping->host->obj), false, start_pgoff, end_pgoff, "page cache");
	page = usable_from(mapping, start_pgoff, end_pgoff);
	if (page && !fault_make_table(vmf))
		return VM_FAULT_OOM;
	for (; page; page = usable_from(mapping, start_pgoff, end_pgoff)) {
		start_pgoff = page->index + 1;
		addr = vma->vm_start + ((page->index - vma->vm_pgoff) << PAGE_SHIFT);
		if (try_page(vmf, page, addr, bits) && addr == vmf->address)
			ret = VM_FAULT_NOPAGE;
		if (start_pgoff > end_pgoff)
			break;
	}
	return ret;
}

vm_fault_t do_fault_around(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long start = max(vmf->address & ~(AROUND_PAGES * PAGE_SIZE - 1), vma->vm_start);
	unsigned long end = min(start + AROUND_PAGES * PAGE_SIZE, min((start & PMD_MASK) + PMD_SIZE, vma->vm_end));

	return vma->vm_ops->map_pages(vmf, linear_page_index(vma, start), linear_page_index(vma, end - 1));
}
