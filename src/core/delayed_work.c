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

static bool start(struct workqueue_struct *wq, struct delayed_work *dwork, unsigned long delay)
{
	dwork->wq = wq;
	if (!delay)
		return (queue_work)(wq, &dwork->work);
	(mod_timer)(&dwork->timer, jiffies + delay);
	return true;
}

bool(queue_delayed_work)(struct workqueue_struct *wq, struct delayed_work *dwork, unsigned long delay)
{
	if (dwork->timer.pending || dwork->work.pending)
		return false;
	return start(wq, dwork, delay);
}

bool(mod_delayed_work)(struct workqueue_struct *wq, struct delayed_work *dwork, unsigned long delay)
{
	bool waited = (cancel_delayed_work)(dwork);

	start(wq, dwork, delay);
	return waited;
}

bool(cancel_delayed_work)(struct delayed_work *dwork)
{
	return (del_timer)(&dwork->timer) | cancel_work(&dwork->work);
}

bool(cancel_delayed_work_sync)(struct delayed_work *dwork)
{
	return (del_timer_sync)(&dwork->timer) | (cancel_work_sync)(&dwork->work);
}

bool(flush_delayed_work)(struct delayed_work *dwork)
{
	if ((del_timer_sync)(&dwork->timer))
		(queue_work)(dwork->wq, &dwork->work);
	return (flush_work)(&dwork->work);
}
