/* SPDX-License-Identifier: MIT */
/*
 * The mm for drivers: looking up VMAs, faulting, pinning, and filling the VMA of a device file.
 * Mirrors: include/linux/mm.h, 6.1 (reduced).
 */
#ifndef P2PSIM_LINUX_MM_H
#define P2PSIM_LINUX_MM_H

#include <p2psim/linux/fs.h>
#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/string.h>

struct pt_regs;

/* ---- VMAs.  Context of all look-ups: mmap_lock held (CONTRACT otherwise); one step that reads the tree. ---- */

/* The first VMA that ends above addr.  It may START above addr: test vm_start.  NULL: none. */
P2PSIM_EXPORT struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr);
/* The first VMA that overlaps [start, end). */
P2PSIM_EXPORT struct vm_area_struct *find_vma_intersection(struct mm_struct *mm, unsigned long start, unsigned long end);
/* The VMA that contains addr, never the next one. */
P2PSIM_EXPORT struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long addr);
/* As find_vma(); *prev: the VMA before it, or the last one when there is none. */
P2PSIM_EXPORT struct vm_area_struct *find_vma_prev(struct mm_struct *mm, unsigned long addr,
						   struct vm_area_struct **prev);
#define find_vma(mm, addr) (P2PSIM_HERE(), find_vma((mm), (addr)))
#define find_vma_intersection(mm, s, e) (P2PSIM_HERE(), find_vma_intersection((mm), (s), (e)))
#define vma_lookup(mm, addr) (P2PSIM_HERE(), vma_lookup((mm), (addr)))
#define find_vma_prev(mm, addr, prev) (P2PSIM_HERE(), find_vma_prev((mm), (addr), (prev)))

/* The neighbours in the tree, NULL at the ends.  Context: mmap_lock held; no step. */
P2PSIM_EXPORT struct vm_area_struct *p2psim_vma_next(const struct vm_area_struct *vma);
P2PSIM_EXPORT struct vm_area_struct *p2psim_vma_prev(const struct vm_area_struct *vma);
P2PSIM_EXPORT struct vm_area_struct *p2psim_vma_first(const struct mm_struct *mm);

static inline bool vma_is_anonymous(const struct vm_area_struct *vma)
{
	return !vma->vm_ops;
}

static inline unsigned long vma_pages(const struct vm_area_struct *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

/* Private and potentially writable: writes copy. */
static inline bool is_cow_mapping(unsigned long flags)
{
	return (flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/* The file offset in pages of addr. */
static inline pgoff_t linear_page_index(const struct vm_area_struct *vma, unsigned long addr)
{
	return ((addr - vma->vm_start) >> PAGE_SHIFT) + vma->vm_pgoff;
}

/* Order, bounds, gaps, counts: true when the VMA tree is what it must be.  Walks everything. */
P2PSIM_EXPORT bool p2psim_mm_is_valid(struct mm_struct *mm);

/* ---- RAM ---- */

/* A page with one reference, contents zero.  NULL: out of memory, also injected. */
P2PSIM_EXPORT struct page *alloc_page(gfp_t flags);
P2PSIM_EXPORT void get_page(struct page *page);
/* Drops a reference; the last one frees.  BALANCE when there is none. */
P2PSIM_EXPORT void put_page(struct page *page);
#define alloc_page(flags) (P2PSIM_HERE(), alloc_page(flags))
#define __free_page(page) put_page(page)
/* The machine has one node, and nobody sets a policy. */
#define alloc_page_vma(flags, vma, addr) ((void)(vma), (void)(addr), alloc_page(flags))
/* Is there a struct page?  A BAR has pfns without. */
P2PSIM_EXPORT bool pfn_valid(unsigned long pfn);
/* NULL when there is none. */
P2PSIM_EXPORT struct page *pfn_to_page(unsigned long pfn);

static inline unsigned long page_to_pfn(const struct page *page)
{
	return page->pfn;
}

static inline phys_addr_t page_to_phys(const struct page *page)
{
	return (phys_addr_t)page->pfn << PAGE_SHIFT;
}

/* The page `n` behind it in physical memory: struct pages do not all lie in a row. */
#define nth_page(page, n) pfn_to_page(page_to_pfn(page) + (n))
#define offset_in_page(p) ((unsigned long)(p) & ~PAGE_MASK)

/*
 * The kernel's own view of RAM.  Memory of kmalloc() is RAM too: it gets its pages when somebody asks for them.
 * virt_to_page(): of kmalloc() memory, or of what page_address() gave.  NULL after CONTRACT: a stack, a static variable; what is
 * at the address may be freed.
 * page_address(): PAGE_SIZE bytes, the same address as long as the page lives.
 * Context: any; no step: what happens through the pointer is not seen, unless by READ_ONCE() and WRITE_ONCE().
 */
P2PSIM_EXPORT struct page *virt_to_page(const volatile void *addr);
P2PSIM_EXPORT void *page_address(const struct page *page);
P2PSIM_EXPORT bool virt_addr_valid(const volatile void *addr);
#define virt_to_page(addr) (P2PSIM_HERE(), virt_to_page((const volatile void *)(addr)))
#define page_address(page) (P2PSIM_HERE(), page_address(page))

static inline phys_addr_t virt_to_phys(const volatile void *addr)
{
	const struct page *page = virt_to_page(addr);

	return page ? page_to_phys(page) + offset_in_page(addr) : 0;
}

/* NULL: no RAM there. */
static inline void *phys_to_virt(phys_addr_t phys)
{
	struct page *page = pfn_to_page(phys >> PAGE_SHIFT);

	return page ? (char *)page_address(page) + offset_in_page(phys) : NULL;
}
#define __pa(addr) virt_to_phys((const volatile void *)(addr))
#define __va(phys) phys_to_virt(phys)

/* A page by its address.  0: out of memory. */
static inline unsigned long __get_free_page(gfp_t flags)
{
	struct page *page = alloc_page(flags);

	return page ? (unsigned long)page_address(page) : 0;
}
#define get_zeroed_page(flags) __get_free_page(flags)

static inline void free_page(unsigned long addr)
{
	if (addr)
		put_page(virt_to_page((void *)addr));
}

/* The first page of the huge page that it is part of, or itself. */
static inline struct page *compound_head(const struct page *page)
{
	return (struct page *)(uintptr_t)(page->flags & (1UL << PG_tail) ? page - page->pfn % (PMD_SIZE / PAGE_SIZE) : page);
}

P2PSIM_EXPORT int page_count(const struct page *page);
P2PSIM_EXPORT int page_mapcount(const struct page *page);
P2PSIM_EXPORT bool set_page_dirty(struct page *page);
#define set_page_dirty_lock(page) ((void)set_page_dirty(page))

static inline bool PageDirty(const struct page *page)
{
	return page->flags & (1UL << PG_dirty);
}

static inline bool PageAnon(const struct page *page)
{
	return page->flags & (1UL << PG_anon);
}

/*
 * The page lock.  ->fault() may give its page locked (VM_FAULT_LOCKED); the mm unlocks it.
 * Context: lock_page() may sleep.  trylock_page(): 1 = locked now.  Unlocking what is not locked is a BALANCE violation.
 */
P2PSIM_EXPORT void lock_page(struct page *page);
P2PSIM_EXPORT int trylock_page(struct page *page);
P2PSIM_EXPORT void unlock_page(struct page *page);

static inline bool PageLocked(const struct page *page)
{
	return page->flags & (1UL << PG_locked);
}

/* ---- Folios, 6.1 (reduced: each page of a huge page has references of its own, and is one). ---- */

struct folio {
	struct page page;
};

static inline struct folio *page_folio(struct page *page)
{
	return (struct folio *)page;
}

#define folio_get(folio) get_page(&(folio)->page)
#define folio_put(folio) put_page(&(folio)->page)
#define folio_lock(folio) lock_page(&(folio)->page)
#define folio_trylock(folio) trylock_page(&(folio)->page)
#define folio_unlock(folio) unlock_page(&(folio)->page)

/* ---- Faults ---- */

/*
 * Resolves one page.  Does not check VM_READ and VM_WRITE: the caller must (2.2, 2.3 of the reference).
 * Context: mmap_lock held for reading; dropped only with FAULT_FLAG_ALLOW_RETRY and VM_FAULT_RETRY; may sleep.
 * Return: mask of VM_FAULT_*.
 */
P2PSIM_EXPORT vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int flags,
					 struct pt_regs *regs);
#define handle_mm_fault(vma, addr, flags, regs) (P2PSIM_HERE(), handle_mm_fault((vma), (addr), (flags), (regs)))

/* ---- Pinning.  Mirrors: mm/gup.c, 6.1 ---- */

#define FOLL_WRITE 0x01u
#define FOLL_GET 0x04u
#define FOLL_FORCE 0x10u	/* ptrace: reads whatever is there, writes to private copies */
#define FOLL_NOFAULT 0x80u
#define FOLL_REMOTE 0x2000u
#define FOLL_ANON 0x8000u
#define FOLL_LONGTERM 0x10000u
#define FOLL_SPLIT_PMD 0x20000u
#define FOLL_PIN 0x40000u
#define FOLL_FAST_ONLY 0x80000u
#define GUP_PIN_COUNTING_BIAS 1024

/*
 * Pages of [start, start + nr pages) of the current task's mm (_remote: of mm), each with a reference (pin: 1024 of them).
 * `pages` may be NULL: fault only.  `vmas` NULL or filled.  `locked`, if not NULL, points to 1: faults may drop the lock to
 * wait, then it is given back at the end and *locked is 0.
 * A pin for reading unshares first: a page that a fork shares is copied (CLEAR), so that the device looks at what the process
 * sees, whoever writes later.
 * Context: mmap_lock held for reading; may sleep.
 * Return: pages obtained, perhaps short; an errno only when there is none: -EFAULT (no VMA; VM_IO or VM_PFNMAP;
 * permission), -EEXIST (no struct page behind the entry), -ENOMEM, -EINTR, -EINVAL (flags that do not go together).
 */
P2PSIM_EXPORT long get_user_pages(unsigned long start, unsigned long nr_pages, unsigned int gup_flags,
				  struct page **pages, struct vm_area_struct **vmas);
P2PSIM_EXPORT long get_user_pages_remote(struct mm_struct *mm, unsigned long start, unsigned long nr_pages,
					 unsigned int gup_flags, struct page **pages, struct vm_area_struct **vmas,
					 int *locked);
P2PSIM_EXPORT long pin_user_pages(unsigned long start, unsigned long nr_pages, unsigned int gup_flags,
				  struct page **pages, struct vm_area_struct **vmas);
P2PSIM_EXPORT long pin_user_pages_remote(struct mm_struct *mm, unsigned long start, unsigned long nr_pages,
					 unsigned int gup_flags, struct page **pages, struct vm_area_struct **vmas,
					 int *locked);
/*
 * The same with mmap_lock taken and given back inside; _fast: without it where the pages are there already; _fast_only: what is
 * not there is not faulted in.  Of the current task's mm.
 * Context: may sleep (_fast_only does not); mmap_lock not held.
 * Return: as above; _fast also 0: start + nr_pages wraps, -EFAULT: beyond TASK_SIZE.
 */
P2PSIM_EXPORT long get_user_pages_unlocked(unsigned long start, unsigned long nr_pages, struct page **pages,
					   unsigned int gup_flags);
P2PSIM_EXPORT long pin_user_pages_unlocked(unsigned long start, unsigned long nr_pages, struct page **pages,
					   unsigned int gup_flags);
P2PSIM_EXPORT int get_user_pages_fast(unsigned long start, int nr_pages, unsigned int gup_flags, struct page **pages);
P2PSIM_EXPORT int pin_user_pages_fast(unsigned long start, int nr_pages, unsigned int gup_flags, struct page **pages);
P2PSIM_EXPORT int get_user_pages_fast_only(unsigned long start, int nr_pages, unsigned int gup_flags, struct page **pages);
P2PSIM_EXPORT void unpin_user_page(struct page *page);
P2PSIM_EXPORT void unpin_user_pages(struct page **pages, unsigned long npages);
/* make_dirty: whoever wrote through the pin says so; takes the lock of pages that are clean, may sleep. */
P2PSIM_EXPORT void unpin_user_pages_dirty_lock(struct page **pages, unsigned long npages, bool make_dirty);
P2PSIM_EXPORT void unpin_user_page_range_dirty_lock(struct page *page, unsigned long npages, bool make_dirty);
/* 1024 references of other kinds look the same. */
P2PSIM_EXPORT bool page_maybe_dma_pinned(const struct page *page);

/*
 * Reads or writes (FOLL_WRITE) somebody else's memory as a debugger does; FOLL_FORCE: whatever the VMAs allow.  Where there is no
 * page, vm_ops->access() is asked.
 * Context: takes mmap_lock for reading.  Return: bytes done before the first that could not be; 0: none, or killed.
 */
P2PSIM_EXPORT int access_remote_vm(struct mm_struct *mm, unsigned long addr, void *buf, int len, unsigned int gup_flags);

/* ---- Filling and emptying the VMA of a device file.  Mirrors: mm/memory.c, 6.1 ---- */

/*
 * Maps [pfn, pfn + size pages) at addr; the VMA becomes VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP.
 * Context: from ->mmap(), mmap_lock held for writing.
 * Return: 0; -EINVAL: unaligned, or part of a copy-on-write VMA; -ENOMEM, with what was done undone (CLEAR).
 */
P2PSIM_EXPORT int remap_pfn_range(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn, unsigned long size,
				  pgprot_t prot);
#define io_remap_pfn_range(vma, addr, pfn, size, prot) remap_pfn_range(vma, addr, pfn, size, prot)
/*
 * Maps one page of RAM; the VMA becomes VM_MIXEDMAP; takes a reference.
 * Return: 0; -EFAULT: addr outside the VMA; -EINVAL: no reference, or anonymous; -EBUSY: something is mapped; -ENOMEM.
 */
P2PSIM_EXPORT int vm_insert_page(struct vm_area_struct *vma, unsigned long addr, struct page *page);
/*
 * From ->fault(): maps one pfn without a struct page.  VMA: VM_PFNMAP or VM_MIXEDMAP, no copy-on-write (CONTRACT).
 * Return: VM_FAULT_NOPAGE, also when something is there already; VM_FAULT_SIGBUS: outside; VM_FAULT_OOM.
 */
P2PSIM_EXPORT vm_fault_t vmf_insert_pfn(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn);
/* Unmaps part of a VM_PFNMAP VMA (no-op otherwise): CLEAR over [address, address + size). */
P2PSIM_EXPORT void zap_vma_ptes(struct vm_area_struct *vma, unsigned long address, unsigned long size);
/*
 * Unmaps bytes [holebegin, holebegin + holelen) of a file from every mm (holelen 0: to the end): a CLEAR per VMA part.
 * The revoke tool of exporters: announced even where no page table has an entry.
 * even_cows 0: private copies stay.
 * Context: may sleep; takes i_mmap_rwsem for reading, not mmap_lock; with no lock that a notifier callback takes.
 */
P2PSIM_EXPORT void unmap_mapping_range(struct address_space *mapping, loff_t holebegin, loff_t holelen, int even_cows);
/* The pfn at address of a VM_IO or VM_PFNMAP VMA; -EINVAL otherwise.  mmap_lock held; what it says may be stale at once. */
P2PSIM_EXPORT int follow_pfn(struct vm_area_struct *vma, unsigned long address, unsigned long *pfn);

#define remap_pfn_range(vma, addr, pfn, size, prot)                                                                    \
	(P2PSIM_HERE(), remap_pfn_range((vma), (addr), (pfn), (size), (prot)))
#define unmap_mapping_range(m, begin, len, cows) (P2PSIM_HERE(), unmap_mapping_range((m), (begin), (len), (cows)))
#define zap_vma_ptes(vma, addr, size) (P2PSIM_HERE(), zap_vma_ptes((vma), (addr), (size)))

#endif
