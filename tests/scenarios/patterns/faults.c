/* SPDX-License-Identifier: MIT */
/*
 * 01-04, 06, 10, 13: a driver that mirrors one page of a process by hmm_range_fault() and accesses it by DMA, while the
 * process unmaps it.
 *
 *	nic0 (right)				app
 *	again: seq = read_begin()		munmap()
 *	mmap_read_lock				  invalidate(): lock, set_seq, dma_unmap_page(), unlock
 *	hmm_range_fault()				        wait until no DMA is in flight
 *	mmap_read_unlock			  the page is freed
 *	lock; read_retry()? again
 *	dma_map_page()
 *	unlock
 *
 * When all is over the device reads by what it has: STALE if that is not what the CPU has.
 */
#include "patterns.h"
#include "stage.h"

#include <p2psim/linux/atomic.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/wait.h>
#include <p2psim/retry.h>

enum {
	RIGHT,
	NO_CHECK = 1,		/* 01 */
	CHECK_BEFORE_LOCK = 2,	/* 02 */
	BEGIN_AFTER_FAULT = 4,	/* 03 */
	NO_DRAIN = 8,		/* 04 */
	LATE_SEQ = 16,		/* 06 */
	NO_REFAULT = 32,	/* 13 */
	OLD_SEQUENCE = 64,	/* 21 */
};

struct faults {
	struct stage s;
	struct mmu_interval_notifier sub;
	struct mutex lock;
	struct copy copy;	/* lock */
	atomic_t in_flight;
	wait_queue_head_t idle;
};

static unsigned int quirks(void)
{
	const unsigned int *data = p2psim_scenario_data();

	return data ? *data : RIGHT;
}

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range, unsigned long seq)
{
	struct faults *f = container_of(sub, struct faults, sub);

	(void)range;
	mutex_lock(&f->lock);
	if (!(quirks() & LATE_SEQ))
		mmu_interval_set_seq(sub, seq);
	copy_unmap(&f->s, &f->copy);
	mutex_unlock(&f->lock);
	if (quirks() & LATE_SEQ)
		mmu_interval_set_seq(sub, seq);
	return true;
}

/* The same, for a device that may be at work. */
static bool invalidate_and_drain(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
				 unsigned long seq)
{
	struct faults *f = container_of(sub, struct faults, sub);

	(void)range;
	mutex_lock(&f->lock);
	mmu_interval_set_seq(sub, seq);
	if (!(quirks() & NO_DRAIN))
		wait_event(f->idle, !atomic_read(&f->in_flight));
	copy_unmap(&f->s, &f->copy);
	mutex_unlock(&f->lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = invalidate };
static const struct mmu_interval_notifier_ops draining_ops = { .invalidate = invalidate_and_drain };

static int begin_with(struct faults *f, const struct mmu_interval_notifier_ops *with)
{
	mutex_init(&f->lock);
	init_waitqueue_head(&f->idle);
	return stage_begin(&f->s, 1) ?: mmu_interval_notifier_insert(&f->sub, f->s.mm, AT(0), PAGE_SIZE, with);
}

static int begin(void *state)
{
	return begin_with(state, &ops);
}

static void end(void *state)
{
	struct faults *f = state;

	mmu_interval_notifier_remove(&f->sub);
	copy_unmap(&f->s, &f->copy);
	stage_end(&f->s);
}

static void app_unmaps(void *state)
{
	p2psim_munmap(((struct faults *)state)->s.app, AT(0), PAGE_SIZE);
}

/* The VMA stays: who faults meanwhile finds it. */
static void app_drops(void *state)
{
	p2psim_madvise(((struct faults *)state)->s.app, AT(0), PAGE_SIZE, MADV_DONTNEED);
}

/* munmap() announces with mmap_lock held for reading only; mprotect() keeps it for writing. */
static void app_protects(void *state)
{
	p2psim_mprotect(((struct faults *)state)->s.app, AT(0), PAGE_SIZE, PROT_READ);
}

static int fault(struct faults *f, struct hmm_range *range)
{
	int ret;

	mmap_read_lock(f->s.mm);
	ret = hmm_range_fault(range);
	mmap_read_unlock(f->s.mm);
	return ret;
}

/* A commit: true = done.  Else the look has to be taken again. */
static bool commit(struct faults *f, struct hmm_range *range)
{
	bool early = quirks() & CHECK_BEFORE_LOCK, old;

	old = early && mmu_interval_read_retry(&f->sub, range->notifier_seq);
	mutex_lock(&f->lock);
	if (!early && !(quirks() & NO_CHECK))
		old = mmu_interval_read_retry(&f->sub, range->notifier_seq);
	if (!old)
		copy_map(&f->s, &f->copy, AT(0), hmm_pfn_to_page(range->hmm_pfns[0]));
	mutex_unlock(&f->lock);
	return !old;
}

static void nic_faults(void *state)
{
	struct faults *f = state;
	unsigned long pfn = 0;
	struct hmm_range range = { .notifier = &f->sub, .start = AT(0), .end = AT(1), .hmm_pfns = &pfn,
				   .default_flags = HMM_PFN_REQ_FAULT };
	bool refault = true, anew = true;
	struct p2psim_retry again;
	int ret;

	p2psim_retry_begin(&again);
	for (;; p2psim_retry(&again, range.notifier_seq)) {
		if (anew)
			range.notifier_seq = mmu_interval_read_begin(&f->sub);
		anew = !(quirks() & OLD_SEQUENCE);
		if (refault) {
			ret = fault(f, &range);
			if (ret == -EBUSY)
				continue;
			if (ret)
				return;
		}
		if (quirks() & BEGIN_AFTER_FAULT)
			range.notifier_seq = mmu_interval_read_begin(&f->sub);
		if (commit(f, &range))
			return;
		refault = !(quirks() & NO_REFAULT);
	}
}

static bool nic_reads_at_last(void *state)
{
	struct faults *f = state;

	copy_read_at_last(&f->s, &f->copy);
	return false;
}

#define FAULTS_OF(app, title, ask, wrong, verdict, which, off)                                                         \
	.scenario = { .name = title, .question = ask, .source = "Documentation/mm/hmm.rst",                            \
		      .state_size = sizeof(struct faults), .setup = begin,                                             \
		      .tasks = { { "app", app }, { "nic0", nic_faults } }, .exists = nic_reads_at_last,               \
		      .teardown = end, .expect = verdict, .oracle = which, .config = { .oracles_off = off },           \
		      .data = &(const unsigned int){ wrong } }
#define FAULTS(...) FAULTS_OF(app_unmaps, __VA_ARGS__)

/* ---- 04: DMA in flight ---- */

static int begin_mapped(void *state)
{
	int error = begin_with(state, &draining_ops);

	if (!error)
		nic_faults(state);
	return error;
}

/* The device looks the entry up under the lock and goes to memory after it. */
static void nic_accesses(void *state)
{
	struct faults *f = state;
	struct copy copy;

	mutex_lock(&f->lock);
	copy = f->copy;
	atomic_set(&f->in_flight, copy.valid);
	mutex_unlock(&f->lock);
	if (!copy.valid)
		return;
	copy_read(&f->s, &copy);
	atomic_set(&f->in_flight, 0);
	wake_up_all(&f->idle);
}

#define DMA(title, ask, wrong, verdict, which)                                                                         \
	.scenario = { .name = title, .question = ask, .source = "Documentation/mm/hmm.rst: the device must complete",  \
		      .state_size = sizeof(struct faults), .setup = begin_mapped,                                      \
		      .tasks = { { "nic0", nic_accesses }, { "app", app_unmaps } }, .teardown = end,                 \
		      .expect = verdict, .oracle = which, .data = &(const unsigned int){ wrong } }

/* ---- 10: the driver's lock around mmap_lock ---- */

static void nic_faults_under_its_lock(void *state)
{
	struct faults *f = state;
	unsigned long pfn = 0;
	struct hmm_range range = { .notifier = &f->sub, .start = AT(0), .end = AT(1), .hmm_pfns = &pfn,
				   .default_flags = HMM_PFN_REQ_FAULT };

	range.notifier_seq = mmu_interval_read_begin(&f->sub);
	mutex_lock(&f->lock);
	if (!fault(f, &range))
		copy_map(&f->s, &f->copy, AT(0), hmm_pfn_to_page(pfn));
	mutex_unlock(&f->lock);
}

#define UNDER_LOCK(title, ask, which, off)                                                                             \
	.scenario = { .name = title, .question = ask, .source = "intel/linux-sgx-driver#57",                           \
		      .state_size = sizeof(struct faults), .setup = begin,                                             \
		      .tasks = { { "app", app_protects }, { "nic0", nic_faults_under_its_lock } }, .teardown = end,    \
		      .expect = P2PSIM_VIOLATION, .oracle = which, .config = { .oracles_off = off } }

const struct pattern patterns_of_faults[] = {
	{ FAULTS("01/fault+munmap", "Can the nic reach a page that munmap() freed?", RIGHT, P2PSIM_NEVER,
		 P2PSIM_NO_ORACLE, 0), .traces = 29 },
	{ FAULTS("01/fault+munmap!no-retry", "And without read_retry()?", NO_CHECK, P2PSIM_VIOLATION, P2PSIM_STALE, 0),
	  .preemptions = 1 },
	{ FAULTS("02/fault+munmap!check-before-lock", "And with read_retry() before the lock?", CHECK_BEFORE_LOCK,
		 P2PSIM_VIOLATION, P2PSIM_CONTRACT, 0) },
	{ FAULTS("02/fault+munmap!check-before-lock-real", "And does that reach the page?", CHECK_BEFORE_LOCK,
		 P2PSIM_VIOLATION, P2PSIM_STALE, 1u << P2PSIM_CONTRACT), .preemptions = 1 },
	{ FAULTS("03/fault+munmap!begin-after-fault", "And if the sequence is read after the fault?", BEGIN_AFTER_FAULT,
		 P2PSIM_VIOLATION, P2PSIM_STALE, 0), .preemptions = 1 },
	{ DMA("04/dma+munmap", "Does DMA reach a freed page?", RIGHT, P2PSIM_NEVER, P2PSIM_NO_ORACLE), .traces = 5 },
	{ DMA("04/dma+munmap!no-drain", "And if invalidate() does not wait for DMA in flight?", NO_DRAIN,
	      P2PSIM_VIOLATION, P2PSIM_STALE), .preemptions = 1 },
	{ FAULTS_OF(app_drops, "06/fault+dontneed", "Can the nic reach a page that madvise() dropped?", RIGHT,
		    P2PSIM_NEVER, P2PSIM_NO_ORACLE, 0), .traces = 47 },
	{ FAULTS_OF(app_drops, "06/fault+dontneed!seq-after-zap",
		    "And if the sequence moves after the zap, outside the lock?", LATE_SEQ, P2PSIM_VIOLATION,
		    P2PSIM_CONTRACT, 0) },
	{ FAULTS_OF(app_drops, "06/fault+dontneed!seq-after-zap-real", "And does that reach the page?", LATE_SEQ,
		    P2PSIM_VIOLATION, P2PSIM_STALE, 1u << P2PSIM_CONTRACT), .preemptions = 1 },
	{ FAULTS_OF(app_protects, "10/fault+mprotect", "Does mmap_lock before the driver's lock hang?", RIGHT,
		    P2PSIM_NEVER, P2PSIM_NO_ORACLE, 0), .traces = 19 },
	{ UNDER_LOCK("10/fault+mprotect!lock-first", "Can mmap_lock nest inside the driver's lock?",
		     P2PSIM_LOCKGRAPH, 0) },
	{ UNDER_LOCK("10/fault+mprotect!lock-first-real", "And does it hang?", P2PSIM_DEADLOCK, 1u << P2PSIM_LOCKGRAPH),
	  .preemptions = 1 },
	{ FAULTS("13/fault+munmap!no-refault", "And if a retry takes the same page again?", NO_REFAULT,
		 P2PSIM_VIOLATION, P2PSIM_STALE, 0), .preemptions = 1 },
	{ FAULTS("21/fault+munmap!old-sequence", "And if a retry does not begin with read_begin()?", OLD_SEQUENCE,
		 P2PSIM_VIOLATION, P2PSIM_PROGRESS, 0), .preemptions = 1 },
	{},
};
