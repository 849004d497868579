/* SPDX-License-Identifier: MIT */
/*
 * nic: an importer.  A PCI endpoint that reads and writes a process's memory by virtual address through a page table of
 * its own, filled on demand ("on-demand paging", ODP), one memory region at a time.
 *
 * A region covers any range: across VMAs, holes and files, up to the whole address space; VMA boundaries may move during
 * its life (Gunthorpe, 2019-01-30).  What an access meets:
 *
 *	p2psim_nic_write(mr, va)
 *	    entry valid -----------------------------------------> DMA to the entry's bus address
 *	    no entry ---> fault: read_begin, hmm_range_dma_map(),
 *	                  lock, read_retry? again : commit, unlock --> again from the top
 *	    the fault fails -> -EFAULT: this access completes in error, the region lives on (S12)
 *
 * and what takes entries away: the interval notifier's invalidate() (nic_invalidate.c), deregistration.
 *
 * Lock order: mmap_lock > [mmu_notifier] > mr->update > the exporter's locks.  mr->update protects the entries; it is
 * never held while hmm_range_dma_map(), mmu_interval_read_begin() or mmu_interval_notifier_remove() run.
 *
 * At each access through an entry the model asks the STALE oracle whether the entry is still true.
 *
 * Left out compared with a real NIC: queues, keys, completion queues, huge entries, prefetch advice, its own TLB.
 */
#ifndef P2PSIM_NIC_H
#define P2PSIM_NIC_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct device;
struct mm_struct;
struct pci_dev;
struct p2psim_nic;
struct p2psim_nic_region;

/* What a driver author gets wrong, on request: the broken twins of the scenarios. */
enum p2psim_nic_fault {
	P2PSIM_NIC_NO_FAULT = 0,
	P2PSIM_NIC_NO_RETRY_CHECK = 1 << 0,	/* commits without read_retry(): STALE */
	P2PSIM_NIC_CHECK_BEFORE_LOCK = 1 << 1,	/* read_retry(), then the lock, then commits: STALE */
	P2PSIM_NIC_IGNORE_INVALIDATE = 1 << 2,	/* invalidate() only says yes: STALE; CONTRACT for a P2P mapping */
	P2PSIM_NIC_FORGET_UNMAP = 1 << 3,	/* no hmm_range_dma_unmap() before a retry: LEAK; the exporter waits */
	P2PSIM_NIC_FIND_VMA = 1 << 4,		/* find_vma() in invalidate(), without mmap_lock: CONTRACT */
	P2PSIM_NIC_LOCK_MMAP = 1 << 5,		/* mmap_read_lock() in invalidate(): LOCKGRAPH, DEADLOCK */
	P2PSIM_NIC_NO_DRAIN = 1 << 6,		/* does not wait for DMA in flight: STALE */
	P2PSIM_NIC_LEAK_AT_DEREG = 1 << 7,	/* deregisters without unmapping: LEAK */
	P2PSIM_NIC_SLEEP_IN_INVALIDATE = 1 << 8, /* mutex_lock() in a non-blockable invalidation: LOCKGRAPH */
	P2PSIM_NIC_ZAP_ONE_PAGE = 1 << 9,	/* invalidates the first page of a longer range only: RANGE, CONTRACT, STALE */
	P2PSIM_NIC_FAULT_UNDER_LOCK = 1 << 10,	/* mr->update held around hmm_range_dma_map(): LOCKGRAPH */
	P2PSIM_NIC_DEREG_UNDER_LOCK = 1 << 11,	/* removes the notifier with mr->update held: LOCKGRAPH, DEADLOCK */
	P2PSIM_NIC_ALLOC_UNDER_LOCK = 1 << 12,	/* kmalloc(GFP_KERNEL) under mr->update: LOCKGRAPH (fs_reclaim) */
	P2PSIM_NIC_MIX_ADDRESSES_UP = 1 << 13,	/* gives back an address that it never got: RANGE, BALANCE */
};

struct p2psim_nic_config {
	const char *name;	/* "nic0"; static; NULL: "nic" */
	unsigned int faults;	/* mask of enum p2psim_nic_fault */
};

enum p2psim_nic_access {
	P2PSIM_NIC_READ = 0,
	P2PSIM_NIC_WRITE = 1 << 0,
};

/* What happened to a region so far. */
struct p2psim_nic_stats {
	unsigned long hits;		/* pages reached through an entry that was there */
	unsigned long faults;		/* pages that had to be mapped first */
	unsigned long retries;		/* collisions: read_retry() was true, or -EBUSY */
	unsigned long invalidations;	/* calls of invalidate() */
	unsigned long errors;		/* accesses that completed in error */
	unsigned long downgrades;	/* entries that lost their write bit and stayed */
};

/* A nic below `parent` (a root port, a switch port).  NULL when out of memory.  May sleep. */
P2PSIM_EXPORT struct p2psim_nic *p2psim_nic_create(struct pci_dev *parent, const struct p2psim_nic_config *config);
/* Context: all regions are deregistered, else CONTRACT. */
P2PSIM_EXPORT void p2psim_nic_destroy(struct p2psim_nic *nic);
P2PSIM_EXPORT struct pci_dev *p2psim_nic_pdev(const struct p2psim_nic *nic);
/* The importer that exporters see. */
P2PSIM_EXPORT struct device *p2psim_nic_dev(const struct p2psim_nic *nic);
P2PSIM_EXPORT void p2psim_nic_set_faults(struct p2psim_nic *nic, unsigned int faults);

/*
 * Registers [start, start + length) of `mm`, page aligned; length 0 = the whole address space from 0 on.  `access`:
 * P2PSIM_NIC_WRITE allows writes.  Nothing is mapped yet, nothing need be there.
 * Returns 0 and *mr; -EINVAL (alignment, dead mm), -EOVERFLOW, -ENOMEM.
 * Context: may sleep; without mmap_lock.
 */
P2PSIM_EXPORT int p2psim_nic_register(struct p2psim_nic *nic, struct mm_struct *mm, unsigned long start,
				      unsigned long length, unsigned int access, struct p2psim_nic_region **mr);
/* Waits for DMA in flight and for running invalidations, gives every mapping back.  May sleep; no locks. */
P2PSIM_EXPORT void p2psim_nic_deregister(struct p2psim_nic_region *mr);

/*
 * The device moves `len` bytes between `buf` and the process's memory at `va`, page by page, each page in one DMA beat.
 * Return: 0; -EFAULT: outside the region, no VMA, wrong protection, or refused by the exporter; -EPERM: a write through
 * a region or to a VMA that is not writable; -EBUSY: collisions for 1000 ms; -ENOMEM; -EIO, -EREMOTEIO from the bus.
 * Pages before the failing one have been moved; the region stays usable.
 */
P2PSIM_EXPORT int p2psim_nic_read(struct p2psim_nic_region *mr, unsigned long va, void *buf, size_t len);
P2PSIM_EXPORT int p2psim_nic_write(struct p2psim_nic_region *mr, unsigned long va, const void *buf, size_t len);
/* Maps the pages of [start, end) ahead of use with one hmm_range_dma_map(): all or nothing.  0 or -errno as above. */
P2PSIM_EXPORT int p2psim_nic_prefetch(struct p2psim_nic_region *mr, unsigned long start, unsigned long end,
				      unsigned int access);

/* Is there an entry for the page at `va` (for writing, if `access` says so)?  No step: for assertions. */
P2PSIM_EXPORT bool p2psim_nic_has_entry(const struct p2psim_nic_region *mr, unsigned long va, unsigned int access);
/* Its bus address, or ~0. */
P2PSIM_EXPORT uint64_t p2psim_nic_entry_dma(const struct p2psim_nic_region *mr, unsigned long va);
P2PSIM_EXPORT unsigned long p2psim_nic_entries(const struct p2psim_nic_region *mr);
P2PSIM_EXPORT const struct p2psim_nic_stats *p2psim_nic_region_stats(const struct p2psim_nic_region *mr);
/* Event (enum mmu_notifier_event) of the last invalidate(), -1 before the first; its range clipped to the region. */
P2PSIM_EXPORT int p2psim_nic_last_event(const struct p2psim_nic_region *mr, unsigned long *start, unsigned long *end);

P2PSIM_END_DECLS

#endif
