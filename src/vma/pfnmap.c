/* SPDX-License-Identifier: MIT */
/*
 * How a driver fills the page tables of its VMA.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>

#include "vma/internal.h"

/* Drivers do it from ->mmap(), before the VMA is anywhere; later, its place in the reverse map is another, too. */
static void set_pgoff(struct vm_area_struct *vma, pgoff_t pgoff)
{
	struct p2psim_tree *i_mmap = vma->detached || !vma->vm_file ? NULL : &vma->vm_file->f_mapping->i_mmap;

	if (i_mmap)
		vma_interval_tree_remove(vma, i_mmap);
	vma->vm_pgoff = pgoff;
	if (i_mmap)
		vma_interval_tree_insert(vma, i_mmap);
}

/* Copy-on-write VMAs may be filled only as a whole: vm_pgoff then says which page is the original. */
static int check_remap(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn, unsigned long end)
{
	mmap_assert_write_locked(vma->vm_mm);
	if (!PAGE_ALIGNED(addr))
		return -EINVAL;
	if (is_cow_mapping(vma->vm_flags)) {
		if (addr != vma->vm_start || end != vma->vm_end)
			return -EINVAL;
		set_pgoff(vma, pfn);
	}
	if (addr < vma->vm_start || end > vma->vm_end || end <= addr) {
		p2psim_violate(P2PSIM_RANGE, 0, vma->vm_mm->obj.id, 0,
			       "remap_pfn_range(0x%lx..0x%lx) reaches out of its VMA 0x%lx..0x%lx", addr, end, vma->vm_start,
			       vma->vm_end);
		return -EINVAL;
	}
	return 0;
}

/* 0, -ENOMEM; what is there already is a mistake. */
static int map_pfn(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn)
{
	u64 bits = P2PSIM_PTE_SPECIAL | P2PSIM_PTE_YOUNG |
		   ((vma->vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED) ? P2PSIM_PTE_WRITE : 0);
	pte_t *pte = pte_alloc(vma->vm_mm, addr);

	if (!pte)
		return -ENOMEM;
	if (!pte_none(*pte)) {
		p2psim_violate(P2PSIM_CONTRACT, 0, vma->vm_mm->obj.id, 0, "remap_pfn_range() over what is mapped at 0x%lx",
			       addr);
		return -EINVAL;
	}
	pte_write_step(vma->vm_mm, addr);
	*pte = mk_pte(vma, pfn, bits);
	return 0;
}

int(remap_pfn_range)(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn, unsigned long size, pgprot_t prot)
{
	unsigned long end = addr + PAGE_ALIGN(size), at;
	int error = check_remap(vma, addr, pfn, end);

	(void)prot;
	if (error)
		return error;
	vma->vm_flags |= VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
	for (at = addr; at < end && !error; at += PAGE_SIZE)
		error = map_pfn(vma, at, pfn + ((at - addr) >> PAGE_SHIFT));
	if (error)
		zap_range_single(vma, addr, PAGE_ALIGN(size) + addr, true);
	return error;
}

/* The VMA becomes one that has pages. */
static int make_mixed(struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_MIXEDMAP)
		return 0;
	mmap_assert_write_locked(vma->vm_mm);
	if (vma->vm_flags & VM_PFNMAP) {
		p2psim_violate(P2PSIM_CONTRACT, 0, vma->vm_mm->obj.id, 0, "vm_insert_page() into a VM_PFNMAP VMA");
		return -EINVAL;
	}
	vma->vm_flags |= VM_MIXEDMAP;
	return 0;
}

static int insert_page(struct vm_area_struct *vma, unsigned long addr, struct page *page)
{
	bool writable = (vma->vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED) && !vma_wants_writenotify(vma);
	pte_t *pte = pte_alloc(vma->vm_mm, addr);

	if (!pte)
		return -ENOMEM;
	pte_write_step(vma->vm_mm, addr);
	if (!pte_none(*pte))
		return -EBUSY;
	get_page(page);
	page_add_file_rmap(page);
	mm_count_page(vma->vm_mm, page, 1);
	*pte = mk_pte(vma, page_to_pfn(page), writable ? P2PSIM_PTE_WRITE : 0);
	return 0;
}

int vm_insert_page(struct vm_area_struct *vma, unsigned long addr, struct page *page)
{
	int error;

	if (addr < vma->vm_start || addr >= vma->vm_end)
		return -EFAULT;
	if (page_count(page) <= 0)
		return -EINVAL;
	error = make_mixed(vma);
	if (error)
		return error;
	return PageAnon(page) ? -EINVAL : insert_page(vma, addr, page);
}

static bool may_insert(const struct vm_area_struct *vma, unsigned long pfn)
{
	unsigned long kind = vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP);

	if (!kind || kind == (VM_PFNMAP | VM_MIXEDMAP))
		return false;
	if (vma->vm_flags & VM_PFNMAP && is_cow_mapping(vma->vm_flags))
		return false;
	return !(vma->vm_flags & VM_MIXEDMAP && pfn_valid(pfn));
}

vm_fault_t vmf_insert_pfn(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn)
{
	u64 bits = P2PSIM_PTE_SPECIAL | P2PSIM_PTE_YOUNG |
		   (vma->vm_flags & VM_WRITE && !vma_wants_writenotify(vma) ? P2PSIM_PTE_WRITE : 0);
	pte_t *pte;

	if (!may_insert(vma, pfn)) {
		p2psim_violate(P2PSIM_CONTRACT, 0, vma->vm_mm->obj.id, 0,
			       "vmf_insert_pfn() needs VM_PFNMAP or VM_MIXEDMAP, a shared mapping, and no struct page");
		return VM_FAULT_SIGBUS;
	}
	if (addr < vma->vm_start || addr >= vma->vm_end)
		return VM_FAULT_SIGBUS;
	pte = pte_alloc(vma->vm_mm, addr);
	if (!pte)
		return VM_FAULT_OOM;
	pte_write_step(vma->vm_mm, addr);
	if (pte_none(*pte))
		*pte = mk_pte(vma, pfn, bits);
	return VM_FAULT_NOPAGE;
}

int follow_pfn(struct vm_area_struct *vma, unsigned long address, unsigned long *pfn)
{
	pte_t pte;

	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP)))
		return -EINVAL;
	pte = p2psim_pte_read(vma->vm_mm, address);
	if (!pte_present(pte))
		return -EINVAL;
	*pfn = pte_pfn(pte);
	return 0;
}
