/* SPDX-License-Identifier: MIT */
/* A driver's mirror of one page. */
#ifndef MIRROR_H
#define MIRROR_H

#include <linux/mmu_notifier.h>
#include <linux/mutex.h>

struct mirror {
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	unsigned long pfn; /* entry of hmm_pfns[], 0 = nothing; under the lock */
};

int mirror_open(struct mirror *mirror, struct mm_struct *mm, unsigned long addr);
void mirror_close(struct mirror *mirror);
int mirror_fault(struct mirror *mirror);

#endif
