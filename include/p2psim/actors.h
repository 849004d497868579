/* SPDX-License-Identifier: MIT */
/*
 * What the kernel does to a process on its own account, as plain functions that a task of a scenario calls: the events of
 * section 3.4 of the reference that no system call makes.  Reclaim has a header of its own (<p2psim/reclaim.h>).
 *
 *	actor			event			range		lock
 *	p2psim_migrate_page	CLEAR			page		reverse map, page lock; no mmap_lock
 *	p2psim_oom_reap		UNMAP, non-blockable	each VMA	mmap_lock R, trylock
 *	p2psim_numa_scan	PROTECTION_VMA		as mprotect()	mmap_lock R
 *	p2psim_ksm_merge	CLEAR, change_pte	page, twice	mmap_lock R
 *	p2psim_soft_dirty_clear	SOFT_DIRTY		everything	mmap_lock W, and R
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

P2PSIM_END_DECLS

#endif
