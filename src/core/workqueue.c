/* SPDX-License-Identifier: MIT */
/*
 * Workqueues: one worker a queue, a daemon task that takes the items in order.
 */
#include <stdarg.h>
#include <stdio.h>

#include <p2psim/linux/kthread.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/workqueue.h>

#include "core/internal.h"
#include "core/layer.h"

struct workqueue_struct {
	struct p2psim_object obj;
	struct list_head items;
	struct work_struct *running;
	struct task_struct *worker;
	bool dying;
	uint64_t queued;		/* items so far */
	uint64_t running_number;
	char name[24];
};

void p2psim_work_init(struct work_struct *work, work_func_t func, const char *name)
{
	*work = (struct work_struct){};
	INIT_LIST_HEAD(&work->entry);
	work->func = func;
	p2psim_object_init(&work->obj, name);
}

/* True, after saying so: nothing of it may be read. */
static bool is_freed(const struct work_struct *work, const char *how)
{
	if (!p2psim_ptr_is_freed(work))
		return false;
	p2psim_violate(P2PSIM_UAF, 0, 0, 0, "work is %s", how);
	return true;
}

/*
 * A step that looks at an item, or changes whether it is pending: it names the item and the queue that it is on or was on.  An
 * item that has come to its first queue meanwhile is looked at once more.
 */
static void step_on_work(struct work_struct *work, enum p2psim_step_kind kind, bool write, const char *label)
{
	struct workqueue_struct *queue;

	do {
		queue = work->queue;
		if (queue)
			p2psim_step_two(kind, p2psim_object_id(&queue->obj), p2psim_object_id(&work->obj), write, label);
		else
			p2psim_step_on(kind, p2psim_object_id(&work->obj), write, label);
	} while (work->queue != queue);
}

static bool has_work(void *arg)
{
	struct workqueue_struct *wq = arg;

	return wq->dying || !list_empty(&wq->items);
}

static void run_item(struct workqueue_struct *wq, struct work_struct *work)
{
	work_func_t func = work->func;

	list_del_init(&work->entry);
	work->pending = 0;
	wq->running = work;
	wq->running_number = work->number;
	p2psim_enter("%s: work", P2PSIM_STR(wq->name));
	func(work); /* may free the item */
	/* Who waits for the item sees its end in this step, not in whatever step was the function's last. */
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&wq->obj), true, "work: done");
	p2psim_leave("%s: idle", P2PSIM_STR(wq->name));
	wq->running = NULL;
	p2psim_race_publish(p2psim_world_here(), p2psim_object_id(&wq->obj));
}

static int worker(void *data)
{
	struct workqueue_struct *wq = data;
	struct work_struct *work;

	for (;;) {
		p2psim_step_guarded(P2PSIM_STEP_AWAIT, p2psim_object_id(&wq->obj), true, "work", has_work, wq);
		if (list_empty(&wq->items))
			return 0;
		work = list_first_entry(&wq->items, struct work_struct, entry);
		if (!is_freed(work, "freed while it is queued")) {
			run_item(wq, work);
			continue;
		}
		INIT_LIST_HEAD(&wq->items); /* where it led to is lost */
	}
}

/* 0 or -errno: the worker runs up to its wait. */
static int queue_init(struct workqueue_struct *wq)
{
	INIT_LIST_HEAD(&wq->items);
	p2psim_object_init(&wq->obj, wq->name);
	wq->worker = kthread_run(worker, wq, "%s", wq->name);
	if (IS_ERR(wq->worker))
		return (int)PTR_ERR(wq->worker);
	p2psim_task_set_daemon(wq->worker);
	return 0;
}

struct workqueue_struct *alloc_workqueue(const char *fmt, unsigned int flags, int max_active, ...)
{
	struct workqueue_struct *wq = (kzalloc)(sizeof(*wq), GFP_KERNEL);
	va_list args;

	(void)flags;
	if (!wq)
		return NULL;
	va_start(args, max_active);
	vsnprintf(wq->name, sizeof(wq->name), fmt, args);
	va_end(args);
	if (queue_init(wq)) {
		(kfree)(wq);
		return NULL;
	}
	return wq;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	(flush_workqueue)(wq);
	wq->dying = true;
	(kthread_stop)(wq->worker);
	(kfree)(wq);
}

bool(queue_work)(struct workqueue_struct *wq, struct work_struct *work)
{
	p2psim_step_two(P2PSIM_STEP_WRITE, p2psim_object_id(&wq->obj), p2psim_object_id(&work->obj), true, "queue_work");
	return p2psim_work_enqueue(wq, work);
}

bool p2psim_work_enqueue(struct workqueue_struct *wq, struct work_struct *work)
{
	if (is_freed(work, "queued after it was freed") || work->pending)
		return false;
	work->pending = 1;
	work->queue = wq;
	list_add_tail(&work->entry, &wq->items);
	work->number = ++wq->queued;
	return true;
}

static struct workqueue_struct *system_queue(void)
{
	struct p2psim_world *world = p2psim_world_here();
	struct workqueue_struct *wq = world->events_wq;
	uint64_t fail_at = world->arena.fail_at;
	int error;

	if (wq)
		return wq;
	wq = p2psim_arena_alloc(sizeof(*wq));
	if (!wq)
		return NULL;
	snprintf(wq->name, sizeof(wq->name), "events");
	world->arena.fail_at = 0; /* the kernel has this one from boot on */
	error = queue_init(wq);
	world->arena.fail_at = fail_at;
	if (error)
		return NULL;
	return world->events_wq = wq;
}

bool(schedule_work)(struct work_struct *work)
{
	struct workqueue_struct *wq = p2psim_world_missing("schedule_work") ? NULL : system_queue();

	if (!wq) {
		p2psim_violate(P2PSIM_LEAK, 0, 0, 0, "too many tasks: nobody runs the system's work");
		return false;
	}
	return (queue_work)(wq, work);
}

static bool is_idle(void *arg)
{
	const struct work_struct *work = arg;

	return !work->pending && (!work->queue || work->queue->running != work);
}

bool p2psim_work_pending(struct work_struct *work)
{
	step_on_work(work, P2PSIM_STEP_READ, false, "work_pending");
	return work->pending;
}

/* Waits if it is not idle now: who calls has just looked, in a step. */
static bool wait_until_idle(struct work_struct *work)
{
	if (is_idle(work))
		return false;
	if (work->queue->running == work && work->queue->worker == current) {
		p2psim_violate(P2PSIM_DEADLOCK, 0, work->obj.id, 0, "%s flushes the work that it runs", current->comm);
		return false;
	}
	p2psim_step_guarded(P2PSIM_STEP_AWAIT, p2psim_object_id(&work->queue->obj), false, "flush_work", is_idle, work);
	return true;
}

bool(flush_work)(struct work_struct *work)
{
	(might_sleep)();
	step_on_work(work, P2PSIM_STEP_READ, false, "flush_work: look");
	return wait_until_idle(work);
}

uint32_t p2psim_work_queue_id(struct workqueue_struct *wq)
{
	return p2psim_object_id(&wq->obj);
}

struct workqueue_struct *p2psim_system_wq(void)
{
	return p2psim_world_missing("system_wq") ? NULL : system_queue();
}

bool cancel_work(struct work_struct *work)
{
	step_on_work(work, P2PSIM_STEP_WRITE, true, "cancel_work");
	return p2psim_work_take_back(work);
}

bool p2psim_work_take_back(struct work_struct *work)
{
	if (!work->pending)
		return false;
	list_del_init(&work->entry);
	work->pending = 0;
	return true;
}

bool(cancel_work_sync)(struct work_struct *work)
{
	bool was_pending = cancel_work(work);

	(might_sleep)();
	wait_until_idle(work);
	return was_pending;
}

struct flush {
	struct workqueue_struct *wq;
	uint64_t until;			/* the last item to wait for */
};

/* Items are taken in their order; one that was freed is the worker's to tell of. */
static bool is_flushed(void *arg)
{
	const struct flush *flush = arg;
	const struct work_struct *first = list_first_entry_or_null(&flush->wq->items, struct work_struct, entry);

	if (flush->wq->running && flush->wq->running_number <= flush->until)
		return false;
	return !first || (!p2psim_ptr_is_freed(first) && first->number > flush->until);
}

void(flush_workqueue)(struct workqueue_struct *wq)
{
	struct flush flush = { wq, 0 };

	(might_sleep)();
	p2psim_step_on(P2PSIM_STEP_AWAIT, p2psim_object_id(&wq->obj), false, "flush_workqueue");
	flush.until = wq->queued; /* what comes later is not waited for */
	if (!is_flushed(&flush))
		p2psim_step_guarded(P2PSIM_STEP_AWAIT, p2psim_object_id(&wq->obj), false, "flush_workqueue", is_flushed,
				    &flush);
}
