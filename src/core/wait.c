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

void p2psim_step_two_slow(enum p2psim_step_kind kind, uint32_t obj, uint32_t other, bool write, const char *label)
{
	struct p2psim_op op = { .kind = (uint16_t)kind, .label = label };

	op.access[op.access_count++] = (struct p2psim_access){ obj, write, 0, UINT64_MAX };
	if (other)
		op.access[op.access_count++] = (struct p2psim_access){ other, write, 0, UINT64_MAX };
	p2psim_step_op(&op);
}

/* Who waits exclusively stands behind all who do not. */
static void prepare(wait_queue_head_t *wq, struct wait_queue_entry *wait, int state, unsigned int flags)
{
	p2psim_step_two(P2PSIM_STEP_WQ_PREPARE, p2psim_object_id(&wq->obj), P2PSIM_TASK_ID(current), true, NULL);
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
	p2psim_step_two(P2PSIM_STEP_WQ_CHECK, p2psim_object_id(&wq->obj), P2PSIM_TASK_ID(current), false, NULL);
	p2psim_task_here()->checked = p2psim_world_here()->hot.steps;
}

/*
 * No step, with one exception: until who waits exclusively has left, a wake-up may be his, and no other's, though he has looked
 * already.  If he looked in his step before, that is the same step.
 */
void finish_wait(wait_queue_head_t *wq, struct wait_queue_entry *wait)
{
	if (wait->flags & WQ_FLAG_EXCLUSIVE && !list_empty(&wait->entry) &&
	    p2psim_task_here()->checked != p2psim_world_here()->hot.steps)
		p2psim_step_on(P2PSIM_STEP_WQ_PREPARE, p2psim_object_id(&wq->obj), true, "finish_wait");
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

/* Whoever wakes the queue that the task is on changes its state as well. */
void set_current_state(unsigned int state)
{
	p2psim_step_two(P2PSIM_STEP_WQ_PREPARE, P2PSIM_TASK_ID(current), p2psim_task_here()->sleeps_on, true,
			"set_current_state");
	current->__state = state;
}

int wake_up_process(struct task_struct *task)
{
	int was_asleep;

	p2psim_step_on(P2PSIM_STEP_WQ_WAKE, P2PSIM_TASK_ID(task), true, "wake_up_process");
	was_asleep = task->__state != TASK_RUNNING;
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

/* A sleep that may end by itself races with those who wake: the queue, or the task. */
static void sleep_uneasily(uint64_t ticks, bool (*enabled)(void *arg), bool early)
{
	struct p2psim_task *task = p2psim_task_here();
	const uint64_t deadline = ticks ? p2psim_now() + ticks : 0;
	struct p2psim_op op = { .kind = P2PSIM_STEP_WQ_SLEEP, .label = "sleep", .enabled = enabled, .arg = task,
				.deadline = deadline };

	if (task->sleeps_on)
		op.access[op.access_count++] = (struct p2psim_access){ task->sleeps_on, true, 0, UINT64_MAX };
	op.access[op.access_count++] = (struct p2psim_access){ P2PSIM_TASK_ID(&task->ts), true, 0, UINT64_MAX };
	p2psim_step_op(&op);
	if (!early || is_awake(task))
		return;
	task->now = deadline;
	p2psim_note("the time is up already");
}

/* Until somebody wakes the task, or nobody does, or (ticks != 0) the time is up. */
static void sleep_for(uint64_t ticks)
{
	struct p2psim_task *task = p2psim_task_here();
	const bool adverse = p2psim_goes_wrong(P2PSIM_ADVERSE_WAKEUP, "wakes up for no reason");
	const bool early = ticks && !adverse && p2psim_timer_goes_wrong();

	if (adverse || early)
		sleep_uneasily(ticks, early ? NULL : is_awake_or_not, early);
	else if (ticks)
		p2psim_step_timed(P2PSIM_STEP_WQ_SLEEP, 0, true, "sleep", is_awake, task, ticks, false);
	else
		p2psim_step_guarded(P2PSIM_STEP_WQ_SLEEP, 0, true, "sleep", is_awake, task);
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

/* A complete() that comes just before is lost: that is what goes wrong with it. */
void reinit_completion(struct completion *c)
{
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&c->obj), true, "reinit");
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
