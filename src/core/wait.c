/* SPDX-License-Identifier: MIT */
/*
 * Sleeping: wait queues in their three honest steps, completions, timeouts.
 */
#include <p2psim/linux/completion.h>
#include <p2psim/linux/wait.h>

#include "core/internal.h"

void __init_waitqueue_head(wait_queue_head_t *wq, const char *name)
{
	INIT_LIST_HEAD(&wq->head);
	p2psim_object_init(&wq->obj, name);
}

/* Who waits exclusively stands behind all who do not. */
static void prepare(wait_queue_head_t *wq, struct wait_queue_entry *wait, int state, unsigned int flags)
{
	p2psim_step_on(P2PSIM_STEP_WQ_PREPARE, p2psim_object_id(&wq->obj), true, NULL);
	wait->task = current;
	wait->flags = flags;
	p2psim_task_here()->sleeps_on = p2psim_object_id(&wq->obj);
	if (list_empty(&wait->entry) && flags)
		list_add_tail(&wait->entry, &wq->head);
	else if (list_empty(&wait->entry))
		list_add(&wait->entry, &wq->head);
	current->__state = (unsigned int)state;
}

void prepare_to_wait(wait_queue_head_t *wq, struct wait_queue_entry *wait, int state)
{
	prepare(wq, wait, state, 0);
}

void prepare_to_wait_exclusive(wait_queue_head_t *wq, struct wait_queue_entry *wait, int state)
{
	prepare(wq, wait, state, WQ_FLAG_EXCLUSIVE);
}

void p2psim_wait_check(wait_queue_head_t *wq)
{
	p2psim_step_on(P2PSIM_STEP_WQ_CHECK, p2psim_object_id(&wq->obj), false, NULL);
}

void finish_wait(wait_queue_head_t *wq, struct wait_queue_entry *wait)
{
	(void)wq;
	current->__state = TASK_RUNNING;
	if (!list_empty(&wait->entry))
		list_del_init(&wait->entry);
}

bool p2psim_wait_interrupted(int state)
{
	if (p2psim_world_here()->ended)
		return true;
	return (state & (TASK_WAKEKILL | TASK_INTERRUPTIBLE)) && p2psim_task_here()->killed;
}

static void wake(struct wait_queue_entry *wait)
{
	p2psim_race_publish(p2psim_world_here(), P2PSIM_RACE_WOKEN(wait->task));
	wait->task->__state = TASK_RUNNING;
	list_del_init(&wait->entry);
}

/* The step of waking.  False, and UAF: whoever freed the queue was faster. */
static bool may_wake(wait_queue_head_t *wq)
{
	p2psim_step_on(P2PSIM_STEP_WQ_WAKE, p2psim_object_id(&wq->obj), true, NULL);
	if (!p2psim_ptr_is_freed(wq))
		return true;
	p2psim_object_id(&wq->obj);
	return false;
}

static void wake_until(wait_queue_head_t *wq, unsigned int last)
{
	struct wait_queue_entry *wait, *next;
	unsigned int flags;

	if (!may_wake(wq))
		return;
	list_for_each_entry_safe(wait, next, &wq->head, entry) {
		flags = wait->flags;
		wake(wait);
		if (flags & last)
			break;
	}
}

void(wake_up_all)(wait_queue_head_t *wq)
{
	wake_until(wq, 0);
}

void(wake_up)(wait_queue_head_t *wq)
{
	wake_until(wq, WQ_FLAG_EXCLUSIVE);
}

bool waitqueue_active(wait_queue_head_t *wq)
{
	p2psim_step_on(P2PSIM_STEP_WQ_CHECK, p2psim_object_id(&wq->obj), true, "active?");
	return !list_empty(&wq->head);
}

void set_current_state(unsigned int state)
{
	current->__state = state;
}

int wake_up_process(struct task_struct *task)
{
	int was_asleep = task->__state != TASK_RUNNING;

	p2psim_step_on(P2PSIM_STEP_WQ_WAKE, 0, true, "wake_up_process");
	p2psim_race_publish(p2psim_world_here(), P2PSIM_RACE_WOKEN(task));
	task->__state = TASK_RUNNING;
	return was_asleep;
}

static bool is_awake(void *arg)
{
	const struct p2psim_task *task = arg;

	if (task->ts.__state == TASK_RUNNING)
		return true;
	return task->killed && (task->ts.__state & (TASK_WAKEKILL | TASK_INTERRUPTIBLE));
}

static bool is_awake_or_not(void *arg)
{
	(void)arg;
	return true;
}

/*
 * Until somebody wakes the task, or nobody does, or (ticks != 0) the time is up.  A sleep that may end by itself races
 * with those who wake.
 */
static void sleep_for(uint64_t ticks)
{
	struct p2psim_task *task = p2psim_task_here();
	const bool adverse = p2psim_goes_wrong(P2PSIM_ADVERSE_WAKEUP, "wakes up for no reason");
	const bool early = ticks && !adverse && p2psim_timer_goes_wrong();
	const uint32_t queue = adverse || early ? task->sleeps_on : 0;
	bool (*enabled)(void *arg) = adverse ? is_awake_or_not : is_awake;

	if (ticks)
		p2psim_step_timed(P2PSIM_STEP_WQ_SLEEP, queue, true, "sleep", enabled, task, ticks, early);
	else
		p2psim_step_guarded(P2PSIM_STEP_WQ_SLEEP, queue, true, "sleep", enabled, task);
	if (is_awake(task))
		p2psim_race_join(p2psim_world_here(), P2PSIM_RACE_WOKEN(current));
	else if (adverse)
		p2psim_note("wakes up for no reason");
	current->__state = TASK_RUNNING;
}

void(schedule)(void)
{
	(might_sleep)();
	sleep_for(0);
}

long(schedule_timeout)(long ticks)
{
	const uint64_t until = p2psim_now() + (uint64_t)ticks;

	if (ticks == MAX_SCHEDULE_TIMEOUT) {
		(schedule)();
		return ticks;
	}
	(might_sleep)();
	if (ticks <= 0)
		return 0;
	sleep_for((uint64_t)ticks);
	return p2psim_now() < until ? (long)(until - p2psim_now()) : 0;
}

void(msleep)(unsigned int ms)
{
	long left = (long)ms;

	while (left) {
		current->__state = TASK_UNINTERRUPTIBLE;
		left = (schedule_timeout)(left);
	}
}

uint64_t p2psim_jiffies(void)
{
	return p2psim_now();
}

void __init_completion(struct completion *c, const char *name)
{
	c->done = 0;
	p2psim_object_init(&c->obj, name);
}

void reinit_completion(struct completion *c)
{
	c->done = 0;
}

void(complete)(struct completion *c)
{
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&c->obj), true, "complete");
	p2psim_object_id(&c->obj); /* freed meanwhile: a UAF */
	if (c->done != UINT_MAX)
		c->done++;
}

void(complete_all)(struct completion *c)
{
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&c->obj), true, "complete_all");
	p2psim_object_id(&c->obj); /* freed meanwhile: a UAF */
	c->done = UINT_MAX;
}

static bool is_complete(void *arg)
{
	return ((struct completion *)arg)->done != 0;
}

static void consume(struct completion *c)
{
	if (c->done && c->done != UINT_MAX)
		c->done--;
}

void(wait_for_completion)(struct completion *c)
{
	(might_sleep)();
	p2psim_step_guarded(P2PSIM_STEP_AWAIT, p2psim_object_id(&c->obj), true, "wait_for_completion", is_complete, c);
	consume(c);
}

unsigned long(wait_for_completion_timeout)(struct completion *c, unsigned long ticks)
{
	uint64_t until = p2psim_now() + ticks;

	(might_sleep)();
	if (!p2psim_step_guarded_timeout(P2PSIM_STEP_AWAIT, p2psim_object_id(&c->obj), true, "wait_for_completion",
					 is_complete, c, ticks))
		return 0;
	consume(c);
	return p2psim_now() < until ? (unsigned long)(until - p2psim_now()) : 1;
}

bool try_wait_for_completion(struct completion *c)
{
	bool done;

	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&c->obj), true, "try_wait");
	done = c->done != 0;
	consume(c);
	return done;
}

bool completion_done(struct completion *c)
{
	p2psim_step_on(P2PSIM_STEP_READ, p2psim_object_id(&c->obj), false, "completion_done");
	return c->done != 0;
}
