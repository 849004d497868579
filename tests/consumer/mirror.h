/* SPDX-License-Identifier: MIT */
#ifndef MIRROR_H
#define MIRROR_H

#include <linux/mmu_notifier.h>
#include <linux/mutex.h>

/* One page of a process, as a device sees it. */
struct mirror {
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	unsigned long entry;		/* of hmm_pfns[]; 0 = nothing there.  Under lock */
};

int mirror_open(struct mirror *mirror, struct mm_struct *mm, unsigned long addr);
int mirror_fault(struct mirror *mirror);
void mirror_close(struct mirror *mirror);

#endif
