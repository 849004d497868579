/* SPDX-License-Identifier: MIT */
/*
 * Shared virtual memory as amdgpu has it where the gpu cannot fault (xnack off): all is mapped while the queues run.
 *
 *	munmap(), reclaim, ...			restore, a worker			the gpu
 *	invalidate(): lock; set_seq						runs
 *	  valid = false
 *	  evicted++, the first: stops the queues				stands
 *	unlock; the pages go
 *						n = evicted
 *						each range: fault, lock, retry?, entry
 *						evicted still n? := 0, resumes		runs
 *						  else: again, later
 *
 * Entries of a stopped gpu may be old, so they change only while it stands.  Stops are counted: an eviction may come between
 * `evicted := 0` and the resume that belongs to it.  invalidate() cannot remove its own notifier: UNMAP leaves that to restore.
 * The end of the process is release()'s; invalidate() has nothing to do then, and must not be who ends it.
 * Reduced: one process, ranges of one page, no splitting, no VRAM; UNMAP waits for restore, which begins at once, as all do.
 */
#include "drivers.h"

#include <linux/atomic.h>
#include <linux/hmm.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

struct evict_range {
	struct mmu_interval_notifier notifier;	/* from create() to munmap() */
	struct evict *svms;			/* NULL: was never inserted */
	bool valid, gone;			/* lock */
	bool removed;				/* restore, and destroy() once that is cancelled */
};

struct evict {
	struct mmu_notifier process;		/* only for release() */
	struct mm_struct *mm;
	unsigned long start;
	struct evict_range ranges[DRIVER_PAGES];
	u64 table[DRIVER_PAGES];		/* the gpu's; written while it stands */
	struct mutex lock;			/* taken inside invalidate() */
	atomic_t evicted;			/* since the last resume */
	atomic_t stopped;			/* 0: the queues run */
	struct work_struct restore;
	enum driver_fault wrong;
};

/* Says yes to who must not block as well, as amdgpu does: the lock is not held for long. */
static bool evict_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *update,
			     unsigned long cur_seq)
{
	struct evict_range *range = container_of(sub, struct evict_range, notifier);
	struct evict *svms = range->svms;

	if (update->event == MMU_NOTIFY_RELEASE || !mmget_not_zero(svms->mm))
		return true;
	mutex_lock(&svms->lock);
	mmu_interval_set_seq(sub, cur_seq);
	range->valid = false;
	range->gone |= update->event == MMU_NOTIFY_UNMAP;
	if (atomic_inc_return(&svms->evicted) == 1) {
		atomic_inc(&svms->stopped);
		trace_puts("queues stop");
		schedule_work(&svms->restore);
	}
	if (range->gone && svms->wrong == DRIVER_REMOVES_AT_ONCE)
		mmu_interval_notifier_remove(sub);
	mutex_unlock(&svms->lock);
	if (svms->wrong == DRIVER_PUTS_IN_CALLBACK)
		mmput(svms->mm);
	else
		mmput_async(svms->mm);
	return true;
}

static const struct mmu_interval_notifier_ops range_ops = { .invalidate = evict_invalidate };

/* The gpu stands for good: restore does not get the address space any more, or is who ends it. */
static void evict_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct evict *svms = container_of(mn, struct evict, process);

	atomic_inc(&svms->stopped);
	if (svms->wrong == DRIVER_FLUSHES)
		cancel_work_sync(&svms->restore);
}

static const struct mmu_notifier_ops process_ops = { .release = evict_release };

static int validate_range(struct evict *svms, int i)
{
	struct evict_range *range = &svms->ranges[i];
	unsigned long pfn = 0, start = svms->start + i * PAGE_SIZE;
	struct hmm_range hmm = { .notifier = &range->notifier, .start = start, .end = start + PAGE_SIZE,
				 .hmm_pfns = &pfn, .default_flags = HMM_PFN_REQ_FAULT };
	int ret;

	hmm.notifier_seq = mmu_interval_read_begin(&range->notifier);
	mmap_read_lock(svms->mm);
	ret = hmm_range_fault(&hmm);
	mmap_read_unlock(svms->mm);
	if (ret && ret != -EFAULT)	/* -EFAULT: no entry, and a fault of the gpu should it look */
		return ret;
	mutex_lock(&svms->lock);
	range->valid = svms->wrong == DRIVER_NO_RETRY || !mmu_interval_read_retry(&range->notifier, hmm.notifier_seq);
	svms->table[i] = range->valid && !ret ? (u64)(pfn & ~HMM_PFN_FLAGS) << PAGE_SHIFT : 0;
	ret = range->valid ? 0 : -EBUSY;
	mutex_unlock(&svms->lock);
	return ret;
}

static int restore_range(struct evict *svms, int i)
{
	struct evict_range *range = &svms->ranges[i];
	bool valid, gone;

	mutex_lock(&svms->lock);
	valid = range->valid;
	gone = range->gone;
	if (gone)
		svms->table[i] = 0;
	mutex_unlock(&svms->lock);
	if (gone && !range->removed)
		mmu_interval_notifier_remove(&range->notifier);
	range->removed = gone;
	return valid || gone ? 0 : validate_range(svms, i);
}

static void evict_restore(struct work_struct *work)
{
	struct evict *svms = container_of(work, struct evict, restore);
	int i, evicted = atomic_read(&svms->evicted), ret = 0;

	if (!evicted || !mmget_not_zero(svms->mm))
		return;
	for (i = 0; i < DRIVER_PAGES && !ret; i++)
		ret = restore_range(svms, i);
	if (!ret && (atomic_cmpxchg(&svms->evicted, evicted, 0) == evicted || svms->wrong == DRIVER_NO_RECOUNT))
		trace_puts(atomic_dec_and_test(&svms->stopped) ? "queues run" : "stopped again");
	else
		schedule_work(&svms->restore);
	mmput(svms->mm);
}

static void evict_destroy(void *driver)
{
	struct evict *svms = driver;
	int i;

	atomic_inc(&svms->evicted);	/* no eviction is the first any more, and queues restore again */
	cancel_work_sync(&svms->restore);
	for (i = 0; i < DRIVER_PAGES; i++)
		if (svms->ranges[i].svms && !svms->ranges[i].removed)
			mmu_interval_notifier_remove(&svms->ranges[i].notifier);
	if (svms->process.mm)
		mmu_notifier_unregister(&svms->process, svms->mm);
	kfree(svms);
}

static void *evict_create(struct mm_struct *mm, unsigned long start, struct device *dev, enum driver_fault wrong)
{
	struct evict *svms = kzalloc(sizeof(*svms), GFP_KERNEL);
	int i, ret;

	if (!svms)
		return NULL;
	*svms = (struct evict){ .mm = mm, .start = start, .wrong = wrong, .process.ops = &process_ops };
	mutex_init(&svms->lock);
	INIT_WORK(&svms->restore, evict_restore);
	atomic_set(&svms->evicted, 1);	/* nothing is mapped yet */
	atomic_set(&svms->stopped, 1);
	ret = mmu_notifier_register(&svms->process, mm);
	for (i = 0; i < DRIVER_PAGES && !ret; i++) {
		ret = mmu_interval_notifier_insert(&svms->ranges[i].notifier, mm, start + i * PAGE_SIZE, PAGE_SIZE,
						   &range_ops);
		svms->ranges[i].svms = ret ? NULL : svms;
	}
	if (!ret)
		return svms;
	evict_destroy(svms);
	return NULL;
}

/* Work for the queues, which cannot do without their memory. */
static int evict_fault(void *driver, unsigned long page)
{
	schedule_work(&((struct evict *)driver)->restore);
	flush_work(&((struct evict *)driver)->restore);
	return 0;
}

/* A wavefront is one beat: who stops the queues waits for it. */
static u64 evict_entry(void *driver, unsigned long page)
{
	return atomic_read(&((struct evict *)driver)->stopped) ? 0 : ((struct evict *)driver)->table[page];
}

const struct driver_ops evict_driver = { evict_create, evict_destroy, evict_fault, evict_entry };
