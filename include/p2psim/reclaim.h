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
 * Unmaps an anonymous page from every VMA that maps it (CLEAR of the page in each; find_vma() is not safe in the callbacks)
 * and keeps its bytes in a swap slot; the next fault brings them back.
 * Return: 0; -EINVAL: not anonymous, or mapped nowhere; -EBUSY: pinned, or in a VM_LOCKED VMA; -ENOMEM.
 * Context: may sleep; takes the anon_vma's rwsem for reading and no mmap_lock.
 */
P2PSIM_EXPORT int p2psim_reclaim_page(struct page *page);
/* The page at an address of a process; -ENOENT when none is there. */
P2PSIM_EXPORT int p2psim_reclaim_address(struct p2psim_process *process, unsigned long addr);

P2PSIM_END_DECLS

#endif
