/* SPDX-License-Identifier: MIT */
/*
 * hmm_range_fault() with the loop around it: who interferes is waited for, but not for ever.
 */
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/jiffies.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/sched/signal.h>
#include <p2psim/retry.h>
#include <p2psim/trace.h>

static int fault_once(struct hmm_range *range)
{
	struct mm_struct *mm = range->notifier->mm;
	int ret;

	range->notifier_seq = mmu_interval_read_begin(range->notifier);
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = (hmm_range_fault)(range);
	mmap_read_unlock(mm);
	return ret;
}

int(hmm_range_fault_unlocked_timeout)(struct hmm_range *range, unsigned long timeout)
{
	unsigned long end = jiffies + timeout;
	struct p2psim_retry again;
	int ret;

	p2psim_enter("hmm_range_fault_unlocked_timeout(%p, %p, %u)", range->start, range->end, timeout);
	p2psim_retry_begin(&again);
	for (;;) {
		ret = fatal_signal_pending(current) ? -EINTR : fault_once(range);
		if (ret != -EBUSY || (timeout && !time_before(jiffies, end)))
			break;
		p2psim_retry(&again, range->notifier_seq);
	}
	p2psim_leave("hmm_range_fault_unlocked_timeout() = %e", (uint64_t)(int64_t)ret);
	return ret;
}
