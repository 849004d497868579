/* SPDX-License-Identifier: MIT */
/*
 * 17, 19, 20: what a driver uses has another life than the driver thinks: the address space, the mapping, the region.
 */
#include "patterns.h"
#include "stage.h"

#include <p2psim/linux/atomic.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/rwsem.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/wait.h>

static bool wrong(void)
{
	return p2psim_scenario_data();
}

static const char broken[] = "broken";

/* ---- 17: the address space of a process that exits ---- */

/* The nic keeps the struct. */
static int begin_grabbed(void *state)
{
	struct stage *s = state;
	int error = stage_begin(s, 1);

	if (!error)
		mmgrab(s->mm);
	return error;
}

static void app_exits(void *state)
{
	struct stage *s = state;

	p2psim_process_exit(s->app);
	s->app = NULL;
}

static bool get_address_space(struct mm_struct *mm)
{
	if (!wrong())
		return mmget_not_zero(mm);
	if (!atomic_read(&mm->mm_users))
		return false;
	mmget(mm);
	return true;
}

static void nic_reads_memory(void *state)
{
	struct stage *s = state;
	struct copy copy = {};
	struct page *page;

	if (!get_address_space(s->mm))
		return;
	mmap_read_lock(s->mm);
	if (pin_user_pages_remote(s->mm, AT(0), 1, 0, &page, NULL, NULL) == 1) {
		copy_map(s, &copy, AT(0), page);
		copy_read(s, &copy);
		copy_unmap(s, &copy);
		unpin_user_page(page);
	}
	mmap_read_unlock(s->mm);
	mmput(s->mm);
}

static void end_grabbed(void *state)
{
	struct stage *s = state;

	mmdrop(s->mm);
	stage_end(s);
}

#define GET(title, ask, bug, verdict, which)                                                                           \
	.scenario = { .name = title, .question = ask, .source = "Documentation/mm/hmm.rst: mmget_not_zero()",          \
		      .state_size = sizeof(struct stage), .setup = begin_grabbed,                                      \
		      .tasks = { { "app", app_exits }, { "nic0", nic_reads_memory } }, .teardown = end_grabbed,        \
		      .expect = verdict, .oracle = which, .data = bug }

/* ---- 19: a mapping that two channels use ---- */

struct channels {
	struct stage s;
	struct page *page;
	struct copy copy;
	struct mutex lock;
	bool closed;		/* lock: no new transfers */
	atomic_t busy[2];
	wait_queue_head_t idle;
};

static int begin_channels(void *state)
{
	struct channels *c = state;
	long pinned;

	mutex_init(&c->lock);
	init_waitqueue_head(&c->idle);
	if (stage_begin(&c->s, 1))
		return -ENOMEM;
	mmap_read_lock(c->s.mm);
	pinned = pin_user_pages_remote(c->s.mm, AT(0), 1, FOLL_WRITE, &c->page, NULL, NULL);
	mmap_read_unlock(c->s.mm);
	if (pinned != 1)
		return -ENOMEM;
	copy_map(&c->s, &c->copy, AT(0), c->page);
	return 0;
}

static void transfer(struct channels *c, int n)
{
	bool closed;

	mutex_lock(&c->lock);
	closed = c->closed;
	if (!closed)
		atomic_set(&c->busy[n], 1);
	mutex_unlock(&c->lock);
	if (closed)
		return;
	copy_read(&c->s, &c->copy);
	atomic_set(&c->busy[n], 0);
	wake_up_all(&c->idle);
}

static void channel0(void *state)
{
	transfer(state, 0);
}

static void channel1(void *state)
{
	transfer(state, 1);
}

/* No new transfers: before it waits for the old ones, or too late. */
static void close_door(struct channels *c)
{
	mutex_lock(&c->lock);
	c->closed = true;
	mutex_unlock(&c->lock);
}

static void driver_unmaps(void *state)
{
	struct channels *c = state;

	if (!wrong())
		close_door(c);
	wait_event(c->idle, !atomic_read(&c->busy[0]));
	wait_event(c->idle, !atomic_read(&c->busy[1]));
	if (wrong())
		close_door(c);
	copy_unmap(&c->s, &c->copy);
	unpin_user_page(c->page);
}

static void end_channels(void *state)
{
	stage_end(&((struct channels *)state)->s);
}

#define CHANNELS(title, ask, bug, verdict, which)                                                                      \
	.scenario = { .name = title, .question = ask, .source = "a drain", .state_size = sizeof(struct channels),      \
		      .setup = begin_channels, .teardown = end_channels,                                               \
		      .tasks = { { "driver", driver_unmaps }, { "nic:0", channel0 }, { "nic:1", channel1 } },          \
		      .expect = verdict, .oracle = which, .data = bug }

/* ---- 20: a region that is registered again, for other memory at the same address ---- */

struct region {
	struct stage s;
	struct mmu_interval_notifier sub;
	struct mutex lock;
	struct rw_semaphore registration;	/* written by who registers anew; faults read it */
	struct copy copy;			/* lock */
};

static bool region_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			      unsigned long seq)
{
	struct region *r = container_of(sub, struct region, sub);

	(void)range;
	mutex_lock(&r->lock);
	mmu_interval_set_seq(sub, seq);
	copy_unmap(&r->s, &r->copy);
	mutex_unlock(&r->lock);
	return true;
}

static const struct mmu_interval_notifier_ops region_ops = { .invalidate = region_invalidate };

static int region_insert(struct region *r)
{
	return mmu_interval_notifier_insert(&r->sub, r->s.mm, AT(0), PAGE_SIZE, &region_ops);
}

static int begin_region(void *state)
{
	struct region *r = state;

	mutex_init(&r->lock);
	init_rwsem(&r->registration);
	return stage_begin(&r->s, 1) ?: region_insert(r);
}

/* The sequence of an interval is that of the mm when it is inserted, which moves only for intervals that are there. */
static void app_registers_anew(void *state)
{
	struct region *r = state;

	down_write(&r->registration);
	mmu_interval_notifier_remove(&r->sub);
	copy_unmap(&r->s, &r->copy);
	p2psim_mmap(r->s.app, AT(0), PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	region_insert(r);
	up_write(&r->registration);
}

static bool region_commit(struct region *r, const struct hmm_range *range)
{
	bool collided;

	mutex_lock(&r->lock);
	collided = mmu_interval_read_retry(&r->sub, range->notifier_seq);
	if (!collided)
		copy_map(&r->s, &r->copy, AT(0), hmm_pfn_to_page(range->hmm_pfns[0]));
	mutex_unlock(&r->lock);
	return !collided;
}

/* A registration that ends between the look and the commit takes the look's sequence with it. */
static void let_register(struct region *r)
{
	up_read(&r->registration);
	down_read(&r->registration);
}

static void nic_faults(void *state)
{
	struct region *r = state;
	unsigned long pfn = 0;
	struct hmm_range range = { .notifier = &r->sub, .start = AT(0), .end = AT(1), .hmm_pfns = &pfn,
				   .default_flags = HMM_PFN_REQ_FAULT };
	int ret;

	down_read(&r->registration);
	do {
		range.notifier_seq = mmu_interval_read_begin(&r->sub);
		mmap_read_lock(r->s.mm);
		ret = hmm_range_fault(&range);
		mmap_read_unlock(r->s.mm);
		if (wrong())
			let_register(r);
	} while (ret == -EBUSY || (!ret && !region_commit(r, &range)));
	up_read(&r->registration);
}

static bool nic_reads_at_last(void *state)
{
	struct region *r = state;

	copy_read_at_last(&r->s, &r->copy);
	return false;
}

static void end_region(void *state)
{
	struct region *r = state;

	mmu_interval_notifier_remove(&r->sub);
	copy_unmap(&r->s, &r->copy);
	stage_end(&r->s);
}

#define REGION(title, ask, bug, verdict, which, off)                                                                   \
	.scenario = { .name = title, .question = ask, .source = "mm/mmu_notifier.c, 6.1",                              \
		      .state_size = sizeof(struct region), .setup = begin_region,                                      \
		      .tasks = { { "app", app_registers_anew }, { "nic0", nic_faults } },                              \
		      .exists = nic_reads_at_last, .teardown = end_region, .expect = verdict, .oracle = which,         \
		      .data = bug, .config = { .oracles_off = off } }

const struct pattern patterns_of_lifetimes[] = {
	{ GET("17/read+exit", "Is an address space used that is gone?", NULL, P2PSIM_NEVER, P2PSIM_NO_ORACLE),
	  .traces = 3 },
	{ GET("17/read+exit!test-then-get", "And if its users are counted first, then joined?", broken,
	      P2PSIM_VIOLATION, P2PSIM_UAF), .preemptions = 1 },
	{ CHANNELS("19/two-channels", "Does a channel use a mapping that is gone?", NULL, P2PSIM_NEVER,
		   P2PSIM_NO_ORACLE), .traces = 140 },
	{ CHANNELS("19/two-channels!open-door", "And if new transfers may start meanwhile?", broken,
		   P2PSIM_VIOLATION, P2PSIM_STALE), .preemptions = 2 },
	{ REGION("20/fault+register", "Is a page of the old registration entered in the new one?", NULL,
		 P2PSIM_NEVER, P2PSIM_NO_ORACLE, 0), .traces = 3 },
	{ REGION("20/fault+register!new-sequence", "And if that may happen between fault and commit?", broken,
		 P2PSIM_VIOLATION, P2PSIM_CONTRACT, 0), .preemptions = 1 },
	{ REGION("20/fault+register!new-sequence-real", "And does the new sequence pass for the old?", broken,
		 P2PSIM_VIOLATION, P2PSIM_STALE, 1u << P2PSIM_CONTRACT), .preemptions = 1 },
	{},
};
