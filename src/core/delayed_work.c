/* SPDX-License-Identifier: MIT */
/*
 * Work that waits for its time: a timer, and then the queue.
 */
#include <p2psim/linux/workqueue.h>

#include "core/internal.h"

static void queue_now(struct timer_list *timer)
{
	struct delayed_work *dwork = from_timer(dwork, timer, timer);

	(queue_work)(dwork->wq, &dwork->work);
}

void p2psim_delayed_work_init(struct delayed_work *dwork, work_func_t func, const char *name)
{
	*dwork = (struct delayed_work){ 0 };
	p2psim_work_init(&dwork->work, func, name);
	p2psim_timer_init(&dwork->timer, queue_now, TIMER_IRQSAFE, name);
}

/* The step of whoever looks whether it waits, and changes that: the timers, the item, and the queue that it is on or was on. */
static void step_on_delayed(struct workqueue_struct *wq, struct delayed_work *dwork, const char *label)
{
	struct p2psim_op op = { .kind = P2PSIM_STEP_WRITE, .label = label };
	struct workqueue_struct *queue;

	op.access[op.access_count++] = (struct p2psim_access){ p2psim_timers_id(), true, 0, UINT64_MAX };
	op.access[op.access_count++] = (struct p2psim_access){ p2psim_object_id(&dwork->work.obj), true, 0, UINT64_MAX };
	do {
		queue = dwork->work.queue;
		op.access_count = 2;
		if (queue || wq)
			op.access[op.access_count++] =
				(struct p2psim_access){ p2psim_work_queue_id(queue ? queue : wq), true, 0, UINT64_MAX };
		p2psim_step_op(&op);
	} while (dwork->work.queue != queue);
}

static bool is_waiting(const struct delayed_work *dwork)
{
	return dwork->timer.pending || dwork->work.pending;
}

/* It waits for nothing any more. */
static bool take_back(struct delayed_work *dwork)
{
	const bool waited = is_waiting(dwork);

	p2psim_timer_end(&dwork->timer);
	p2psim_work_take_back(&dwork->work);
	return waited;
}

static void start(struct workqueue_struct *wq, struct delayed_work *dwork, unsigned long delay)
{
	dwork->wq = wq;
	if (delay)
		p2psim_timer_start(&dwork->timer, jiffies + delay);
	else
		p2psim_work_enqueue(wq, &dwork->work);
}

bool(queue_delayed_work)(struct workqueue_struct *wq, struct delayed_work *dwork, unsigned long delay)
{
	step_on_delayed(wq, dwork, "queue_delayed_work");
	if (is_waiting(dwork))
		return false;
	start(wq, dwork, delay);
	return true;
}

bool(mod_delayed_work)(struct workqueue_struct *wq, struct delayed_work *dwork, unsigned long delay)
{
	bool waited;

	step_on_delayed(wq, dwork, "mod_delayed_work");
	waited = take_back(dwork);
	start(wq, dwork, delay);
	return waited;
}

bool(cancel_delayed_work)(struct delayed_work *dwork)
{
	step_on_delayed(NULL, dwork, "cancel_delayed_work");
	return take_back(dwork);
}

bool(cancel_delayed_work_sync)(struct delayed_work *dwork)
{
	bool waited = (del_timer_sync)(&dwork->timer);

	return (cancel_work_sync)(&dwork->work) || waited;
}

bool(flush_delayed_work)(struct delayed_work *dwork)
{
	if ((del_timer_sync)(&dwork->timer))
		(queue_work)(dwork->wq, &dwork->work);
	return (flush_work)(&dwork->work);
}
