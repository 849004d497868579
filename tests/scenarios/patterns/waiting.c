/* SPDX-License-Identifier: MIT */
/*
 * 09, 18: a device waits until no invalidation is under way; its driver counts them by the list of notifiers.
 */
#include "patterns.h"
#include "stage.h"

#include <p2psim/linux/atomic.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/wait.h>

static bool wrong(void)
{
	return p2psim_scenario_data();
}

static const char broken[] = "broken";

struct waiting {
	struct stage s;
	struct mmu_notifier mn;
	struct mmu_notifier_range range;
	atomic_t active;	/* invalidations under way */
	wait_queue_head_t wq;
	bool gone;
};

static int waiting_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	(void)range;
	atomic_inc(&container_of(mn, struct waiting, mn)->active);
	return 0;
}

static void waiting_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct waiting *w = container_of(mn, struct waiting, mn);

	(void)range;
	if (atomic_dec_and_test(&w->active))
		wake_up_all(&w->wq);
}

static const struct mmu_notifier_ops waiting_ops = {
	.invalidate_range_start = waiting_start,
	.invalidate_range_end = waiting_end,
};

/* An invalidation has begun. */
static int begin_waiting(void *state)
{
	struct waiting *w = state;
	int error;

	init_waitqueue_head(&w->wq);
	w->mn.ops = &waiting_ops;
	error = stage_begin(&w->s, 1) ?: mmu_notifier_register(&w->mn, w->s.mm);
	if (error)
		return error;
	mmu_notifier_range_init(&w->range, MMU_NOTIFY_CLEAR, 0, NULL, w->s.mm, AT(0), AT(1));
	mmu_notifier_invalidate_range_start(&w->range);
	return 0;
}

static void app_ends(void *state)
{
	mmu_notifier_invalidate_range_end(&((struct waiting *)state)->range);
}

/* Who looks before he is on the queue misses who wakes in between. */
static void nic_waits_once(struct waiting *w)
{
	DEFINE_WAIT(wait);

	if (!atomic_read(&w->active))
		return;
	prepare_to_wait(&w->wq, &wait, TASK_UNINTERRUPTIBLE);
	schedule();
	finish_wait(&w->wq, &wait);
}

static void nic_waits(void *state)
{
	struct waiting *w = state;

	wait_event(w->wq, !atomic_read(&w->active));
}

static void nic_begins(void *state)
{
	if (wrong())
		nic_waits_once(state);
	else
		nic_waits(state);
}

/* An invalidation under way hears no end: whoever unregisters speaks for it. */
static void driver_unregisters(void *state)
{
	struct waiting *w = state;

	mmu_notifier_unregister(&w->mn, w->s.mm);
	w->gone = true;
	if (wrong())
		return;
	atomic_set(&w->active, 0);
	wake_up_all(&w->wq);
}

static void end_waiting(void *state)
{
	struct waiting *w = state;

	if (!w->gone)
		mmu_notifier_unregister(&w->mn, w->s.mm);
	stage_end(&w->s);
}

#define WAIT(title, ask, from, t1, t2, bug, verdict, which)                                                            \
	.scenario = { .name = title, .question = ask, .source = from, .state_size = sizeof(struct waiting),            \
		      .setup = begin_waiting, .tasks = { { "app", app_ends }, t1, t2 }, .teardown = end_waiting,       \
		      .expect = verdict, .oracle = which, .data = bug }
#define TASK(name, fn) { name, fn }
#define NOBODY {}

const struct pattern patterns_of_waiting[] = {
	{ WAIT("09/wait+end", "Is a wake-up lost?", "wait_event()", TASK("nic0", nic_begins), NOBODY, NULL,
	       P2PSIM_NEVER, P2PSIM_NO_ORACLE), .traces = 4 },
	{ WAIT("09/wait+end!check-first", "And if the condition is read before prepare_to_wait()?", "wait_event()",
	       TASK("nic0", nic_begins), NOBODY, broken, P2PSIM_VIOLATION, P2PSIM_DEADLOCK), .preemptions = 1 },
	{ WAIT("18/wait+unregister", "Does the nic wait for an end that nobody hears?", "mm/mmu_notifier.c, 6.1",
	       TASK("driver", driver_unregisters), TASK("nic0", nic_waits), NULL, P2PSIM_NEVER, P2PSIM_NO_ORACLE),
	  .traces = 235 },
	{ WAIT("18/wait+unregister!silent", "And if unregistering does not wake it?", "mm/mmu_notifier.c, 6.1",
	       TASK("driver", driver_unregisters), TASK("nic0", nic_waits), broken, P2PSIM_VIOLATION, P2PSIM_DEADLOCK) },
	{},
};
