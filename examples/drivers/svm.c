/* SPDX-License-Identifier: MIT */
/*
 * Shared virtual memory as nouveau has it: a short interval for each fault.
 *
 *	svm->notifier	classic, of the whole mm: takes entries out of the device's table
 *	fault->notifier	of one page, for one fault: only moves the sequence, so that the fault notices
 *
 *	device faults				munmap(), reclaim, ...
 *	insert(page)
 *	seq = read_begin()
 *	hmm_range_fault()
 *						interval: lock; set_seq; unlock		first
 *						list:     lock; entry out; unlock	then
 *	lock
 *	read_retry(seq)? unlock, again
 *	entry in
 *	unlock
 *	remove(page)
 *
 * It hangs on the order: intervals are told before the list.  A fault that does not see the sequence move has put its entry in
 * before the list's callback takes entries out.
 */
#include "drivers.h"

#include <linux/hmm.h>
#include <linux/kernel.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#define TRIES_MAX 8

struct svm {
	struct mmu_notifier notifier;
	struct mutex lock;
	unsigned long start;
	unsigned long pfns[DRIVER_PAGES];	/* written under the lock; the device's page table */
	enum driver_fault wrong;
};

/* Lives as long as one fault. */
struct svm_fault {
	struct mmu_interval_notifier notifier;
	struct svm *svm;
};

/* Context: lock; the device looks when it likes. */
static void set_entry(struct svm *svm, unsigned long page, unsigned long pfn)
{
	WRITE_ONCE(svm->pfns[page], pfn);
	trace_puts(pfn ? "entry in" : "entry out");
}

static int svm_invalidate(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct svm *svm = container_of(mn, struct svm, notifier);
	unsigned long i;

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&svm->lock);
	else if (!mutex_trylock(&svm->lock))
		return -EAGAIN;
	for (i = 0; i < DRIVER_PAGES && svm->wrong != DRIVER_DEAF; i++)
		if (range->start < svm->start + (i + 1) * PAGE_SIZE && svm->start + i * PAGE_SIZE < range->end)
			set_entry(svm, i, 0);
	mutex_unlock(&svm->lock);
	return 0;
}

static const struct mmu_notifier_ops svm_ops = { .invalidate_range_start = svm_invalidate };

static bool fault_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			     unsigned long cur_seq)
{
	struct svm *svm = container_of(sub, struct svm_fault, notifier)->svm;

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&svm->lock);
	else if (!mutex_trylock(&svm->lock))
		return false;
	if (svm->wrong != DRIVER_NO_SEQUENCE)
		mmu_interval_set_seq(sub, cur_seq);
	mutex_unlock(&svm->lock);
	return true;
}

static const struct mmu_interval_notifier_ops fault_ops = { .invalidate = fault_invalidate };

static void *svm_create(struct mm_struct *mm, unsigned long start, struct device *dev,
			enum driver_fault wrong)
{
	struct svm *svm = kzalloc(sizeof(*svm), GFP_KERNEL);

	if (!svm)
		return NULL;
	mutex_init(&svm->lock);
	svm->start = start;
	svm->wrong = wrong;
	svm->notifier.ops = &svm_ops;
	if (!mmu_notifier_register(&svm->notifier, mm))
		return svm;
	kfree(svm);
	return NULL;
}

static void svm_destroy(void *driver)
{
	struct svm *svm = driver;

	mmu_notifier_unregister(&svm->notifier, svm->notifier.mm);
	kfree(svm);
}

static int svm_try(struct svm *svm, struct hmm_range *range, unsigned long page)
{
	struct mm_struct *mm = svm->notifier.mm;
	int ret;

	range->notifier_seq = mmu_interval_read_begin(range->notifier);
	mmap_read_lock(mm);
	ret = hmm_range_fault(range);
	mmap_read_unlock(mm);
	if (ret)
		return ret;
	mutex_lock(&svm->lock);
	if (svm->wrong != DRIVER_NO_RETRY && mmu_interval_read_retry(range->notifier, range->notifier_seq))
		ret = -EBUSY;
	else
		set_entry(svm, page, range->hmm_pfns[0] & ~HMM_PFN_FLAGS);
	mutex_unlock(&svm->lock);
	return ret;
}

static int svm_fault_with(struct svm *svm, struct svm_fault *fault, unsigned long page)
{
	unsigned long pfn = 0, start = svm->start + page * PAGE_SIZE;
	struct hmm_range range = {
		.notifier = &fault->notifier, .start = start, .end = start + PAGE_SIZE, .hmm_pfns = &pfn,
		.default_flags = HMM_PFN_REQ_FAULT,
	};
	int ret, tries = 0;

	ret = mmu_interval_notifier_insert(&fault->notifier, svm->notifier.mm, start, PAGE_SIZE, &fault_ops);
	if (ret)
		return ret;
	do {
		ret = svm_try(svm, &range, page);
	} while (ret == -EBUSY && ++tries < TRIES_MAX);
	mmu_interval_notifier_remove(&fault->notifier);
	return ret;
}

static int svm_fault(void *driver, unsigned long page)
{
	struct svm *svm = driver;
	struct svm_fault fault = { .svm = svm };
	int ret;

	if (!mmget_not_zero(svm->notifier.mm))
		return -EFAULT;
	ret = svm_fault_with(svm, &fault, page);
	mmput(svm->notifier.mm);
	return ret;
}

static u64 svm_entry(void *driver, unsigned long page)
{
	return (u64)READ_ONCE(((struct svm *)driver)->pfns[page]) << PAGE_SHIFT;
}

const struct driver_ops svm_driver = { svm_create, svm_destroy, svm_fault, svm_entry };
