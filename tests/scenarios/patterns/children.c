/* SPDX-License-Identifier: MIT */
/*
 * Stories of work that invalidations queue (the B numbers are those of docs/patterns.md): a region with a child for the
 * memory that is mapped, as an implicit ODP region has.  Whoever unmaps the last of it queues its destruction.
 *
 *	app, app2: madvise()			worker
 *	  invalidate_range_start():
 *	    lock; take the child off; unlock
 *	    queue_work(&child->destroy)		destroy: kfree(child)
 */
#include "patterns.h"
#include "stage.h"

#include <p2psim/linux/atomic.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/rcupdate.h>
#include <p2psim/linux/refcount.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/srcu.h>
#include <p2psim/linux/wait.h>
#include <p2psim/linux/workqueue.h>

struct parent;

struct child {
	struct work_struct destroy;
	struct parent *parent;
};

enum {
	RIGHT,
	STAYS_LISTED = 1,	/* B20 */
	KEEPS_REFERENCE = 2,	/* B21 */
	TESTS_FIRST = 4,	/* B27 */
};

struct parent {
	struct stage s;
	struct mmu_notifier mn;
	struct workqueue_struct *wq;
	struct mutex lock;
	struct child *child;		/* lock; B27: SRCU */
	refcount_t refs;		/* B21: the region's, and one for each destruction that is queued */
	wait_queue_head_t idle;
	struct srcu_struct srcu;	/* B27 */
	atomic_t queued;		/* B27 */
};

static unsigned int quirks(void)
{
	const unsigned int *data = p2psim_scenario_data();

	return data ? *data : RIGHT;
}

static void parent_put(struct parent *p)
{
	if (refcount_dec_and_test(&p->refs))
		wake_up_all(&p->idle);
}

static void destroy_child(struct work_struct *work)
{
	struct child *child = container_of(work, struct child, destroy);
	struct parent *p = child->parent;

	mutex_lock(&p->lock);
	if (p->child == child)
		p->child = NULL;
	mutex_unlock(&p->lock);
	kfree(child);
	parent_put(p);
}

/* The child, which is the caller's now. */
static struct child *take_child(struct parent *p)
{
	struct child *child;

	mutex_lock(&p->lock);
	child = p->child;
	if (!(quirks() & STAYS_LISTED))
		p->child = NULL;
	mutex_unlock(&p->lock);
	return child;
}

static int empty_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct parent *p = container_of(mn, struct parent, mn);
	struct child *child;

	(void)range;
	if (!refcount_inc_not_zero(&p->refs))
		return 0;
	child = take_child(p);
	if ((!child || !queue_work(p->wq, &child->destroy)) && !(quirks() & KEEPS_REFERENCE))
		parent_put(p);
	return 0;
}

static const struct mmu_notifier_ops empty_ops = { .invalidate_range_start = empty_start };

static int begin(void *state)
{
	struct parent *p = state;

	mutex_init(&p->lock);
	init_waitqueue_head(&p->idle);
	refcount_set(&p->refs, 1);
	p->wq = alloc_workqueue("destroy", 0, 1);
	p->child = kzalloc(sizeof(*p->child), GFP_KERNEL);
	if (!p->wq || !p->child || stage_begin(&p->s, 2) || init_srcu_struct(&p->srcu))
		return -ENOMEM;
	p->child->parent = p;
	INIT_WORK(&p->child->destroy, destroy_child);
	p->mn.ops = &empty_ops;
	return mmu_notifier_register(&p->mn, p->s.mm);
}

static void end(void *state)
{
	struct parent *p = state;

	destroy_workqueue(p->wq);
	mmu_notifier_unregister(&p->mn, p->s.mm);
	kfree(p->child);
	cleanup_srcu_struct(&p->srcu);
	stage_end(&p->s);
}

static void app_drops_page(void *state)
{
	p2psim_madvise(((struct parent *)state)->s.app, AT(0), PAGE_SIZE, MADV_DONTNEED);
}

static void app_drops_next_page(void *state)
{
	p2psim_madvise(((struct parent *)state)->s.app, AT(1), PAGE_SIZE, MADV_DONTNEED);
}

static void app_drops_both(void *state)
{
	app_drops_page(state);
	app_drops_next_page(state);
}

static void driver_deregisters(void *state)
{
	struct parent *p = state;

	parent_put(p);
	wait_event(p->idle, !refcount_read(&p->refs));
}

/* ---- B27: is anything queued?  Asked before or after those have left who may queue ---- */

static void prefetch_works(struct work_struct *work)
{
	atomic_dec(&container_of(work, struct child, destroy)->parent->queued);
}

static int begin_prefetch(void *state)
{
	struct parent *p = state;
	int error = begin(state);

	if (!error)
		INIT_WORK(&p->child->destroy, prefetch_works);
	return error;
}

static void nic_prefetches(void *state)
{
	struct parent *p = state;
	int idx = srcu_read_lock(&p->srcu);
	struct child *child = smp_load_acquire(&p->child);

	if (child) {
		atomic_inc(&p->queued);
		queue_work(p->wq, &child->destroy);
	}
	srcu_read_unlock(&p->srcu, idx);
}

static void driver_removes_child(void *state)
{
	struct parent *p = state;
	struct child *child = p->child;
	bool busy;

	smp_store_release(&p->child, NULL);
	busy = (quirks() & TESTS_FIRST) && atomic_read(&p->queued);
	synchronize_srcu(&p->srcu);
	if (!(quirks() & TESTS_FIRST))
		busy = atomic_read(&p->queued);
	if (busy)
		flush_workqueue(p->wq);
	kfree(child);
}

#define CHILD(title, ask, from, first, t0, t1, bug, verdict, which)                                                    \
	.scenario = { .name = title, .question = ask, .source = from, .state_size = sizeof(struct parent),             \
		      .setup = first, .tasks = { t0, t1 }, .teardown = end, .expect = verdict, .oracle = which,        \
		      .data = &(const unsigned int){ bug } }
#define TASK(name, fn) { name, fn }
#define TWICE(title, ask, ...) CHILD(title, ask, "CVE-2025-21714", begin, TASK("app", app_drops_page),                 \
				     TASK("app2", app_drops_next_page), __VA_ARGS__)
#define LEAVE(title, ask, ...) CHILD(title, ask, "RDMA/mlx5: implicit ODP, a reference too many", begin,               \
				     TASK("app", app_drops_both), TASK("driver", driver_deregisters), __VA_ARGS__)
#define PREFETCH(title, ask, ...) CHILD(title, ask, "aa116b810ac9", begin_prefetch, TASK("nic0", nic_prefetches),      \
					TASK("driver", driver_removes_child), __VA_ARGS__)

const struct pattern patterns_of_children[] = {
	{ TWICE("B20/drop+drop", "Is a child destroyed twice?", RIGHT, P2PSIM_NEVER, P2PSIM_NO_ORACLE), .traces = 870 },
	{ TWICE("B20/drop+drop!stays-listed", "And if it stays listed until it is gone?", STAYS_LISTED, P2PSIM_VIOLATION,
		P2PSIM_UAF), .preemptions = 1 },
	{ LEAVE("B21/drop+deregister", "Does deregistration wait for nobody?", RIGHT, P2PSIM_NEVER, P2PSIM_NO_ORACLE),
	  .traces = 82 },
	{ LEAVE("B21/drop+deregister!keeps-reference", "And if who queues nothing keeps his reference?", KEEPS_REFERENCE,
		P2PSIM_VIOLATION, P2PSIM_DEADLOCK) },
	{ PREFETCH("B27/prefetch+remove", "Does work outlive what it works on?", RIGHT, P2PSIM_NEVER,
		   P2PSIM_NO_ORACLE), .traces = 13 },
	{ PREFETCH("B27/prefetch+remove!tests-first", "And if the count is read before the grace period?", TESTS_FIRST,
		   P2PSIM_VIOLATION, P2PSIM_UAF), .preemptions = 1 },
	{},
};
