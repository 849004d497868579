/* SPDX-License-Identifier: MIT */
/* The driver: kernel includes only, as it would stand in drivers/. */
#include <linux/hmm.h>
#include <linux/mm.h>

#include "mirror.h"

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct mirror *mirror = container_of(sub, struct mirror, notifier);

	if (!mmu_notifier_range_blockable(range))
		return false;
	mutex_lock(&mirror->lock);
	mmu_interval_set_seq(sub, cur_seq);
	mirror->entry = 0;
	mutex_unlock(&mirror->lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = invalidate };

int mirror_open(struct mirror *mirror, struct mm_struct *mm, unsigned long addr)
{
	mutex_init(&mirror->lock);
	mirror->entry = 0;
	return mmu_interval_notifier_insert(&mirror->notifier, mm, addr, PAGE_SIZE, &ops);
}

int mirror_fault(struct mirror *mirror)
{
	struct mm_struct *mm = mirror->notifier.mm;
	unsigned long pfn = 0, addr = mirror->notifier.interval_tree.start;
	struct hmm_range range = {
		.notifier = &mirror->notifier,
		.start = addr,
		.end = addr + PAGE_SIZE,
		.hmm_pfns = &pfn,
		.default_flags = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE,
	};
	int ret;

again:
	range.notifier_seq = mmu_interval_read_begin(range.notifier);
	mmap_read_lock(mm);
	ret = hmm_range_fault(&range);
	mmap_read_unlock(mm);
	if (ret == -EBUSY)
		goto again;
	if (ret)
		return ret;
	mutex_lock(&mirror->lock);
	if (mmu_interval_read_retry(range.notifier, range.notifier_seq)) {
		mutex_unlock(&mirror->lock);
		goto again;
	}
	mirror->entry = pfn;
	mutex_unlock(&mirror->lock);
	return 0;
}

void mirror_close(struct mirror *mirror)
{
	mmu_interval_notifier_remove(&mirror->notifier);
}
