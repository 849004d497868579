/* SPDX-License-Identifier: MIT */
/*
 * 23, B48: right as long as nothing goes wrong by itself: a sleeper that wakes up for no reason, an allocation that fails.
 */
#include "patterns.h"
#include "stage.h"

#include <p2psim/linux/atomic.h>
#include <p2psim/linux/completion.h>
#include <p2psim/linux/refcount.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/wait.h>

#define PAGES 2

static bool wrong(void)
{
	return p2psim_scenario_data();
}

static const char broken[] = "broken";

/* ---- 23: a driver waits until its device is idle, then takes the page out ---- */

struct draining {
	struct stage s;
	struct copy copy;
	atomic_t beats;		/* under way */
	wait_queue_head_t wq;
};

/* A beat is under way. */
static int begin_draining(void *state)
{
	struct draining *d = state;
	struct page *page;
	int error = stage_begin(&d->s, 1);

	init_waitqueue_head(&d->wq);
	atomic_set(&d->beats, 1);
	if (error)
		return error;
	mmap_read_lock(d->s.mm);
	error = get_user_pages_remote(d->s.mm, AT(0), 1, 0, &page, NULL, NULL) != 1;
	mmap_read_unlock(d->s.mm);
	if (error)
		return -ENOMEM;
	copy_map(&d->s, &d->copy, AT(0), page);
	put_page(page);
	return 0;
}

static void nic_ends_its_beat(void *state)
{
	struct draining *d = state;

	copy_read(&d->s, &d->copy);
	if (atomic_dec_and_test(&d->beats))
		wake_up_all(&d->wq);
}

/* On the queue before it looks, and yet: who was woken up must look again. */
static void sleep_once(struct draining *d)
{
	DEFINE_WAIT(wait);

	prepare_to_wait(&d->wq, &wait, TASK_UNINTERRUPTIBLE);
	if (atomic_read(&d->beats))
		schedule();
	finish_wait(&d->wq, &wait);
}

static void driver_drains(void *state)
{
	struct draining *d = state;

	if (wrong())
		sleep_once(d);
	else
		wait_event(d->wq, !atomic_read(&d->beats));
	copy_unmap(&d->s, &d->copy);
}

static void end_draining(void *state)
{
	stage_end(&((struct draining *)state)->s);
}

/* ---- B48: each page of a mapping has a reference of the device's memory; one page cannot be entered ---- */

struct inserting {
	refcount_t refs;	/* of the device's memory: one is the driver's */
	struct completion released;
	void *entry[PAGES];
};

static void put_memory(struct inserting *i)
{
	if (refcount_dec_and_test(&i->refs))
		complete(&i->released);
}

static int begin_inserting(void *state)
{
	struct inserting *i = state;

	init_completion(&i->released);
	refcount_set(&i->refs, 1);
	return 0;
}

/* 0 or -errno: then there may be some pages already, which the caller unmaps as if all were there. */
static int insert(struct inserting *i)
{
	int n;

	for (n = 0; n < PAGES; n++) {
		if (!refcount_inc_not_zero(&i->refs))
			return -ENODEV;
		i->entry[n] = kmalloc(64, GFP_KERNEL);
		if (i->entry[n])
			continue;
		if (!wrong())
			put_memory(i);
		return -ENOMEM;
	}
	return 0;
}

static void app_maps_and_unmaps(void *state)
{
	struct inserting *i = state;
	int n;

	insert(i);
	for (n = 0; n < PAGES; n++) {
		if (!i->entry[n])
			continue;
		kfree(i->entry[n]);
		put_memory(i);
	}
}

static void driver_removes(void *state)
{
	struct inserting *i = state;

	put_memory(i);
	wait_for_completion(&i->released);
}

#define ADVERSE(title, ask, from, type, first, t0, t1, last, what, bug, verdict, which)                                \
	.scenario = { .name = title, .question = ask, .source = from, .state_size = sizeof(type), .setup = first,      \
		      .tasks = { t0, t1 }, .teardown = last, .expect = verdict, .oracle = which, .data = bug,          \
		      .config = { .adversary = { [what] = 1 } } }
#define TASK(name, fn) { name, fn }
#define DRAIN(title, ask, ...) ADVERSE(title, ask, "wait_event()", struct draining, begin_draining,                    \
				       TASK("nic0", nic_ends_its_beat), TASK("driver", driver_drains), end_draining,  \
				       P2PSIM_ADVERSE_WAKEUP, __VA_ARGS__)
#define INSERT(title, ask, ...) ADVERSE(title, ask, "PCI/P2PDMA: a reference is kept when a page cannot be inserted",  \
					struct inserting, begin_inserting, TASK("app", app_maps_and_unmaps),          \
					TASK("driver", driver_removes), NULL, P2PSIM_ADVERSE_ALLOCATION,     \
					__VA_ARGS__)

const struct pattern patterns_of_adversity[] = {
	{ DRAIN("23/beat+drain", "Is a page in use when its driver has waited?", NULL, P2PSIM_NEVER, P2PSIM_NO_ORACLE),
	  .traces = 9 },
	{ DRAIN("23/beat+drain!once", "And if a sleeper that woke up for no reason does not look again?", broken,
		P2PSIM_VIOLATION, P2PSIM_STALE) },
	{ INSERT("B48/map+remove", "Does removing a device wait for a page that could not be inserted?", NULL, P2PSIM_NEVER,
		 P2PSIM_NO_ORACLE), .traces = 11 },
	{ INSERT("B48/map+remove!keeps-reference", "And if its reference stays?", broken, P2PSIM_VIOLATION,
		 P2PSIM_DEADLOCK) },
	{},
};
