/* SPDX-License-Identifier: MIT */
/*
 * The machine of the mail scenarios: one switch, a gpu and a nic below it, and a process.
 *
 *	root port -- switch --+-- gpu0	exporter
 *	                      +-- nic0	importer, with a memory region
 *	                      +-- (a free port)
 */
#ifndef P2PSIM_EXAMPLES_MACHINE_H
#define P2PSIM_EXAMPLES_MACHINE_H

#include <p2psim/gpu.h>
#include <p2psim/importer.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mm_types.h>
#include <p2psim/nic.h>
#include <p2psim/process.h>

struct machine {
	struct pci_dev *sw;
	struct p2psim_gpu *gpu;
	struct p2psim_nic *nic;
	struct p2psim_importer *disk;	/* machine_add_disk() */
	struct p2psim_nic *nic1;	/* machine_add_nic() */
	struct p2psim_process *app;
	struct p2psim_nic_region *mr;
	struct p2psim_nic_region *mr1;	/* of nic1 */
	struct p2psim_import *import;
};

/* What deviates from a machine in which everybody does right. */
struct machine_config {
	unsigned int gpu_faults;	/* enum p2psim_gpu_fault */
	unsigned int nic_faults;	/* enum p2psim_nic_fault */
	p2psim_gpu_policy_fn policy;
	unsigned long bar_pages;	/* of gpu0; 0: as many as it likes */
};

/* 0 or -ENOMEM; machine_demolish() either way. */
int machine_build(struct machine *m, const struct machine_config *config);
int machine_add_disk(struct machine *m, unsigned int flags);
/* A second nic, in the disk's place, with a region like nic0's. */
int machine_add_nic(struct machine *m, unsigned long start, unsigned long length);
/* Deregisters, unplugs, lets the process exit: whatever of it there is. */
void machine_demolish(struct machine *m);

/* A new object of the gpu at `address` of the process; NULL when something ran out. */
struct p2psim_gpu_object *machine_map_object(struct machine *m, unsigned long address, unsigned long pages,
					     unsigned int flags);
/* Anonymous memory, read-write. */
int machine_map_anonymous(struct machine *m, unsigned long address, unsigned long pages);
/* A region of the nic, for reading and writing. */
int machine_register(struct machine *m, unsigned long start, unsigned long length);

#endif
