/* SPDX-License-Identifier: MIT */
/*
 * A mirror: the device's page table follows the CPU's.  The least that is right.
 *
 *	device faults				munmap(), reclaim, ...
 *	seq = read_begin()
 *	mmap_read_lock; hmm_range_fault()
 *						invalidate(): lock; set_seq; entry out; unlock
 *	lock
 *	read_retry(seq)? unlock, again
 *	entry in
 *	unlock
 *
 * The lock and the sequence together: whoever comes second sees the first.  Take one of them away, and none does.
 */
#include "drivers.h"

#include <linux/hmm.h>
#include <linux/kernel.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <p2psim/step.h>

#define TRIES_MAX 8

struct mirror {
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	unsigned long start;
	unsigned long pfns[DRIVER_PAGES];	/* written under the lock; the device's page table */
	enum driver_fault wrong;
};

/* Context: lock; the device looks when it likes. */
static void set_entry(struct mirror *mirror, unsigned long page, unsigned long pfn)
{
	WRITE_ONCE(mirror->pfns[page], pfn);
	trace_puts(pfn ? "entry in" : "entry out");
}

static bool mirror_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct mirror *mirror = container_of(sub, struct mirror, notifier);
	unsigned long i;

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&mirror->lock);
	else if (!mutex_trylock(&mirror->lock))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	for (i = 0; i < DRIVER_PAGES && mirror->wrong != DRIVER_DEAF; i++)
		if (range->start < mirror->start + (i + 1) * PAGE_SIZE && mirror->start + i * PAGE_SIZE < range->end)
			set_entry(mirror, i, 0);
	mutex_unlock(&mirror->lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = { .invalidate = mirror_invalidate };

static void *mirror_create(struct mm_struct *mm, unsigned long start, struct device *dev,
			   enum driver_fault wrong)
{
	struct mirror *mirror = kzalloc(sizeof(*mirror), GFP_KERNEL);

	if (!mirror)
		return NULL;
	mutex_init(&mirror->lock);
	mirror->start = start;
	mirror->wrong = wrong;
	if (!mmu_interval_notifier_insert(&mirror->notifier, mm, start, DRIVER_PAGES * PAGE_SIZE, &mirror_ops))
		return mirror;
	kfree(mirror);
	return NULL;
}

static void mirror_destroy(void *driver)
{
	struct mirror *mirror = driver;

	mmu_interval_notifier_remove(&mirror->notifier);
	kfree(mirror);
}

/* Page tables are read; mmap_lock is enough for that, and is not held any longer. */
static int mirror_read(struct mirror *mirror, struct hmm_range *range)
{
	struct mm_struct *mm = mirror->notifier.mm;
	int ret;

	range->notifier_seq = mmu_interval_read_begin(&mirror->notifier);
	mmap_read_lock(mm);
	ret = hmm_range_fault(range);
	mmap_read_unlock(mm);
	return ret;
}

/* Under the lock; the two famous mistakes do not look, or have looked before. */
static bool mirror_collided(const struct mirror *mirror, const struct hmm_range *range)
{
	if (mirror->wrong == DRIVER_NO_RETRY || mirror->wrong == DRIVER_CHECK_BEFORE_LOCK)
		return false;
	return mmu_interval_read_retry(range->notifier, range->notifier_seq);
}

/* What was read goes in, if it is still true: 0 or -EBUSY. */
static int mirror_commit(struct mirror *mirror, const struct hmm_range *range, unsigned long page)
{
	int ret = 0;

	if (mirror->wrong == DRIVER_CHECK_BEFORE_LOCK && mmu_interval_check_retry(range->notifier, range->notifier_seq))
		return -EBUSY;
	p2psim_step("gpu:lock"); /* a name, for who wants to stop here */
	mutex_lock(&mirror->lock);
	if (mirror_collided(mirror, range))
		ret = -EBUSY;
	else
		set_entry(mirror, page, range->hmm_pfns[0] & ~HMM_PFN_FLAGS);
	mutex_unlock(&mirror->lock);
	return ret;
}

static int mirror_fault(void *driver, unsigned long page)
{
	struct mirror *mirror = driver;
	unsigned long pfn = 0;
	struct hmm_range range = {
		.notifier = &mirror->notifier,
		.start = mirror->start + page * PAGE_SIZE,
		.end = mirror->start + (page + 1) * PAGE_SIZE,
		.hmm_pfns = &pfn,
		.default_flags = HMM_PFN_REQ_FAULT,
	};
	int ret, tries = 0;

	if (!mmget_not_zero(mirror->notifier.mm))
		return -EFAULT;
	do {
		ret = mirror_read(mirror, &range);
		if (!ret)
			ret = mirror_commit(mirror, &range, page);
	} while (ret == -EBUSY && ++tries < TRIES_MAX);
	mmput(mirror->notifier.mm);
	return ret;
}

static u64 mirror_entry(void *driver, unsigned long page)
{
	return (u64)READ_ONCE(((struct mirror *)driver)->pfns[page]) << PAGE_SHIFT;
}

const struct driver_ops mirror_driver = { mirror_create, mirror_destroy, mirror_fault, mirror_entry };
