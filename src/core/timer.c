/* SPDX-License-Identifier: MIT */
/*
 * Timers: a list of the world, the first to expire first, and the daemon that calls their functions.
 *
 * The daemon always stands before the same guarded step; its deadline is the first timer's, so that the clock goes there when
 * nobody else can run.  Whoever changes the list moves the deadline.
 */
#include <p2psim/linux/kthread.h>
#include <p2psim/linux/timer.h>

#include "core/internal.h"

struct p2psim_timers {
	struct p2psim_object obj;
	struct list_head list;
	struct task_struct *daemon;
	struct timer_list *running;
};

static struct timer_list *first_of(struct p2psim_timers *timers)
{
	return list_first_entry_or_null(&timers->list, struct timer_list, entry);
}

static bool has_expired(void *arg)
{
	struct timer_list *first = first_of(arg);

	return first && !time_before(jiffies, first->expires);
}

static void move_deadline(struct p2psim_timers *timers)
{
	struct timer_list *first = first_of(timers);

	p2psim_task_of(timers->daemon)->pending.deadline = first ? max(first->expires, 1ul) : 0;
}

static void expire(struct p2psim_timers *timers, struct timer_list *timer)
{
	void (*function)(struct timer_list *timer) = timer->function;

	list_del_init(&timer->entry);
	timer->pending = false;
	timers->running = timer;
	p2psim_nonblock_start("a timer's function");
	function(timer); /* may free it, or set it again */
	p2psim_nonblock_end();
	timers->running = NULL;
	p2psim_race_publish(p2psim_world_here(), p2psim_object_id(&timers->obj));
}

/* Without a timer there is no deadline: a deadlock of others is one. */
static void wait_for_first(struct p2psim_timers *timers)
{
	uint32_t id = p2psim_object_id(&timers->obj);
	struct timer_list *first = first_of(timers);
	uint64_t now = p2psim_jiffies();

	if (first)
		p2psim_step_guarded_timeout(P2PSIM_STEP_AWAIT, id, true, "timer", has_expired, timers,
					    first->expires > now ? first->expires - now : 1);
	else
		p2psim_step_guarded(P2PSIM_STEP_AWAIT, id, true, "timer", has_expired, timers);
}

static int timer_daemon(void *data)
{
	struct p2psim_timers *timers = data;

	for (;;) {
		wait_for_first(timers);
		if (has_expired(timers))
			expire(timers, first_of(timers));
	}
	return 0;
}

/* NULL: out of tasks or of arena. */
static struct p2psim_timers *timers_here(void)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_timers *timers = world->timers;
	uint64_t fail_at = world->arena.fail_at;

	if (timers)
		return timers;
	timers = p2psim_arena_alloc(sizeof(*timers));
	if (!timers)
		return NULL;
	INIT_LIST_HEAD(&timers->list);
	p2psim_object_init(&timers->obj, "timers");
	world->arena.fail_at = 0; /* the kernel has them from boot on */
	timers->daemon = kthread_run(timer_daemon, timers, "timers");
	world->arena.fail_at = fail_at;
	if (IS_ERR(timers->daemon))
		return NULL;
	p2psim_task_set_daemon(timers->daemon);
	move_deadline(timers);
	return world->timers = timers;
}

void p2psim_timer_init(struct timer_list *timer, void (*function)(struct timer_list *timer), unsigned int flags,
		       const char *name)
{
	*timer = (struct timer_list){ .function = function, .flags = flags };
	INIT_LIST_HEAD(&timer->entry);
	p2psim_object_init(&timer->obj, name);
}

static void insert(struct p2psim_timers *timers, struct timer_list *timer)
{
	struct list_head *before = &timers->list;
	struct timer_list *other;

	list_for_each_entry(other, &timers->list, entry) {
		if (time_after(other->expires, timer->expires)) {
			before = &other->entry;
			break;
		}
	}
	list_add_tail(&timer->entry, before);
	timer->pending = true;
}

static struct p2psim_timers *write_step(struct timer_list *timer, const char *label)
{
	struct p2psim_timers *timers = p2psim_world_missing(label) ? NULL : timers_here();

	p2psim_object_id(&timer->obj);
	if (!timers)
		p2psim_violate(P2PSIM_LEAK, 0, 0, 0, "too many tasks: nobody calls timers");
	else
		p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&timers->obj), true, label);
	return timers;
}

bool p2psim_timer_start(struct timer_list *timer, unsigned long expires)
{
	struct p2psim_timers *timers = timers_here();
	bool pending = timer->pending;

	if (!timers)
		return false;
	if (pending)
		list_del_init(&timer->entry);
	timer->expires = expires;
	insert(timers, timer);
	move_deadline(timers);
	return pending;
}

int(mod_timer)(struct timer_list *timer, unsigned long expires)
{
	return write_step(timer, "mod_timer") && p2psim_timer_start(timer, expires);
}

void(add_timer)(struct timer_list *timer)
{
	if (timer->pending)
		p2psim_violate(P2PSIM_CONTRACT, 0, timer->obj.id, 0, "add_timer() of %s, which runs already", timer->obj.name);
	(mod_timer)(timer, timer->expires);
}

bool p2psim_timer_end(struct timer_list *timer)
{
	if (!timer->pending)
		return false;
	list_del_init(&timer->entry);
	timer->pending = false;
	move_deadline(timers_here());
	return true;
}

int(del_timer)(struct timer_list *timer)
{
	return write_step(timer, "del_timer") && p2psim_timer_end(timer);
}

struct wait_for {
	struct p2psim_timers *timers;
	struct timer_list *timer;
};

static bool is_over(void *arg)
{
	const struct wait_for *wait = arg;

	return wait->timers->running != wait->timer;
}

int(del_timer_sync)(struct timer_list *timer)
{
	int pending = (del_timer)(timer);
	struct wait_for wait = { timers_here(), timer };

	if (!wait.timers || is_over(&wait))
		return pending;
	if (wait.timers->daemon == current) {
		p2psim_violate(P2PSIM_DEADLOCK, 0, timer->obj.id, 0, "a timer's function waits for its own end");
		return pending;
	}
	p2psim_step_guarded(P2PSIM_STEP_AWAIT, p2psim_object_id(&wait.timers->obj), false, "del_timer_sync", is_over, &wait);
	return pending;
}

uint32_t p2psim_timers_id(void)
{
	struct p2psim_timers *timers = timers_here();

	return timers ? p2psim_object_id(&timers->obj) : 0;
}

bool timer_pending(const struct timer_list *timer)
{
	if (p2psim_world_missing("timer_pending"))
		return false;
	p2psim_step_on(P2PSIM_STEP_READ, p2psim_timers_id(), false, "timer_pending");
	return timer->pending;
}
