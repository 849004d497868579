/* SPDX-License-Identifier: MIT */
/*
 * A driver as it would stand in drivers/: kernel includes only, no word of p2psim.  It is compiled with what
 * p2psim-kernel.pc says and nothing else.  One mirror of a range, filled by the retry loop of Documentation/mm/hmm.rst.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/hmm.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "driver.h"

static bool driver_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct driver_mirror *mirror = container_of(sub, struct driver_mirror, notifier);
	unsigned long addr, start, end;

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&mirror->lock);
	else if (!mutex_trylock(&mirror->lock))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	start = max(range->start, mirror->start);
	end = min(range->end, mirror->start + DRIVER_PAGES * PAGE_SIZE);
	for (addr = start; addr < end; addr += PAGE_SIZE)
		mirror->table[(addr - mirror->start) >> PAGE_SHIFT] = 0;
	mirror->invalidations++;
	mutex_unlock(&mirror->lock);
	return true;
}

static const struct mmu_interval_notifier_ops driver_notifier_ops = {
	.invalidate = driver_invalidate,
};

struct driver_mirror *driver_mirror_create(struct mm_struct *mm, unsigned long start)
{
	struct driver_mirror *mirror = kzalloc(sizeof(*mirror), GFP_KERNEL);
	int ret;

	if (!mirror)
		return ERR_PTR(-ENOMEM);
	mutex_init(&mirror->lock);
	mirror->start = start;
	ret = mmu_interval_notifier_insert(&mirror->notifier, mm, start, DRIVER_PAGES * PAGE_SIZE, &driver_notifier_ops);
	if (ret) {
		kfree(mirror);
		return ERR_PTR(ret);
	}
	return mirror;
}

void driver_mirror_destroy(struct driver_mirror *mirror)
{
	mmu_interval_notifier_remove(&mirror->notifier);
	kfree(mirror);
}

/* Returns with the lock held and the pfns true, or an error without it. */
static int driver_fault_locked(struct driver_mirror *mirror, struct hmm_range *range)
{
	struct mm_struct *mm = mirror->notifier.mm;
	unsigned long timeout = jiffies + msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);
	int ret;

	for (;;) {
		if (time_after(jiffies, timeout))
			return -EBUSY;
		range->notifier_seq = mmu_interval_read_begin(range->notifier);
		mmap_read_lock(mm);
		ret = hmm_range_fault(range);
		mmap_read_unlock(mm);
		if (ret == -EBUSY)
			continue;
		if (ret)
			return ret;
		mutex_lock(&mirror->lock);
		if (!mmu_interval_read_retry(range->notifier, range->notifier_seq))
			return 0;
		mutex_unlock(&mirror->lock);
	}
}

int driver_mirror_fault(struct driver_mirror *mirror, bool write)
{
	unsigned long pfns[DRIVER_PAGES] = { 0 };
	struct hmm_range range = {
		.notifier = &mirror->notifier,
		.start = mirror->start,
		.end = mirror->start + DRIVER_PAGES * PAGE_SIZE,
		.hmm_pfns = pfns,
		.default_flags = HMM_PFN_REQ_FAULT | (write ? HMM_PFN_REQ_WRITE : 0),
	};
	int ret, i;

	if (!mmget_not_zero(mirror->notifier.mm))
		return -EFAULT;
	ret = driver_fault_locked(mirror, &range);
	if (!ret) {
		for (i = 0; i < DRIVER_PAGES; i++)
			mirror->table[i] = pfns[i];
		mutex_unlock(&mirror->lock);
	} else {
		pr_err("driver: no pages at %lx: %d\n", mirror->start, ret);
	}
	mmput(mirror->notifier.mm);
	return ret;
}

MODULE_DESCRIPTION("A mirror of a few pages");
MODULE_LICENSE("Dual MIT/GPL");
