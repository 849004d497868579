/* SPDX-License-Identifier: MIT */
/*
 * A NIC that pages on demand by Linux 6.1's own drivers/infiniband/core/umem_odp.c: the part of a hardware driver that it calls
 * and is called by, and a device behind it with a page table of its own.
 *
 *	access:		hw lock; the table's entry; DMA; unlock			none, or read-only for a write: a fault
 *	fault:		ib_umem_odp_map_dma_and_lock(); entries into the table; unlock umem_mutex
 *	invalidate:	lock umem_mutex; set_seq; entries out of the table; ib_umem_odp_unmap_dma_pages(); unlock
 *
 * The hw lock stands for the device: who takes an entry out of the table waits for the DMA that goes through it.
 */
#ifndef TESTS_ODP_NIC_H
#define TESTS_ODP_NIC_H

#include <stdbool.h>
#include <stddef.h>

struct odp_nic;
struct p2psim_process;

enum odp_mistake {
	ODP_CORRECT,
	ODP_UNLOCKS_FIRST,	/* the fault lets umem_mutex go before its entries are in the table */
	ODP_KEEPS_SEQ,		/* invalidate() forgets mmu_interval_set_seq() */
	ODP_KEEPS_TABLE,	/* invalidate() leaves the table as it is */
	ODP_KEEPS_PAGES,	/* invalidate() leaves the pages mapped for DMA: no ib_umem_odp_unmap_dma_pages() */
};

/* Registers [addr, addr + pages) of the process; at most 8 pages.  NULL: -errno in *error. */
struct odp_nic *odp_nic_create(struct p2psim_process *process, unsigned long addr, unsigned long pages,
			       enum odp_mistake mistake, int *error);
/* The region goes, by ib_umem_odp_release(), whether or not its process has. */
void odp_nic_destroy(struct odp_nic *nic);
/*
 * The device reads or writes `len` bytes inside one page, faulting that page and the next in if it must.
 * Return: 0 or -errno of the fault: -EFAULT nothing is mapped there, -EPERM, -EINVAL the process has gone.
 */
int odp_nic_access(struct odp_nic *nic, unsigned long addr, void *buf, size_t len, bool write);
/* ib_umem_odp_map_dma_and_lock() without faulting: what the CPU has mapped anyway.  Pages looked at, or -errno. */
int odp_nic_prefetch(struct odp_nic *nic, unsigned long addr, unsigned long pages);
/* Pages that are mapped for DMA, and how many of them may be written to. */
int odp_nic_mapped(struct odp_nic *nic);
int odp_nic_writable(struct odp_nic *nic);

#endif
