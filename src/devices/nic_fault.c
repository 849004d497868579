/* SPDX-License-Identifier: MIT */
/*
 * nic: the fault path.  This is the file to copy from.
 *
 *	nic_fault()
 *	  ALGO 1  seq = mmu_interval_read_begin()		waits while an invalidation of the region runs
 *	  ALGO 2  mmap_read_lock; hmm_range_dma_map()
 *	  ALGO 3  mutex_lock(update)
 *	  ALGO 4  mmu_interval_read_retry(seq)?		yes: unlock, hmm_range_dma_unmap(), from 1 again
 *	  ALGO 5  commit; mutex_unlock(update)
 *	  ALGO 6  mmap_read_unlock
 *
 * Why it is right, for any moment at which an invalidation of the range may come:
 *
 *	before 1		1 waits for its end; 2 sees the new page tables
 *	between 1 and 3		it has moved the sequence: 4 says so
 *	between 3 and 5		it waits for the lock, then finds the entry that 5 has made, and takes it out
 *	after 5			the same, without waiting
 *
 * mmap_lock is held from 2 to 6 because the range may hold device VMAs: munmap() must not close one over a mapping that
 * is granted and not committed, of which invalidate() knows nothing yet.  A range of RAM alone could drop it after 2.
 * It keeps out neither reclaim nor an exporter's revoke: 4 is needed all the same.
 *
 * Take the check out, or move it above the lock, and the second and third lines are lost: P2PSIM_NIC_NO_RETRY_CHECK,
 * P2PSIM_NIC_CHECK_BEFORE_LOCK.
 *
 * -EBUSY from 2 means that the exporter moves the memory right now, or that the collision was seen early.  We hold no
 * lock and keep nothing mapped then: the exporter may be waiting for just that.  Sleep a tick; give up after a second.
 */
#include "devices/nic_internal.h"

#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/sched.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/retry.h>
#include <p2psim/trace.h>

/* ALGO 2.  Returns as hmm_range_dma_map(): 0 = all pages are mapped, otherwise none is. */
static int nic_map(struct nic_mapping *map)
{
	struct p2psim_nic_region *mr = map->mr;
	int ret;

	if (nic_has_fault(mr, P2PSIM_NIC_FAULT_UNDER_LOCK))
		mutex_lock(&mr->update);
	ret = hmm_range_dma_map(&map->range, nic_dev(mr), map->dma);
	if (nic_has_fault(mr, P2PSIM_NIC_FAULT_UNDER_LOCK))
		mutex_unlock(&mr->update);
	return ret;
}

/* M4: nobody else knows of this mapping, so no lock is needed. */
static void nic_unmap(struct nic_mapping *map)
{
	if (nic_has_fault(map->mr, P2PSIM_NIC_FORGET_UNMAP))
		return;
	hmm_range_dma_unmap(&map->range, nic_dev(map->mr), map->dma, map->range.start, map->range.end);
}

/* ALGO 4, with the two famous ways to get it wrong.  True: what was mapped may be old. */
static bool nic_collided(struct nic_mapping *map, bool early)
{
	struct p2psim_nic_region *mr = map->mr;

	if (nic_has_fault(mr, P2PSIM_NIC_NO_RETRY_CHECK))
		return false;
	if (early != nic_has_fault(mr, P2PSIM_NIC_CHECK_BEFORE_LOCK))
		return false;
	if (early)
		return mmu_interval_check_retry(&mr->notifier, map->range.notifier_seq);
	return mmu_interval_read_retry(&mr->notifier, map->range.notifier_seq);
}

/* What M5 forbids: reclaim would invalidate, and invalidate() wants this lock. */
static void nic_allocate_under_lock(struct p2psim_nic_region *mr)
{
	if (nic_has_fault(mr, P2PSIM_NIC_ALLOC_UNDER_LOCK))
		kfree(kmalloc(8, GFP_KERNEL));
}

/* ALGO 3 to 5.  Returns 0; -EAGAIN: collided, nothing is mapped; -EINVAL: the region is being deregistered. */
static int nic_commit(struct nic_mapping *map)
{
	struct p2psim_nic_region *mr = map->mr;
	int ret = -EAGAIN;

	if (nic_collided(map, true))
		goto unmap;

	p2psim_step("nic:lock");
	mutex_lock(&mr->update);
	if (nic_collided(map, false))
		goto unlock;
	ret = -EINVAL;
	if (mr->dead)
		goto unlock;
	nic_allocate_under_lock(mr);
	nic_table_commit(map);
	mutex_unlock(&mr->update);
	return 0;

unlock:
	mutex_unlock(&mr->update);
unmap:
	nic_unmap(map);
	return ret;
}

/* hmm_pfns[] is in and out: a second try must not start from what the first one left there. */
static void nic_mapping_reset(struct nic_mapping *map)
{
	unsigned long i, count = (map->range.end - map->range.start) >> PAGE_SHIFT;

	for (i = 0; i < count; i++)
		map->range.hmm_pfns[i] = 0;
}

static int nic_fault_retry(struct nic_mapping *map)
{
	unsigned long timeout = jiffies + msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);
	struct mm_struct *mm = map->range.notifier->mm;
	struct p2psim_retry again;
	int ret;

	p2psim_retry_begin(&again);
	do {
		nic_mapping_reset(map);
		map->range.notifier_seq = mmu_interval_read_begin(map->range.notifier);
		mmap_read_lock(mm);
		ret = nic_map(map);
		if (!ret)
			ret = nic_commit(map);
		mmap_read_unlock(mm);
		if (ret != -EBUSY && ret != -EAGAIN)
			return ret;
		map->mr->stats.retries++;
		if (ret == -EBUSY)
			msleep(1);
		p2psim_retry(&again, map->range.notifier_seq);
	} while (!time_after(jiffies, timeout));
	return -EBUSY;
}

/* One page, or arrays from the heap. */
static int nic_fault_range(struct nic_mapping *map)
{
	unsigned long count = (map->range.end - map->range.start) >> PAGE_SHIFT;
	unsigned long pfn;
	dma_addr_t dma;
	int ret = -ENOMEM;

	if (count == 1) {
		map->range.hmm_pfns = &pfn;
		map->dma = &dma;
		return nic_fault_retry(map);
	}
	map->range.hmm_pfns = kcalloc(count, sizeof(*map->range.hmm_pfns), GFP_KERNEL);
	map->dma = kcalloc(count, sizeof(*map->dma), GFP_KERNEL);
	if (map->range.hmm_pfns && map->dma)
		ret = nic_fault_retry(map);
	kfree(map->dma);
	kfree(map->range.hmm_pfns);
	return ret;
}

int nic_fault(struct p2psim_nic_region *mr, unsigned long start, unsigned long end, unsigned int access)
{
	struct nic_mapping map = {
		.mr = mr,
		.access = access,
		.range = {
			.notifier = &mr->notifier,
			.start = start,
			.end = end,
			.default_flags = HMM_PFN_REQ_FAULT | (access & P2PSIM_NIC_WRITE ? HMM_PFN_REQ_WRITE : 0),
		},
	};
	struct mm_struct *mm = mr->notifier.mm;
	int ret;

	ret = nic_table_reserve(mr, start, end);
	if (ret)
		return ret;
	/* The struct stays as long as the notifier is registered; the address space may be gone. */
	if (!mmget_not_zero(mm))
		return -EFAULT;
	mr->stats.faults += (end - start) >> PAGE_SHIFT;
	ret = nic_fault_range(&map);
	mmput(mm);
	return ret;
}
