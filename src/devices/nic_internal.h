/* SPDX-License-Identifier: MIT */
/*
 * nic, inside: one region and its page table.
 *
 *	struct p2psim_nic_region ---- leaves ----> [ 64 slots ] -> [ 64 slots ] -> ...	  ascending, only ever added
 *	                                             slot: hw, pfns, dma
 *
 * hw[] is what the device walks: bus address | permissions, 0 = no entry.  pfns[] and dma[] are the driver's own books:
 * what hmm_range_dma_map() gave and hmm_range_dma_unmap() wants back.  A slot with hw 0 and a pfn is being unmapped, by
 * whoever holds mr->update.
 *
 * Rules (M = cited by the tests)
 *	M1  hw[], pfns[] and dma[] change only under mr->update; the device reads hw[] without.
 *	M2  nothing is put into hw[] before mmu_interval_read_retry() said false under the same hold of mr->update.
 *	M3  an entry is taken out of hw[], then DMA in flight is awaited, then the mapping is given back.  Never another order.
 *	M4  what was mapped and not committed is given back before the next try, and on every way out.
 *	M5  nothing is allocated with GFP_KERNEL under mr->update: reclaim would invalidate, and want that lock.
 */
#ifndef P2PSIM_DEVICES_NIC_INTERNAL_H
#define P2PSIM_DEVICES_NIC_INTERNAL_H

#include <p2psim/linux/hmm.h>
#include <p2psim/linux/list.h>
#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/pci.h>
#include <p2psim/nic.h>

#define NIC_LEAF_PAGES 64

/* The device's entry format: a page-aligned bus address and two permissions in its low bits. */
#define NIC_ENTRY_READ 0x1UL
#define NIC_ENTRY_WRITE 0x2UL
#define NIC_ENTRY_ADDR (~(u64)(PAGE_SIZE - 1))

struct p2psim_nic {
	struct pci_dev *pdev;
	const char *name;
	unsigned int faults;	/* mask of enum p2psim_nic_fault */
	unsigned long regions;
};

struct nic_leaf {
	struct list_head link;
	unsigned long first;	/* virtual page number of slot 0, a multiple of NIC_LEAF_PAGES */
	u64 hw[NIC_LEAF_PAGES];
	unsigned long pfns[NIC_LEAF_PAGES];
	dma_addr_t dma[NIC_LEAF_PAGES];
};

struct p2psim_nic_region {
	struct p2psim_object obj;	/* its page table, for steps; unit: virtual page number */
	struct mmu_interval_notifier notifier;
	struct p2psim_nic *nic;
	unsigned long start, end;
	unsigned int access;		/* mask of enum p2psim_nic_access */

	/* Taken inside invalidate().  Nests inside mmap_lock and the mmu_notifier bracket, outside the exporter's locks. */
	struct mutex update;
	struct list_head leaves;	/* update to add; readers need none: a leaf stays until deregistration */
	bool dead;			/* update; deregistration has begun */
	int last_event;			/* update */
	unsigned long last_start, last_end;

	unsigned int in_flight;		/* DMA between translation and completion; steps on obj */
	unsigned int busy;		/* accesses under way: nobody may deregister */
	struct p2psim_nic_stats stats;
};

/* One try, or several, to map [range.start, range.end): what hmm_range_dma_map() fills. */
struct nic_mapping {
	struct p2psim_nic_region *mr;
	struct hmm_range range;
	dma_addr_t *dma;
	unsigned int access;
};

static inline bool nic_has_fault(const struct p2psim_nic_region *mr, enum p2psim_nic_fault fault)
{
	return mr->nic->faults & fault;
}

static inline struct device *nic_dev(const struct p2psim_nic_region *mr)
{
	return &mr->nic->pdev->dev;
}

/* nic_table.c */
struct nic_leaf *nic_table_leaf(const struct p2psim_nic_region *mr, unsigned long page);
/* The entry of a virtual page, 0 if there is none.  No step. */
u64 nic_table_entry(const struct p2psim_nic_region *mr, unsigned long page);
/* The HMM_PFN_* word behind the entry. */
unsigned long nic_table_pfn(const struct p2psim_nic_region *mr, unsigned long page);
/* Makes leaves for [start, end).  0 or -ENOMEM.  Context: may sleep; without mr->update. */
int nic_table_reserve(struct p2psim_nic_region *mr, unsigned long start, unsigned long end);
/* Puts what was mapped into the table.  Context: mr->update; leaves reserved. */
void nic_table_commit(const struct nic_mapping *map);
/* Takes the entries of [start, end) out and gives the mappings back (M3).  Context: mr->update. */
void nic_table_zap(struct p2psim_nic_region *mr, unsigned long start, unsigned long end);
/* Takes the write permission away; P2P entries go altogether.  Context: mr->update. */
void nic_table_write_protect(struct p2psim_nic_region *mr, unsigned long start, unsigned long end);
/* Frees the leaves.  Context: nobody uses the region. */
void nic_table_free(struct p2psim_nic_region *mr);

/* nic_fault.c: maps [start, end) and commits it.  Errors as p2psim_nic_write(). */
int nic_fault(struct p2psim_nic_region *mr, unsigned long start, unsigned long end, unsigned int access);

/* nic_invalidate.c */
extern const struct mmu_interval_notifier_ops nic_notifier_ops;

#endif
