/* SPDX-License-Identifier: MIT */
/*
 * 11, 14, 15: a driver without interval notifiers, which knows by itself that an invalidation is under way (a count) or
 * has been (a sequence).
 *
 *	nic0 (right)				app
 *	lock; seq; active? later; unlock	madvise(DONTNEED)
 *	get_user_pages_fast_only()		  start(): lock, active++, seq++, dma_unmap_page(), unlock
 *	lock; seq as before, !active?		  the page is freed
 *	dma_map_page()				  end(): lock, active--, unlock
 *	unlock; put_page()
 */
#include "patterns.h"
#include "stage.h"

#include <p2psim/actors.h>
#include <p2psim/linux/completion.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>

struct counting {
	struct stage s;
	struct mmu_notifier mn;
	struct mutex lock;
	struct copy copy0, copy1;	/* of two devices; lock */
	unsigned int active;		/* invalidations under way; lock */
	unsigned long seq;		/* how many there were; lock */
	bool dirty;			/* 15, broken: there was one since it was cleared; lock */
	struct completion memory;
};

static bool wrong(void)
{
	return p2psim_scenario_data();
}

static const char broken[] = "broken";

static int begin_with(struct counting *c, const struct mmu_notifier_ops *ops)
{
	mutex_init(&c->lock);
	init_completion(&c->memory);
	c->mn.ops = ops;
	return stage_begin(&c->s, 2) ?: mmu_notifier_register(&c->mn, c->s.mm);
}

static void end(void *state)
{
	struct counting *c = state;

	mmu_notifier_unregister(&c->mn, c->s.mm);
	copy_unmap(&c->s, &c->copy0);
	copy_unmap(&c->s, &c->copy1);
	stage_end(&c->s);
}

static bool nics_read_at_last(void *state)
{
	struct counting *c = state;

	copy_read_at_last(&c->s, &c->copy0);
	copy_read_at_last(&c->s, &c->copy1);
	return false;
}

/* ---- 11: the reaper may not sleep ---- */

static int reaped_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct counting *c = container_of(mn, struct counting, mn);

	if (mmu_notifier_range_blockable(range) || wrong())
		mutex_lock(&c->lock);
	else if (!mutex_trylock(&c->lock))
		return -EAGAIN;
	copy_unmap(&c->s, &c->copy0);
	mutex_unlock(&c->lock);
	return 0;
}

static const struct mmu_notifier_ops reaped_ops = { .invalidate_range_start = reaped_start };

static int begin_reaped(void *state)
{
	return begin_with(state, &reaped_ops);
}

/* Refused or not, some memory is found in the end. */
static void reaper_reaps(void *state)
{
	struct counting *c = state;

	p2psim_oom_reap(c->s.app);
	complete(&c->memory);
}

static void driver_allocates_under_its_lock(void *state)
{
	struct counting *c = state;

	mutex_lock(&c->lock);
	wait_for_completion(&c->memory);
	mutex_unlock(&c->lock);
}

#define REAPED(title, ask, bug, verdict, which, off)                                                                   \
	.scenario = { .name = title, .question = ask, .source = "commit 5ff7091f",                                     \
		      .state_size = sizeof(struct counting), .setup = begin_reaped,                                    \
		      .tasks = { { "oom_reaper", reaper_reaps }, { "driver", driver_allocates_under_its_lock } },      \
		      .teardown = end, .expect = verdict, .oracle = which, .data = bug,                                \
		      .config = { .oracles_off = off } }

/* ---- 14: nested invalidations, counted or not ---- */

static int counting_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct counting *c = container_of(mn, struct counting, mn);

	mutex_lock(&c->lock);
	c->active = wrong() ? 1 : c->active + 1;
	if (range->start <= c->copy0.va)
		copy_unmap(&c->s, &c->copy0);
	mutex_unlock(&c->lock);
	return 0;
}

static void counting_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct counting *c = container_of(mn, struct counting, mn);

	(void)range;
	mutex_lock(&c->lock);
	c->active = wrong() ? 0 : c->active - 1;
	mutex_unlock(&c->lock);
}

static const struct mmu_notifier_ops counting_ops = {
	.invalidate_range_start = counting_start,
	.invalidate_range_end = counting_end,
};

static int begin_counting(void *state)
{
	return begin_with(state, &counting_ops);
}

static void app_drops_page(void *state)
{
	p2psim_madvise(((struct counting *)state)->s.app, AT(0), PAGE_SIZE, MADV_DONTNEED);
}

static void app_drops_next_page(void *state)
{
	p2psim_madvise(((struct counting *)state)->s.app, AT(1), PAGE_SIZE, MADV_DONTNEED);
}

/* The page, if the CPU has one there: no fault, no mmap_lock. */
static struct page *look_up(struct counting *c)
{
	struct page *page = NULL;

	p2psim_process_attach(c->s.app);
	if (get_user_pages_fast_only(AT(0), 1, 0, &page) != 1)
		page = NULL;
	p2psim_process_detach();
	return page;
}

/* One look: it gives up when somebody invalidates. */
static void nic_maps_unless_active(void *state)
{
	struct counting *c = state;
	struct page *page = NULL;

	mutex_lock(&c->lock);
	if (!c->active)
		page = look_up(c);
	if (page)
		copy_map(&c->s, &c->copy0, AT(0), page);
	mutex_unlock(&c->lock);
	if (page)
		put_page(page);
}

#define COUNTED(title, ask, bug, verdict, which)                                                                       \
	.scenario = { .name = title, .question = ask, .source = "mm/mmu_notifier.c: active_invalidate_ranges",         \
		      .state_size = sizeof(struct counting), .setup = begin_counting,                                  \
		      .tasks = { { "app", app_drops_page }, { "app2", app_drops_next_page },                           \
				 { "nic0", nic_maps_unless_active } }, .exists = nics_read_at_last, .teardown = end,   \
		      .expect = verdict, .oracle = which, .data = bug }

/* ---- 15: one flag for two devices in the place of a sequence ---- */

static int sequence_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct counting *c = container_of(mn, struct counting, mn);

	(void)range;
	mutex_lock(&c->lock);
	c->active++;
	c->seq++;
	c->dirty = true;
	copy_unmap(&c->s, &c->copy0);
	copy_unmap(&c->s, &c->copy1);
	mutex_unlock(&c->lock);
	return 0;
}

static void sequence_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct counting *c = container_of(mn, struct counting, mn);

	(void)range;
	mutex_lock(&c->lock);
	c->active--;
	mutex_unlock(&c->lock);
}

static const struct mmu_notifier_ops sequence_ops = {
	.invalidate_range_start = sequence_start,
	.invalidate_range_end = sequence_end,
};

static int begin_sequence(void *state)
{
	return begin_with(state, &sequence_ops);
}

/* False: an invalidation is under way, it faults again later. */
static bool look_begins(struct counting *c, unsigned long *seq)
{
	bool idle;

	mutex_lock(&c->lock);
	*seq = c->seq;
	c->dirty = false;
	idle = !c->active;
	mutex_unlock(&c->lock);
	return idle;
}

/* The flag is right for one device; a second one clears it under the first one's hands. */
static void map_unless_collided(struct counting *c, struct copy *copy)
{
	struct page *page;
	unsigned long seq;
	bool collided;

	page = look_begins(c, &seq) ? look_up(c) : NULL;
	if (!page)
		return;
	mutex_lock(&c->lock);
	collided = wrong() ? c->dirty : c->seq != seq;
	if (!collided)
		copy_map(&c->s, copy, AT(0), page);
	mutex_unlock(&c->lock);
	put_page(page);
}

static void nic0_maps(void *state)
{
	struct counting *c = state;

	map_unless_collided(c, &c->copy0);
}

static void nic1_maps(void *state)
{
	struct counting *c = state;

	map_unless_collided(c, &c->copy1);
}

#define SEQUENCE(title, ask, bug, verdict, which)                                                                      \
	.scenario = { .name = title, .question = ask, .source = "mm/mmu_notifier.c: why a sequence",                   \
		      .state_size = sizeof(struct counting), .setup = begin_sequence,                                  \
		      .tasks = { { "app", app_drops_page }, { "nic0", nic0_maps }, { "nic1", nic1_maps } },            \
		      .exists = nics_read_at_last, .teardown = end, .expect = verdict, .oracle = which, .data = bug }

const struct pattern patterns_of_counting[] = {
	{ REAPED("11/reap+allocate", "Does the reaper wait for who waits for it?", NULL, P2PSIM_NEVER,
		 P2PSIM_NO_ORACLE, 0), .traces = 2 },
	{ REAPED("11a/reap+allocate!sleeps-really", "And if its callback takes a mutex: does it hang?", broken,
		 P2PSIM_VIOLATION, P2PSIM_DEADLOCK, 1u << P2PSIM_LOCKGRAPH) },
	{ REAPED("11b/reap+allocate!sleeps", "And does the rule say so at once?", broken, P2PSIM_VIOLATION,
		 P2PSIM_LOCKGRAPH, 0) },
	{ COUNTED("14/map+drop+drop", "Is a page mapped while one of two invalidations runs?", NULL, P2PSIM_NEVER,
		  P2PSIM_NO_ORACLE), .traces = 1253 },
	{ COUNTED("14/map+drop+drop!flag", "And if they are one flag, not a count?", broken, P2PSIM_VIOLATION,
		  P2PSIM_STALE), .preemptions = 1 },
	{ SEQUENCE("15/map+map+drop", "Can one of two devices keep an old page?", NULL, P2PSIM_NEVER,
		   P2PSIM_NO_ORACLE), .traces = 1260 },
	{ SEQUENCE("15/map+map+drop!flag", "And with one dirty flag for both?", broken, P2PSIM_VIOLATION,
		   P2PSIM_STALE), .preemptions = 1 },
	{},
};
