/* SPDX-License-Identifier: MIT */
/* The driver under test: kernel includes only. */
#include "mirror.h"

#include <linux/hmm.h>
#include <linux/mm.h>

static bool mirror_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct mirror *mirror = container_of(sub, struct mirror, notifier);

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&mirror->lock);
	else if (!mutex_trylock(&mirror->lock))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	mirror->pfn = 0;
	mutex_unlock(&mirror->lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = { .invalidate = mirror_invalidate };

int mirror_open(struct mirror *mirror, struct mm_struct *mm, unsigned long addr)
{
	mutex_init(&mirror->lock);
	mirror->pfn = 0;
	return mmu_interval_notifier_insert(&mirror->notifier, mm, addr, PAGE_SIZE, &mirror_ops);
}

void mirror_close(struct mirror *mirror)
{
	mmu_interval_notifier_remove(&mirror->notifier);
}

int mirror_fault(struct mirror *mirror)
{
	unsigned long start = mirror->notifier.interval_tree.start, pfn;
	struct hmm_range range = { .notifier = &mirror->notifier, .start = start, .end = start + PAGE_SIZE, .hmm_pfns = &pfn,
				   .default_flags = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE };
	int ret;

again:
	range.notifier_seq = mmu_interval_read_begin(range.notifier);
	mmap_read_lock(mirror->notifier.mm);
	ret = hmm_range_fault(&range);
	mmap_read_unlock(mirror->notifier.mm);
	if (ret == -EBUSY)
		goto again;
	if (ret)
		return ret;
	mutex_lock(&mirror->lock);
	if (mmu_interval_read_retry(range.notifier, range.notifier_seq)) {
		mutex_unlock(&mirror->lock);
		goto again;
	}
	mirror->pfn = pfn;
	mutex_unlock(&mirror->lock);
	return 0;
}
