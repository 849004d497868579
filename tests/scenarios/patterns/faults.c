/* SPDX-License-Identifier: MIT */
/*
 * 01-04, 10, 13: a driver that mirrors one page of a process by hmm_range_fault() and accesses it by DMA, while the
 * process unmaps it.
 *
 *	nic0 (right)				app
 *	again: seq = read_begin()		munmap()
 *	mmap_read_lock				  invalidate(): lock, set_seq, drop the entry, unlock
 *	hmm_range_fault()				        wait until no DMA is in flight
 *	mmap_read_unlock			  the page is freed
 *	lock; read_retry()? again
 *	entry = page
 *	unlock
 */
#include "notifier_mm.h"
#include "patterns.h"

#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/linux/wait.h>
#include <p2psim/process.h>
#include <p2psim/ram.h>
#include <p2psim/step.h>

#define AT 0x10000UL

enum {
	RIGHT,
	NO_CHECK = 1,		/* 01 */
	CHECK_BEFORE_LOCK = 2,	/* 02 */
	BEGIN_AFTER_FAULT = 4,	/* 03 */
	NO_DRAIN = 8,		/* 04 */
	LOCK_FIRST = 16,	/* 10 */
	NO_REFAULT = 32,	/* 13 */
};

struct faults {
	struct p2psim_process *app;
	struct mm_struct *mm;
	struct mmu_interval_notifier sub;
	struct mutex lock;
	unsigned long entry;	/* lock */
	unsigned int in_flight;
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
	mmu_interval_set_seq(sub, seq);
	f->entry = 0;
	mutex_unlock(&f->lock);
	if (!(quirks() & NO_DRAIN))
		wait_event(f->idle, !READ_ONCE(f->in_flight));
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = invalidate };

static int begin(void *state)
{
	struct faults *f = state;

	f->app = p2psim_process_create("app");
	if (!f->app)
		return -ENOMEM;
	f->mm = p2psim_process_mm(f->app);
	mutex_init(&f->lock);
	init_waitqueue_head(&f->idle);
	if (p2psim_mmap(f->app, AT, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL,
			0) < 0)
		return -ENOMEM;
	return p2psim_store_byte(f->app, AT, 7) ?: mmu_interval_notifier_insert(&f->sub, f->mm, AT, PAGE_SIZE, &ops);
}

static void end(void *state)
{
	struct faults *f = state;

	mmu_interval_notifier_remove(&f->sub);
	p2psim_process_exit(f->app);
}

static void app_unmaps(void *state)
{
	p2psim_munmap(((struct faults *)state)->app, AT, PAGE_SIZE);
}

/* munmap() announces with mmap_lock held for reading only; mprotect() keeps it for writing. */
static void app_protects(void *state)
{
	p2psim_mprotect(((struct faults *)state)->app, AT, PAGE_SIZE, PROT_READ);
}

static int fault(struct faults *f, struct hmm_range *range)
{
	int ret;

	mmap_read_lock(f->mm);
	ret = hmm_range_fault(range);
	mmap_read_unlock(f->mm);
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
		f->entry = range->hmm_pfns[0];
	mutex_unlock(&f->lock);
	return !old;
}

static void nic_faults(void *state)
{
	struct faults *f = state;
	unsigned long pfn = 0;
	struct hmm_range range = { .notifier = &f->sub, .start = AT, .end = AT + PAGE_SIZE, .hmm_pfns = &pfn,
				   .default_flags = HMM_PFN_REQ_FAULT };
	bool refault = true;
	int ret;

	do {
		range.notifier_seq = mmu_interval_read_begin(&f->sub);
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
	} while (true);
}

static bool holds_a_freed_page(void *state)
{
	struct faults *f = state;
	pte_t *pte = p2psim_pte_lookup(f->mm, AT);

	return f->entry && (!pte || !pte_present(*pte) || pte_pfn(*pte) << PAGE_SHIFT != hmm_pfn_to_phys(f->entry));
}

#define FAULTS_OF(app, title, ask, wrong, verdict, which, off)                                                         \
	.scenario = { .name = title, .question = ask, .source = "Documentation/mm/hmm.rst",                            \
		      .state_size = sizeof(struct faults), .setup = begin,                                             \
		      .tasks = { { "app", app }, { "nic0", nic_faults } }, .exists = holds_a_freed_page,               \
		      .teardown = end, .expect = verdict, .oracle = which, .config = { .oracles_off = off },           \
		      .data = &(const unsigned int){ wrong } }
#define FAULTS(...) FAULTS_OF(app_unmaps, __VA_ARGS__)

/* ---- 04: DMA in flight ---- */

static int begin_mapped(void *state)
{
	int error = begin(state);

	if (!error)
		nic_faults(state);
	return error;
}

/* The device looks the entry up under the lock and goes to memory after it. */
static void nic_accesses(void *state)
{
	struct faults *f = state;
	unsigned long entry;
	char byte = 1;

	mutex_lock(&f->lock);
	entry = f->entry;
	WRITE_ONCE(f->in_flight, entry ? 1 : 0);
	mutex_unlock(&f->lock);
	if (!entry)
		return;
	p2psim_step_range(P2PSIM_STEP_DMA_WRITE, f->mm->obj.id, false, AT >> PAGE_SHIFT, AT >> PAGE_SHIFT, "nic:dma");
	p2psim_ram_write(hmm_pfn_to_phys(entry), &byte, 1);
	WRITE_ONCE(f->in_flight, 0);
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
	struct hmm_range range = { .notifier = &f->sub, .start = AT, .end = AT + PAGE_SIZE, .hmm_pfns = &pfn,
				   .default_flags = HMM_PFN_REQ_FAULT };

	range.notifier_seq = mmu_interval_read_begin(&f->sub);
	mutex_lock(&f->lock);
	if (!fault(f, &range))
		f->entry = pfn;
	mutex_unlock(&f->lock);
}

#define UNDER_LOCK(title, ask, which, off)                                                                             \
	.scenario = { .name = title, .question = ask, .source = "intel/linux-sgx-driver#57",                           \
		      .state_size = sizeof(struct faults), .setup = begin,                                             \
		      .tasks = { { "app", app_protects }, { "nic0", nic_faults_under_its_lock } }, .teardown = end,    \
		      .expect = P2PSIM_VIOLATION, .oracle = which, .config = { .oracles_off = off } }

const struct pattern patterns_of_faults[] = {
	{ FAULTS("01/fault+munmap", "Can the nic hold a page that munmap() freed?", RIGHT, P2PSIM_NEVER,
		  P2PSIM_NO_ORACLE, 0),
	  .traces = 29 },
	{ FAULTS("01/fault+munmap!no-retry", "And without read_retry()?", NO_CHECK, P2PSIM_SOMETIMES,
		  P2PSIM_NO_ORACLE, 0),
	  .preemptions = 1 },
	{ FAULTS("02/fault+munmap!check-before-lock", "And with read_retry() before the lock?", CHECK_BEFORE_LOCK,
		 P2PSIM_VIOLATION, P2PSIM_CONTRACT, 0) },
	{ FAULTS("02/fault+munmap!check-before-lock-real", "And does that keep the page?", CHECK_BEFORE_LOCK,
		 P2PSIM_SOMETIMES, P2PSIM_NO_ORACLE, 1u << P2PSIM_CONTRACT), .preemptions = 1 },
	{ FAULTS("03/fault+munmap!begin-after-fault", "And if the sequence is read after the fault?", BEGIN_AFTER_FAULT,
		 P2PSIM_SOMETIMES, P2PSIM_NO_ORACLE, 0), .preemptions = 1 },
	{ DMA("04/dma+munmap", "Is a freed page accessed?", RIGHT, P2PSIM_NEVER, P2PSIM_NO_ORACLE), .traces = 6 },
	{ DMA("04/dma+munmap!no-drain", "And if invalidate() does not wait for DMA in flight?", NO_DRAIN,
	      P2PSIM_VIOLATION, P2PSIM_STALE), .preemptions = 1 },
	{ FAULTS_OF(app_protects, "10/fault+mprotect", "Does mmap_lock before the driver's lock hang?", RIGHT,
		  P2PSIM_NEVER,
		    P2PSIM_NO_ORACLE, 0), .traces = 19 },
	{ UNDER_LOCK("10/fault+mprotect!lock-first", "Can mmap_lock nest inside the driver's lock?",
		  P2PSIM_LOCKGRAPH, 0) },
	{ UNDER_LOCK("10/fault+mprotect!lock-first-real", "And does it hang?", P2PSIM_DEADLOCK, 1u << P2PSIM_LOCKGRAPH),
	  .preemptions = 1 },
	{ FAULTS("13/fault+munmap!no-refault", "And if a retry takes the same page again?", NO_REFAULT,
		  P2PSIM_SOMETIMES,
		 P2PSIM_NO_ORACLE, 0), .preemptions = 1 },
	{},
};
