/* SPDX-License-Identifier: MIT */
/*
 * What the kernel does to a process on its own account, as plain functions that a task of a scenario calls: the events of
 * section 3.4 of the reference that no system call makes.  Reclaim has a header of its own (<p2psim/reclaim.h>).
 *
 *	actor			event			range		lock
 *	p2psim_migrate_page	CLEAR			page		reverse map, page lock; no mmap_lock
 *	p2psim_writeback_page	PROTECTION_PAGE		page		reverse map, page lock; no mmap_lock
 *	p2psim_oom_reap		UNMAP, non-blockable	each VMA	mmap_lock R, trylock
 *	p2psim_numa_scan	PROTECTION_VMA		as mprotect()	mmap_lock R
 *	p2psim_ksm_merge	CLEAR, change_pte	page, twice	mmap_lock R
 *	p2psim_soft_dirty_clear	SOFT_DIRTY		everything	mmap_lock W
 *	p2psim_khugepaged_collapse	CLEAR, without a vma	2 MiB	mmap_lock R, then W
 */
#ifndef P2PSIM_ACTORS_H
#define P2PSIM_ACTORS_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct page;
struct p2psim_process;

/*
 * Compaction, or NUMA balancing: the page's contents move to a new page, and all who map it follow.  Who touches it
 * meanwhile waits.  A CLEAR in each VMA that may map it.
 * Return: 0; -EINVAL: nobody maps it, or it belongs to a driver; -EBUSY: pinned; -EAGAIN: somebody has a reference; -ENOMEM.
 * After an error all is as it was, but the events have been.
 * Context: may sleep; takes the page lock, then the lock of the reverse map, no mmap_lock.
 */
P2PSIM_EXPORT int p2psim_migrate_page(struct page *page);
/* The page at an address of a process; -ENOENT when none is there. */
P2PSIM_EXPORT int p2psim_migrate_address(struct p2psim_process *process, unsigned long addr);

/*
 * The OOM reaper: takes the private memory of a victim away before it has exited.  An UNMAP, not blockable, over each VMA
 * that is not shared, VM_PFNMAP or VM_HUGETLB; where a callback would have to sleep, the VMA stays.  Who faults in what the
 * reaper has taken gets SIGBUS from then on: the victim is about to be killed.
 * Return: 0; -EAGAIN: mmap_lock is held for writing, or VMAs have stayed: try again.
 * Context: the caller has mm_users; does not sleep for mmap_lock.
 */
P2PSIM_EXPORT int p2psim_oom_reap(struct p2psim_process *victim);
/* As the kernel's thread: up to ten tries, others in between.  0 or -EAGAIN. */
P2PSIM_EXPORT int p2psim_oom_reaper(struct p2psim_process *victim);

/*
 * NUMA balancing looks who uses which page of [start, end): entries become PROT_NONE, the next touch brings them back.
 * PROTECTION_VMA as for mprotect(), of each VMA that can be read and whose pages can move.
 * Context: takes mmap_lock for reading.
 */
P2PSIM_EXPORT void p2psim_numa_scan(struct p2psim_process *process, unsigned long start, unsigned long end);

/*
 * ksmd: two anonymous pages of VM_MERGEABLE VMAs with the same bytes become one, read-only in both; a write copies it again
 * (CLEAR).  CLEAR and change_pte at addr1; then twice at addr2: write-protected, replaced.
 * Return: 0; -EINVAL: no such pages, or one already; -EAGAIN: they differ, or have changed; -EBUSY: locked or pinned.
 * Context: takes the mmap_lock of one, then of the other, for reading.
 */
P2PSIM_EXPORT int p2psim_ksm_merge(struct p2psim_process *process1, unsigned long addr1, struct p2psim_process *process2,
				   unsigned long addr2);

/*
 * A write to /proc/PID/clear_refs: every entry becomes read-only, so that the next write is noticed; SOFT_DIRTY over
 * everything, without a VMA.  Mappings stay.
 * Return: 0 or -EINTR.  Context: takes mmap_lock for writing.
 */
P2PSIM_EXPORT int p2psim_soft_dirty_clear(struct p2psim_process *process);

/*
 * Writeback: a page of a file is made clean.  Its shared entries become read-only, so that the next write is heard of
 * (->page_mkwrite()).  A PROTECTION_PAGE in each shared VMA that may map it.
 * Return: 1: it was dirty; 0: it was not; -EINVAL: a page of no file (any more).
 * Context: may sleep; takes the page lock, then the lock of the reverse map, no mmap_lock.
 */
P2PSIM_EXPORT int p2psim_writeback_page(struct page *page);
/* The page at an address of a process; -ENOENT when none is there. */
P2PSIM_EXPORT int p2psim_writeback_address(struct p2psim_process *process, unsigned long addr);

/*
 * khugepaged: the small pages of the 2 MiB around addr become a huge one.
 * Return: 0 (also if there is one already); -EINVAL: the VMA may not have huge pages, no page table, nothing writable, or
 * swapped-out or device entries; -EAGAIN: a page is locked, or somebody has a reference; -ENOMEM.
 * Context: takes mmap_lock for reading, then for writing.
 */
P2PSIM_EXPORT int p2psim_khugepaged_collapse(struct p2psim_process *process, unsigned long addr);

P2PSIM_END_DECLS

#endif
