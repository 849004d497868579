/* SPDX-License-Identifier: MIT */
/*
 * The OOM reaper.  Mirrors: mm/oom_kill.c, 6.1.
 *
 *	oom_reaper				victim
 *	mmap_lock R, if nobody writes
 *	mm->unstable				a fault of private memory: SIGBUS
 *	for each VMA that is private:
 *	  start_nonblock(UNMAP, VMA)
 *	    a callback would have to sleep	the VMA stays, no end(): another try
 *	  zap, end()
 *	mmap_lock R dropped
 *
 * The only invalidation that may not block: whoever waits for a lock in its callback might wait for somebody who waits for
 * memory.
 */
#include <p2psim/actors.h>
#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/internal.h"

#define TRIES_MAX 10

static bool is_reapable(const struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_HUGETLB | VM_PFNMAP))
		return false;
	return vma_is_anonymous(vma) || !(vma->vm_flags & VM_SHARED);
}

static int reap_vma(struct vm_area_struct *vma)
{
	struct mmu_notifier_range range;
	int error;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, vma, vma->vm_mm, vma->vm_start, vma->vm_end);
	error = mmu_notifier_invalidate_range_start_nonblock(&range);
	if (error)
		return error;
	zap_range(vma, vma->vm_start, vma->vm_end, true);
	mmu_notifier_invalidate_range_end(&range);
	return 0;
}

static int reap_mm(struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	int error = 0;

	mm->unstable = true;
	for (vma = p2psim_vma_first(mm); vma; vma = p2psim_vma_next(vma))
		if (is_reapable(vma) && reap_vma(vma))
			error = -EAGAIN;
	return error;
}

int p2psim_oom_reap(struct p2psim_process *victim)
{
	struct mm_struct *mm = p2psim_process_mm(victim);
	int error;

	p2psim_enter("oom_reaper: %s", P2PSIM_STR(mm->comm));
	error = mmap_read_trylock(mm) ? 0 : -EAGAIN;
	if (!error) {
		error = reap_mm(mm);
		mmap_read_unlock(mm);
	}
	p2psim_leave("oom_reaper = %e", (uint64_t)(int64_t)error);
	return error;
}

int p2psim_oom_reaper(struct p2psim_process *victim)
{
	int tries, error = -EAGAIN;

	for (tries = 0; tries < TRIES_MAX && error; tries++) {
		if (tries)
			p2psim_yield();
		error = p2psim_oom_reap(victim);
	}
	return error;
}
