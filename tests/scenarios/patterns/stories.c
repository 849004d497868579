/* SPDX-License-Identifier: MIT */
/*
 * Stories of drivers with an interval notifier (the B numbers are those of docs/patterns.md): locks that the kernel takes
 * on its way to the callback, the address space's last user, half-made objects.
 */
#include "patterns.h"
#include "stage.h"

#include <p2psim/actors.h>
#include <p2psim/linux/atomic.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/wait.h>
#include <p2psim/linux/workqueue.h>

static bool wrong(void)
{
	return p2psim_scenario_data();
}

static const char broken[] = "broken";

struct story {
	struct stage s;
	struct mmu_interval_notifier sub;
	struct mmu_notifier mn;
	struct mutex lock;
	struct copy copy;			/* lock */
	atomic_t active;			/* B02: callbacks under way */
	wait_queue_head_t wq;
	struct mmu_interval_notifier *live;	/* B26: read without a lock */
	struct work_struct restore;		/* B36 */
};

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range, unsigned long seq)
{
	struct story *t = container_of(sub, struct story, sub);

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&t->lock);
	else if (!mutex_trylock(&t->lock))
		return false;
	mmu_interval_set_seq(sub, seq);
	copy_unmap(&t->s, &t->copy);
	mutex_unlock(&t->lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = invalidate };

static int begin_bare(void *state)
{
	struct story *t = state;

	mutex_init(&t->lock);
	init_waitqueue_head(&t->wq);
	return stage_begin(&t->s, 1);
}

static int begin(void *state)
{
	struct story *t = state;

	return begin_bare(state) ?: mmu_interval_notifier_insert(&t->sub, t->s.mm, AT(0), PAGE_SIZE, &ops);
}

static void end(void *state)
{
	struct story *t = state;

	if (t->sub.state)
		mmu_interval_notifier_remove(&t->sub);
	copy_unmap(&t->s, &t->copy);
	stage_end(&t->s);
}

/* ---- B02: who refuses has counted ---- */

static int counted_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct story *t = container_of(mn, struct story, mn);

	atomic_inc(&t->active);
	if (mmu_notifier_range_blockable(range)) {
		mutex_lock(&t->lock);
	} else if (!mutex_trylock(&t->lock)) {
		if (!wrong() && atomic_dec_and_test(&t->active))
			wake_up_all(&t->wq);
		return -EAGAIN;
	}
	copy_unmap(&t->s, &t->copy);
	mutex_unlock(&t->lock);
	if (atomic_dec_and_test(&t->active))
		wake_up_all(&t->wq);
	return 0;
}

static const struct mmu_notifier_ops counted_ops = { .invalidate_range_start = counted_start };

static int begin_counted(void *state)
{
	struct story *t = state;

	t->mn.ops = &counted_ops;
	return begin_bare(state) ?: mmu_notifier_register(&t->mn, t->s.mm);
}

static void end_counted(void *state)
{
	struct story *t = state;

	mmu_notifier_unregister(&t->mn, t->s.mm);
	stage_end(&t->s);
}

static void reaper_reaps(void *state)
{
	p2psim_oom_reap(((struct story *)state)->s.app);
}

static void nic_works_and_waits(void *state)
{
	struct story *t = state;

	mutex_lock(&t->lock);
	copy_unmap(&t->s, &t->copy);
	mutex_unlock(&t->lock);
	wait_event(t->wq, !atomic_read(&t->active));
}

/* ---- B22: the last user of the address space goes under the driver's lock ---- */

static void app_exits(void *state)
{
	struct story *t = state;

	p2psim_process_exit(t->s.app);
	t->s.app = NULL;
}

static void nic_uses_memory(void *state)
{
	struct story *t = state;

	if (!mmget_not_zero(t->s.mm))
		return;
	mutex_lock(&t->lock);
	if (wrong())
		mmput(t->s.mm);
	mutex_unlock(&t->lock);
	if (!wrong())
		mmput(t->s.mm);
}

static int begin_grabbed(void *state)
{
	int error = begin(state);

	if (!error)
		mmgrab(((struct story *)state)->s.mm);
	return error;
}

static void end_grabbed(void *state)
{
	struct story *t = state;

	mmu_interval_notifier_remove(&t->sub);
	mmdrop(t->s.mm);
	stage_end(&t->s);
}

/* ---- B26: an object is there for others before it is whole ---- */

static void driver_creates(void *state)
{
	struct story *t = state;

	if (wrong())
		smp_store_release(&t->live, &t->sub);
	mmu_interval_notifier_insert(&t->sub, t->s.mm, AT(0), PAGE_SIZE, &ops);
	if (!wrong())
		smp_store_release(&t->live, &t->sub);
}

static void nic_prefetches(void *state)
{
	struct story *t = state;
	struct mmu_interval_notifier *sub = smp_load_acquire(&t->live);

	if (sub)
		mmu_interval_read_begin(sub);
}

/* ---- B33: the page lock comes before the callback's lock ---- */

static void kernel_migrates(void *state)
{
	p2psim_migrate_address(((struct story *)state)->s.app, AT(0));
}

/* Without the page lock, or as set_page_dirty_lock() does it. */
static void mark_dirty(struct page *page)
{
	if (wrong())
		lock_page(page);
	set_page_dirty(page);
	if (wrong())
		unlock_page(page);
}

static void nic_marks_dirty(void *state)
{
	struct story *t = state;

	mutex_lock(&t->lock);
	if (t->copy.valid)
		mark_dirty(pfn_to_page(t->copy.dma >> PAGE_SHIFT));
	mutex_unlock(&t->lock);
}

static int begin_mapped(void *state)
{
	struct story *t = state;
	int error = begin(state);

	if (!error)
		copy_map(&t->s, &t->copy, AT(0), pfn_to_page(pte_pfn(*p2psim_pte_lookup(t->s.mm, AT(0)))));
	return error;
}

/* ---- B34: a page that hmm_range_fault() found is used before read_retry() has said that it is still there ---- */

/* The VMA stays, and mmap_lock is free for readers. */
static void app_drops(void *state)
{
	p2psim_madvise(((struct story *)state)->s.app, AT(0), PAGE_SIZE, MADV_DONTNEED);
}

static bool nic_commits(struct story *t, const struct hmm_range *range)
{
	bool collided;

	mutex_lock(&t->lock);
	collided = mmu_interval_read_retry(&t->sub, range->notifier_seq);
	if (!collided)
		copy_map(&t->s, &t->copy, AT(0), hmm_pfn_to_page(range->hmm_pfns[0]));
	mutex_unlock(&t->lock);
	return !collided;
}

static void nic_faults(void *state)
{
	struct story *t = state;
	unsigned long pfn = 0;
	struct hmm_range range = { .notifier = &t->sub, .start = AT(0), .end = AT(1), .hmm_pfns = &pfn,
				   .default_flags = HMM_PFN_REQ_FAULT };
	int ret;

	do {
		range.notifier_seq = mmu_interval_read_begin(&t->sub);
		mmap_read_lock(t->s.mm);
		ret = hmm_range_fault(&range);
		mmap_read_unlock(t->s.mm);
		if (!ret && wrong()) {
			get_page(hmm_pfn_to_page(pfn));
			put_page(hmm_pfn_to_page(pfn));
		}
	} while (ret == -EBUSY || (!ret && !nic_commits(t, &range)));
}

static bool nic_reads_at_last(void *state)
{
	struct story *t = state;

	copy_read_at_last(&t->s, &t->copy);
	return false;
}

/* ---- B36: release() waits for a worker that holds the address space ---- */

static void restore_works(struct work_struct *work)
{
	mmput(container_of(work, struct story, restore)->s.mm);
}

static void flushing_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct story *t = container_of(mn, struct story, mn);

	(void)mm;
	if (wrong())
		flush_work(&t->restore);
}

static const struct mmu_notifier_ops flushing_ops = { .release = flushing_release };

static int begin_restoring(void *state)
{
	struct story *t = state;
	int error = begin_bare(state);

	INIT_WORK(&t->restore, restore_works);
	t->mn.ops = &flushing_ops;
	return error ?: mmu_notifier_register(&t->mn, t->s.mm);
}

static void driver_restores(void *state)
{
	struct story *t = state;

	if (mmget_not_zero(t->s.mm) && !schedule_work(&t->restore))
		mmput(t->s.mm);
}

static void end_restoring(void *state)
{
	struct story *t = state;

	flush_work(&t->restore);
	mmu_notifier_unregister(&t->mn, t->s.mm);
	stage_end(&t->s);
}

#define STORY(title, ask, from, first, t0, t1, asks, last, bug, verdict, which, off)                                   \
	.scenario = { .name = title, .question = ask, .source = from, .state_size = sizeof(struct story),              \
		      .setup = first, .tasks = { t0, t1 }, .exists = asks, .teardown = last, .expect = verdict,        \
		      .oracle = which, .data = bug, .config = { .oracles_off = off } }
#define TASK(name, fn) { name, fn }
#define REAP(title, ask, ...) STORY(title, ask, "mm/hmm: notifiers counted in and not out", begin_counted,             \
				    TASK("oom_reaper", reaper_reaps), TASK("nic0", nic_works_and_waits), NULL,         \
				    end_counted, __VA_ARGS__)
#define LAST(title, ask, ...) STORY(title, ask, "RDMA/mlx5: mmput() under umem_mutex", begin_grabbed,                  \
				    TASK("app", app_exits), TASK("nic0", nic_uses_memory), NULL, end_grabbed,          \
				    __VA_ARGS__)
#define CREATE(title, ask, ...) STORY(title, ask, "IB/mlx5: implicit children", begin_bare,                            \
				      TASK("driver", driver_creates), TASK("nic0", nic_prefetches), NULL, end,         \
				      __VA_ARGS__)
#define DIRTY(title, ask, ...) STORY(title, ask, "2577b202458c", begin_mapped, TASK("compaction", kernel_migrates),    \
				     TASK("nic0", nic_marks_dirty), NULL, end, __VA_ARGS__)
#define EARLY(title, ask, ...) STORY(title, ask, "Documentation/mm/hmm.rst", begin, TASK("app", app_drops),           \
				     TASK("nic0", nic_faults), nic_reads_at_last, end, __VA_ARGS__)
#define RESTORE(title, ask, ...) STORY(title, ask, "6225bb3a88d2", begin_restoring, TASK("app", app_exits),            \
				       TASK("driver", driver_restores), NULL, end_restoring, __VA_ARGS__)
#define RIGHT NULL, P2PSIM_NEVER, P2PSIM_NO_ORACLE, 0
#define WRONG(which, off) broken, P2PSIM_VIOLATION, which, off

const struct pattern patterns_of_stories[] = {
	{ REAP("B02/reap+wait", "Does a device wait for an invalidation that was refused?", RIGHT), .traces = 13 },
	{ REAP("B02/reap+wait!keeps-count", "And if who refuses has counted and does not undo it?",
	       WRONG(P2PSIM_DEADLOCK, 0)), .preemptions = 1 },
	{ LAST("B22/use+exit", "Does the last mmput() meet the driver's lock?", RIGHT), .traces = 3 },
	{ LAST("B22/use+exit!under-lock", "And if the driver calls it under that lock?", WRONG(P2PSIM_DEADLOCK, 0)),
	  .preemptions = 1 },
	{ CREATE("B26/create+prefetch", "Is an object used before it is whole?", RIGHT), .traces = 2 },
	{ CREATE("B26/create+prefetch!published-early", "And if it is published first?", WRONG(P2PSIM_CONTRACT, 0)),
	  .preemptions = 1 },
	{ DIRTY("B33/migrate+dirty", "Does marking a page dirty wait for its migration?", RIGHT), .traces = 2 },
	{ DIRTY("B33/migrate+dirty!page-lock", "And if it takes the page lock under the callback's?",
		WRONG(P2PSIM_DEADLOCK, 0)), .preemptions = 1 },
	{ EARLY("B34/fault+dontneed", "Is a page used that has gone since the fault?", RIGHT), .traces = 47 },
	{ EARLY("B34/fault+dontneed!before-retry", "And if it is used before read_retry()?", WRONG(P2PSIM_UAF, 0)),
	  .preemptions = 1 },
	{ RESTORE("B36/restore+exit", "Does release() wait for who waits for release()?", RIGHT), .traces = 3 },
	{ RESTORE("B36/restore+exit!flushes", "And if it flushes the worker that drops the last reference?",
		  WRONG(P2PSIM_DEADLOCK, 0)), .preemptions = 0 },
	{},
};
