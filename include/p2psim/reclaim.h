/* SPDX-License-Identifier: MIT */
/*
 * The reclaim actor: takes a page away through its reverse map, without mmap_lock, as kswapd does.  Its callers are tasks
 * of a scenario ("kswapd").
 */
#ifndef P2PSIM_RECLAIM_H
#define P2PSIM_RECLAIM_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct page;
struct p2psim_process;

/*
 * Unmaps a page from every VMA that maps it (CLEAR of the page in each; find_vma() is not safe in the callbacks).  The bytes
 * of an anonymous page are kept in a swap slot; the next fault brings them back.  A page of a tmpfs stays in the page cache
 * unless it was never written.
 * Return: 0; -EINVAL: anonymous and mapped nowhere, or of a driver; -EBUSY: pinned (anonymous), locked, or in a VM_LOCKED
 * VMA; -ENOMEM.
 * Context: may sleep; takes the anon_vma's rwsem or the file's i_mmap_rwsem for reading and no mmap_lock.
 */
P2PSIM_EXPORT int p2psim_reclaim_page(struct page *page);
/* The page at an address of a process; -ENOENT when none is there. */
P2PSIM_EXPORT int p2psim_reclaim_address(struct p2psim_process *process, unsigned long addr);

P2PSIM_END_DECLS

#endif
