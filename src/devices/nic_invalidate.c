/* SPDX-License-Identifier: MIT */
/*
 * nic: what the mm tells it.
 *
 * invalidate() runs inside munmap(), mprotect(), reclaim, fork, exit, or inside an exporter's unmap_mapping_range().  Of
 * their locks it knows nothing: mmap_lock may be held for writing, for reading, or not at all, so it may neither take it
 * nor call find_vma().  All that there is to know is in the range: which addresses, why (range->event), and for
 * PROTECTION_VMA the VMA with its new permissions (Campbell's proposal, Gunthorpe 2019-06-08).
 *
 *	event			what the nic does
 *	PROTECTION_VMA		still readable: entries of RAM lose their write bit and stay
 *	all others		entries go
 *
 * Nothing here allocates, and nothing waits for a fault path: those never hold mr->update while they wait.
 */
#include "devices/nic_internal.h"

#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/trace.h>

/* The ways to ask the mm from in here.  Each is wrong: under munmap() one deadlocks, under reclaim the other races. */
static void nic_ask_the_mm(struct p2psim_nic_region *mr, unsigned long start)
{
	struct mm_struct *mm = mr->notifier.mm;

	if (nic_has_fault(mr, P2PSIM_NIC_FIND_VMA))
		find_vma(mm, start);
	if (nic_has_fault(mr, P2PSIM_NIC_LOCK_MMAP)) {
		mmap_read_lock(mm);
		find_vma(mm, start);
		mmap_read_unlock(mm);
	}
}

static bool nic_lock(struct p2psim_nic_region *mr, const struct mmu_notifier_range *range)
{
	if (!mmu_notifier_range_blockable(range) && !nic_has_fault(mr, P2PSIM_NIC_SLEEP_IN_INVALIDATE))
		return mutex_trylock(&mr->update);
	mutex_lock(&mr->update);
	return true;
}

static void nic_drop(struct p2psim_nic_region *mr, const struct mmu_notifier_range *range)
{
	unsigned long start = max(range->start, mr->start);
	unsigned long end = min(range->end, mr->end);

	mr->stats.invalidations++;
	mr->last_event = range->event;
	mr->last_start = start;
	mr->last_end = end;
	if (nic_has_fault(mr, P2PSIM_NIC_IGNORE_INVALIDATE))
		return;
	if (nic_has_fault(mr, P2PSIM_NIC_ZAP_ONE_PAGE))
		end = start + PAGE_SIZE;
	if (mmu_notifier_range_update_to_read_only(range)) {
		p2psim_note("entries become read-only");
		nic_table_write_protect(mr, start, end);
	} else {
		nic_table_zap(mr, start, end);
	}
}

static bool nic_invalidate(struct mmu_interval_notifier *interval_sub, const struct mmu_notifier_range *range,
			   unsigned long cur_seq)
{
	struct p2psim_nic_region *mr = container_of(interval_sub, struct p2psim_nic_region, notifier);

	nic_ask_the_mm(mr, range->start);
	if (!nic_lock(mr, range))
		return false;
	mmu_interval_set_seq(interval_sub, cur_seq);
	nic_drop(mr, range);
	mutex_unlock(&mr->update);
	return true;
}

const struct mmu_interval_notifier_ops nic_notifier_ops = {
	.invalidate = nic_invalidate,
};
