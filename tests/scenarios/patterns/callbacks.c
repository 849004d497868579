/* SPDX-License-Identifier: MIT */
/*
 * 06-08, 11, 14, 15, 18: what goes wrong around the callbacks of notifiers.
 */
#include "notifier_mm.h"
#include "patterns.h"

#include <p2psim/linux/completion.h>
#include <p2psim/linux/srcu.h>
#include <p2psim/linux/wait.h>

struct callbacks {
	struct mm_struct *mm;
	struct mutex lock;
	struct mmu_interval_notifier sub;
	struct mmu_notifier mn;
	unsigned long page, other;	/* what the CPU's table says */
	unsigned long copy, copy2;	/* what the devices have; lock */
	bool dirty;			/* somebody invalidated since it was cleared; lock */
	unsigned int active;		/* invalidations under way; lock */
	bool gone;
	wait_queue_head_t wq;
	struct completion memory;
	struct srcu_struct srcu;
	struct mirror *listed;
};

static int begin(void *state)
{
	struct callbacks *c = state;

	c->mm = notifier_mm_create();
	c->page = 1;
	mutex_init(&c->lock);
	init_waitqueue_head(&c->wq);
	init_completion(&c->memory);
	return c->mm ? 0 : -ENOMEM;
}

static void end(void *state)
{
	struct callbacks *c = state;

	if (c->sub.state)
		mmu_interval_notifier_remove(&c->sub);
	if (c->mn.ops && !c->gone)
		mmu_notifier_unregister(&c->mn, c->mm);
	mmput(c->mm);
}

static bool the_copy_is_old(void *state)
{
	struct callbacks *c = state;

	return (c->copy && c->copy != c->page) || (c->copy2 && c->copy2 != c->page);
}

/* ---- 06: the sequence and the entry change under one lock; 07: pages change between start and end ---- */

static bool right_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			     unsigned long seq)
{
	struct callbacks *c = container_of(sub, struct callbacks, sub);

	(void)range;
	mutex_lock(&c->lock);
	mmu_interval_set_seq(sub, seq);
	c->copy = c->copy2 = 0;
	mutex_unlock(&c->lock);
	return true;
}

static bool late_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			    unsigned long seq)
{
	struct callbacks *c = container_of(sub, struct callbacks, sub);

	(void)range;
	mutex_lock(&c->lock);
	c->copy = 0;
	mutex_unlock(&c->lock);
	mmu_interval_set_seq(sub, seq);
	return true;
}

static const struct mmu_interval_notifier_ops right_ops = { .invalidate = right_invalidate };
static const struct mmu_interval_notifier_ops late_ops = { .invalidate = late_invalidate };

static int begin_right(void *state)
{
	struct callbacks *c = state;

	return begin(state) ?: mmu_interval_notifier_insert(&c->sub, c->mm, PAGES(4), PAGES(4), &right_ops);
}

static int begin_late(void *state)
{
	struct callbacks *c = state;

	return begin(state) ?: mmu_interval_notifier_insert(&c->sub, c->mm, PAGES(4), PAGES(4), &late_ops);
}

static void app_replaces(void *state)
{
	struct callbacks *c = state;
	struct mmu_notifier_range range;

	range_of(&range, c->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mmu_notifier_invalidate_range_start(&range);
	WRITE_ONCE(c->page, 2);
	mmu_notifier_invalidate_range_end(&range);
}

static void app_replaces_after_the_end(void *state)
{
	struct callbacks *c = state;
	struct mmu_notifier_range range;

	range_of(&range, c->mm, MMU_NOTIFY_CLEAR, 4, 5);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
	WRITE_ONCE(c->page, 2);
}

static void copy_to(struct callbacks *c, unsigned long *copy)
{
	unsigned long seq, page;

	for (;;) {
		seq = mmu_interval_read_begin(&c->sub);
		page = READ_ONCE(c->page);
		mutex_lock(&c->lock);
		if (!mmu_interval_read_retry(&c->sub, seq))
			break;
		mutex_unlock(&c->lock);
	}
	*copy = page;
	mutex_unlock(&c->lock);
}

static void nic_copies(void *state)
{
	copy_to(state, &((struct callbacks *)state)->copy);
}

static void nic1_copies(void *state)
{
	copy_to(state, &((struct callbacks *)state)->copy2);
}

#define COPY(title, ask, how, app, verdict, which, off)                                                                \
	.scenario = { .name = title, .question = ask, .source = "mm/mmu_notifier.c, 6.1",                              \
		      .state_size = sizeof(struct callbacks), .setup = how,                                            \
		      .tasks = { { "app", app }, { "nic0", nic_copies } }, .exists = the_copy_is_old, .teardown = end, \
		      .expect = verdict, .oracle = which, .config = { .oracles_off = off } }

/* ---- 08: freed while its callback runs ---- */

static int begin_listed(void *state)
{
	struct callbacks *c = state;

	if (begin(state) || init_srcu_struct(&c->srcu))
		return -ENOMEM;
	c->listed = kzalloc(sizeof(*c->listed), GFP_KERNEL);
	return c->listed ? 0 : -ENOMEM;
}

static void end_listed(void *state)
{
	cleanup_srcu_struct(&((struct callbacks *)state)->srcu);
	end(state);
}

static void app_calls(void *state)
{
	struct callbacks *c = state;
	int idx = srcu_read_lock(&c->srcu);
	struct mirror *m = READ_ONCE(c->listed);

	if (m)
		WRITE_ONCE(m->calls, m->calls + 1);
	srcu_read_unlock(&c->srcu, idx);
}

static void driver_frees(void *state)
{
	struct callbacks *c = state;
	struct mirror *m = c->listed;

	WRITE_ONCE(c->listed, NULL);
	if (!p2psim_scenario_data())
		synchronize_srcu(&c->srcu);
	kfree(m);
}

#define FREED(title, ask, wrong, verdict, which)                                                                       \
	.scenario = { .name = title, .question = ask, .source = "mm/hmm: fix use after free with struct hmm",          \
		      .state_size = sizeof(struct callbacks), .setup = begin_listed,                                   \
		      .tasks = { { "app", app_calls }, { "driver", driver_frees } }, .teardown = end_listed,           \
		      .expect = verdict, .oracle = which, .data = wrong }

/* ---- 11: the reaper may not sleep ---- */

static int reaped_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct callbacks *c = container_of(mn, struct callbacks, mn);

	if (mmu_notifier_range_blockable(range) || p2psim_scenario_data())
		mutex_lock(&c->lock);
	else if (!mutex_trylock(&c->lock))
		return -EAGAIN;
	c->copy = 0;
	mutex_unlock(&c->lock);
	return 0;
}

static const struct mmu_notifier_ops reaped_ops = { .invalidate_range_start = reaped_start };

static int begin_reaped(void *state)
{
	struct callbacks *c = state;
	int error = begin(state);

	c->mn.ops = &reaped_ops;
	return error ?: mmu_notifier_register(&c->mn, c->mm);
}

/* Refused or not, some memory is found in the end. */
static void reaper_reaps(void *state)
{
	struct callbacks *c = state;
	struct mmu_notifier_range range;

	range_of(&range, c->mm, MMU_NOTIFY_CLEAR, 4, 5);
	if (!mmu_notifier_invalidate_range_start_nonblock(&range))
		mmu_notifier_invalidate_range_end(&range);
	complete(&c->memory);
}

static void driver_allocates_under_its_lock(void *state)
{
	struct callbacks *c = state;

	mutex_lock(&c->lock);
	wait_for_completion(&c->memory);
	mutex_unlock(&c->lock);
}

#define REAPED(title, ask, wrong, verdict, which, off)                                                                 \
	.scenario = { .name = title, .question = ask, .source = "commit 5ff7091f",                                     \
		      .state_size = sizeof(struct callbacks), .setup = begin_reaped,                                   \
		      .tasks = { { "oom_reaper", reaper_reaps }, { "driver", driver_allocates_under_its_lock } },      \
		      .teardown = end, .expect = verdict, .oracle = which, .data = wrong,                 \
		      .config = { .oracles_off = off } }

/* ---- 14: nested invalidations, counted or not; 18: unregistered between start and end ---- */

static int counting_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct callbacks *c = container_of(mn, struct callbacks, mn);

	(void)range;
	mutex_lock(&c->lock);
	c->active = p2psim_scenario_data() ? 1 : c->active + 1;
	c->copy = 0;
	mutex_unlock(&c->lock);
	return 0;
}

static void counting_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct callbacks *c = container_of(mn, struct callbacks, mn);

	(void)range;
	mutex_lock(&c->lock);
	c->active = p2psim_scenario_data() ? 0 : c->active - 1;
	mutex_unlock(&c->lock);
}

static const struct mmu_notifier_ops counting_ops = {
	.invalidate_range_start = counting_start,
	.invalidate_range_end = counting_end,
};

static int begin_counting(void *state)
{
	struct callbacks *c = state;
	int error = begin(state);

	c->mn.ops = &counting_ops;
	return error ?: mmu_notifier_register(&c->mn, c->mm);
}

static void app_replaces_next_page(void *state)
{
	invalidate_pages(((struct callbacks *)state)->mm, MMU_NOTIFY_CLEAR, 5, 6);
}

/* One look: it gives up when somebody invalidates. */
static void nic_copies_unless_active(void *state)
{
	struct callbacks *c = state;

	mutex_lock(&c->lock);
	if (!c->active)
		c->copy = READ_ONCE(c->page);
	mutex_unlock(&c->lock);
}

#define COUNTED(title, ask, wrong, verdict)                                                                            \
	.scenario = { .name = title, .question = ask, .source = "mm/mmu_notifier.c: active_invalidate_ranges",         \
		      .state_size = sizeof(struct callbacks), .setup = begin_counting,                                 \
		      .tasks = { { "app", app_replaces }, { "app2", app_replaces_next_page },                          \
				 { "nic0", nic_copies_unless_active } }, .exists = the_copy_is_old, .teardown = end,   \
		      .expect = verdict, .data = wrong }

/* ---- 15: one flag for two devices in the place of a sequence ---- */

static int flagging_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct callbacks *c = container_of(mn, struct callbacks, mn);

	(void)range;
	mutex_lock(&c->lock);
	c->active++;
	c->dirty = true;
	c->copy = c->copy2 = 0;
	mutex_unlock(&c->lock);
	return 0;
}

static const struct mmu_notifier_ops flagging_ops = {
	.invalidate_range_start = flagging_start,
	.invalidate_range_end = counting_end,
};

static int begin_flagging(void *state)
{
	struct callbacks *c = state;
	int error = begin(state);

	c->mn.ops = &flagging_ops;
	return error ?: mmu_notifier_register(&c->mn, c->mm);
}

/* Right for one device; a second one clears the flag under its hands. */
static void copy_unless_dirty(struct callbacks *c, unsigned long *copy)
{
	unsigned long page;
	bool collided;

	mutex_lock(&c->lock);
	c->dirty = false;
	collided = c->active;
	mutex_unlock(&c->lock);
	if (collided)
		return; /* it faults again later */
	page = READ_ONCE(c->page);
	mutex_lock(&c->lock);
	if (!c->dirty)
		*copy = page;
	mutex_unlock(&c->lock);
}

static void nic_copies_unless_dirty(void *state)
{
	copy_unless_dirty(state, &((struct callbacks *)state)->copy);
}

static void nic1_copies_unless_dirty(void *state)
{
	copy_unless_dirty(state, &((struct callbacks *)state)->copy2);
}

#define COPIES(title, ask, how, nic0, nic1, verdict)                                                                   \
	.scenario = { .name = title, .question = ask, .source = "mm/mmu_notifier.c: why a sequence",                   \
		      .state_size = sizeof(struct callbacks), .setup = how,                                            \
		      .tasks = { { "app", app_replaces }, { "nic0", nic0 }, { "nic1", nic1 } },                        \
		      .exists = the_copy_is_old, .teardown = end, .expect = verdict }

static int waking_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)range;
	WRITE_ONCE(container_of(mn, struct callbacks, mn)->active, 1);
	return 0;
}

static void waking_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct callbacks *c = container_of(mn, struct callbacks, mn);

	(void)range;
	WRITE_ONCE(c->active, 0);
	wake_up_all(&c->wq);
}

static const struct mmu_notifier_ops waking_ops = {
	.invalidate_range_start = waking_start,
	.invalidate_range_end = waking_end,
};

static int begin_waking(void *state)
{
	struct callbacks *c = state;
	int error = begin(state);

	c->mn.ops = &waking_ops;
	return error ?: mmu_notifier_register(&c->mn, c->mm);
}

/* An invalidation under way hears no end: whoever unregisters speaks for it. */
static void driver_unregisters(void *state)
{
	struct callbacks *c = state;

	mmu_notifier_unregister(&c->mn, c->mm);
	c->gone = true;
	if (p2psim_scenario_data())
		return;
	WRITE_ONCE(c->active, 0);
	wake_up_all(&c->wq);
}

static void nic_waits(void *state)
{
	struct callbacks *c = state;

	wait_event(c->wq, !READ_ONCE(c->active));
}

#define UNHEARD(title, ask, wrong, verdict, which)                                                                     \
	.scenario = { .name = title, .question = ask, .source = "mm/mmu_notifier.c, 6.1",                              \
		      .state_size = sizeof(struct callbacks), .setup = begin_waking,                                   \
		      .tasks = { { "app", app_replaces }, { "driver", driver_unregisters }, { "nic0", nic_waits } },   \
		      .teardown = end, .expect = verdict, .oracle = which, .data = wrong }

static const char wrong[] = "wrong";

const struct pattern patterns_of_callbacks[] = {
	{ COPY("06/copy+replace", "Can the nic keep a page that was replaced?", begin_right, app_replaces, P2PSIM_NEVER,
	       P2PSIM_NO_ORACLE, 0), .traces = 27 },
	{ COPY("06/copy+replace!seq-after-zap", "And if the sequence moves after the zap, outside the lock?",
		  begin_late,
	       app_replaces, P2PSIM_VIOLATION, P2PSIM_CONTRACT, 0) },
	{ COPY("06/copy+replace!seq-after-zap-real", "And does that keep an old page?", begin_late, app_replaces,
	       P2PSIM_SOMETIMES, P2PSIM_NO_ORACLE, 1u << P2PSIM_CONTRACT), .preemptions = 1 },
	{ COPY("07/copy+replace!after-end", "And if the page is replaced after the end?", begin_right,
	       app_replaces_after_the_end, P2PSIM_SOMETIMES, P2PSIM_NO_ORACLE, 0), .preemptions = 1 },
	{ FREED("08/call+free", "Is a subscriber called after it was freed?", NULL, P2PSIM_NEVER, P2PSIM_NO_ORACLE),
	  .traces = 7 },
	{ FREED("08/call+free!no-grace", "And without a grace period?", wrong, P2PSIM_VIOLATION, P2PSIM_UAF),
	  .preemptions = 1 },
	{ REAPED("11/reap+allocate", "Does the reaper wait for who waits for it?", NULL, P2PSIM_NEVER,
		  P2PSIM_NO_ORACLE, 0),
	  .traces = 2 },
	{ REAPED("11a/reap+allocate!sleeps-really", "And if its callback takes a mutex: does it hang?", wrong,
		 P2PSIM_VIOLATION, P2PSIM_DEADLOCK, 1u << P2PSIM_LOCKGRAPH) },
	{ REAPED("11b/reap+allocate!sleeps", "And does the rule say so at once?", wrong, P2PSIM_VIOLATION,
		 P2PSIM_LOCKGRAPH, 0) },
	{ COUNTED("14/copy+replace+replace", "Is a page copied while one of two invalidations runs?", NULL,
		  P2PSIM_NEVER),
	  .traces = 1030 },
	{ COUNTED("14/copy+replace+replace!flag", "And if they are one flag, not a count?", wrong, P2PSIM_SOMETIMES),
	  .preemptions = 1 },
	{ COPIES("15/copy+copy+replace", "Can one of two copies be old?", begin_right, nic_copies, nic1_copies,
		 P2PSIM_NEVER), .traces = 16620 },
	{ COPIES("15/copy+copy+replace!flag", "And with one dirty flag for both?", begin_flagging,
		 nic_copies_unless_dirty, nic1_copies_unless_dirty, P2PSIM_SOMETIMES), .preemptions = 1 },
	{ UNHEARD("18/wait+unregister", "Does the nic wait for an end that nobody hears?", NULL, P2PSIM_NEVER,
		  P2PSIM_NO_ORACLE), .traces = 935 },
	{ UNHEARD("18/wait+unregister!silent", "And if unregistering does not wake it?", wrong, P2PSIM_VIOLATION,
		  P2PSIM_DEADLOCK), .preemptions = 1 },
	{},
};
