/* SPDX-License-Identifier: MIT */
/*
 * dmirror: what is missing in the device's page table is asked of the mm.  The collision-retry loop, as every user of
 * hmm_range_fault() has it.
 */
#include "devices/dmirror_internal.h"

#include <p2psim/linux/hmm.h>
#include <p2psim/linux/jiffies.h>
#include <p2psim/linux/sched/mm.h>

static int fault_once(struct hmm_range *range)
{
	struct mm_struct *mm = range->notifier->mm;
	int ret;

	range->notifier_seq = mmu_interval_read_begin(range->notifier);
	mmap_read_lock(mm);
	ret = hmm_range_fault(range);
	mmap_read_unlock(mm);
	return ret;
}

int dmirror_range_fault(struct dmirror *dmirror, struct hmm_range *range)
{
	unsigned long timeout = jiffies + msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);
	int ret;

	while (!time_after(jiffies, timeout)) {
		ret = fault_once(range);
		if (ret == -EBUSY)
			continue;
		if (ret)
			return ret;
		mutex_lock(&dmirror->mutex);
		if (dmirror_has(dmirror->device, P2PSIM_DMIRROR_NO_RETRY) ||
		    !mmu_interval_read_retry(range->notifier, range->notifier_seq))
			return 0;
		mutex_unlock(&dmirror->mutex);
	}
	return -EBUSY;
}

/*
 * A page of our own private memory that the mm has made read-only cannot be faulted for writing: hmm_range_fault() gives it
 * as it is, and there is nothing that we can do.
 */
static int set_entries(struct dmirror *dmirror, const struct hmm_range *range)
{
	unsigned long i, pages = (range->end - range->start) >> PAGE_SHIFT, pfn;
	int ret = 0;

	for (i = 0; i < pages && !ret; i++) {
		pfn = range->hmm_pfns[i];
		if (range->default_flags & HMM_PFN_REQ_WRITE && !(pfn & HMM_PFN_WRITE))
			return -EFAULT;
		ret = dmirror_set(dmirror, (range->start >> PAGE_SHIFT) + i, hmm_pfn_to_page(pfn),
				  pfn & HMM_PFN_WRITE ? DMIRROR_WRITE : DMIRROR_READ);
	}
	return ret;
}

static int fault_batch(struct dmirror *dmirror, struct hmm_range *range)
{
	int ret = dmirror_range_fault(dmirror, range);

	if (ret)
		return ret;
	ret = set_entries(dmirror, range);
	mutex_unlock(&dmirror->mutex);
	return ret;
}

int dmirror_fault(struct dmirror *dmirror, unsigned long start, unsigned long end, bool write)
{
	struct mm_struct *mm = dmirror_mm(dmirror);
	unsigned long pfns[DMIRROR_BATCH] = {};
	struct hmm_range range = {
		.notifier = &dmirror->notifier,
		.hmm_pfns = pfns,
		.default_flags = HMM_PFN_REQ_FAULT | (write ? HMM_PFN_REQ_WRITE : 0),
		.dev_private_owner = dmirror->device,
	};
	int ret = 0;

	if (!mmget_not_zero(mm))
		return -EFAULT;
	for (range.end = start; range.end < end && !ret;) {
		range.start = range.end;
		range.end = min(range.start + (DMIRROR_BATCH << PAGE_SHIFT), end);
		ret = fault_batch(dmirror, &range);
	}
	mmput(mm);
	return ret;
}
