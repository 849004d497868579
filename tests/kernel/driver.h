/* SPDX-License-Identifier: MIT */
/* The driver of driver.c, for its own file and for the test that plays the process. */
#ifndef DRIVER_H
#define DRIVER_H

#include <linux/mmu_notifier.h>
#include <linux/mutex.h>

#define DRIVER_PAGES 2

struct driver_mirror {
	struct mmu_interval_notifier notifier;
	struct mutex lock;		/* covers what follows */
	unsigned long start;
	unsigned long table[DRIVER_PAGES]; /* entries of hmm_pfns[]; 0 = nothing there */
	unsigned int invalidations;
};

struct driver_mirror *driver_mirror_create(struct mm_struct *mm, unsigned long start);
void driver_mirror_destroy(struct driver_mirror *mirror);
int driver_mirror_fault(struct driver_mirror *mirror, bool write);

#endif
