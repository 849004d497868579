/* SPDX-License-Identifier: MIT */
/*
 * Tasklets: a list of the world, in order, and the daemon that calls their functions.
 */
#include <p2psim/linux/interrupt.h>
#include <p2psim/linux/kthread.h>

#include "core/internal.h"

struct p2psim_softirq {
	struct p2psim_object obj;
	struct tasklet_struct *first, **end;
	struct task_struct *daemon;
};

/* The first that is not disabled; the link that leads to it. */
static struct tasklet_struct **ready(struct p2psim_softirq *softirq)
{
	struct tasklet_struct **link = &softirq->first;

	while (*link && !p2psim_ptr_is_freed(*link) && (*link)->count.counter)
		link = &(*link)->next;
	return link;
}

static bool has_ready(void *arg)
{
	return *ready(arg);
}

static struct tasklet_struct *take(struct p2psim_softirq *softirq, struct tasklet_struct **link)
{
	struct tasklet_struct *t = *link;

	*link = t->next;
	if (softirq->end == &t->next)
		softirq->end = link;
	return t;
}

static void run(struct p2psim_softirq *softirq, struct tasklet_struct *t)
{
	t->state = TASKLET_STATE_RUN; /* it may be scheduled again from now on */
	p2psim_nonblock_start("a tasklet");
	if (t->use_callback)
		t->callback(t);
	else
		t->func(t->data);
	p2psim_nonblock_end();
	t->state &= ~TASKLET_STATE_RUN;
	p2psim_race_publish(p2psim_world_here(), p2psim_object_id(&softirq->obj));
}

static int softirq_daemon(void *data)
{
	struct p2psim_softirq *softirq = data;

	for (;;) {
		p2psim_step_guarded(P2PSIM_STEP_AWAIT, p2psim_object_id(&softirq->obj), true, "tasklet", has_ready, softirq);
		if (p2psim_ptr_is_freed(*ready(softirq))) {
			p2psim_violate(P2PSIM_UAF, 0, softirq->obj.id, 0, "a tasklet is freed while it is scheduled");
			*ready(softirq) = NULL; /* where it led to is lost */
			softirq->end = ready(softirq);
			continue;
		}
		run(softirq, take(softirq, ready(softirq)));
	}
	return 0;
}

/* NULL: out of tasks or of arena. */
static struct p2psim_softirq *softirq_here(void)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_softirq *softirq = world->softirq;
	uint64_t fail_at = world->arena.fail_at;

	if (softirq)
		return softirq;
	softirq = p2psim_arena_alloc(sizeof(*softirq));
	if (!softirq)
		return NULL;
	softirq->end = &softirq->first;
	p2psim_object_init(&softirq->obj, "tasklets");
	world->arena.fail_at = 0; /* the kernel has it from boot on */
	softirq->daemon = kthread_run(softirq_daemon, softirq, "softirq");
	world->arena.fail_at = fail_at;
	if (IS_ERR(softirq->daemon))
		return NULL;
	p2psim_task_set_daemon(softirq->daemon);
	return world->softirq = softirq;
}

bool p2psim_softirq_is(const struct task_struct *task)
{
	return p2psim_world_here()->softirq && p2psim_world_here()->softirq->daemon == task;
}

static struct p2psim_softirq *write_step(const char *label)
{
	struct p2psim_softirq *softirq = p2psim_world_missing(label) ? NULL : softirq_here();

	if (!softirq)
		p2psim_violate(P2PSIM_LEAK, 0, 0, 0, "too many tasks: nobody runs tasklets");
	else
		p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&softirq->obj), true, label);
	return softirq;
}

void tasklet_setup(struct tasklet_struct *t, void (*callback)(struct tasklet_struct *t))
{
	*t = (struct tasklet_struct){ .callback = callback, .use_callback = true };
}

void tasklet_init(struct tasklet_struct *t, void (*func)(unsigned long data), unsigned long data)
{
	*t = (struct tasklet_struct){ .func = func, .data = data };
}

void(tasklet_schedule)(struct tasklet_struct *t)
{
	struct p2psim_softirq *softirq = write_step("tasklet_schedule");

	if (!softirq || t->state & TASKLET_STATE_SCHED)
		return;
	t->state |= TASKLET_STATE_SCHED;
	t->next = NULL;
	*softirq->end = t;
	softirq->end = &t->next;
}

static bool does_not_run(void *arg)
{
	return !(((const struct tasklet_struct *)arg)->state & TASKLET_STATE_RUN);
}

static bool is_idle(void *arg)
{
	return !((const struct tasklet_struct *)arg)->state;
}

static void wait_until(struct tasklet_struct *t, bool (*is_over)(void *arg), const char *call)
{
	struct p2psim_softirq *softirq = softirq_here();

	if (!softirq)
		return;
	if (softirq->daemon == current)
		p2psim_violate(P2PSIM_DEADLOCK, 0, softirq->obj.id, 0, "%s by a tasklet waits for its own end", call);
	else
		p2psim_step_guarded(P2PSIM_STEP_AWAIT, p2psim_object_id(&softirq->obj), false, call, is_over, t);
}

void tasklet_disable_nosync(struct tasklet_struct *t)
{
	if (write_step("tasklet_disable"))
		t->count.counter++;
}

void(tasklet_disable)(struct tasklet_struct *t)
{
	tasklet_disable_nosync(t);
	wait_until(t, does_not_run, "tasklet_disable()");
}

void tasklet_enable(struct tasklet_struct *t)
{
	if (!write_step("tasklet_enable"))
		return;
	if (t->count.counter)
		t->count.counter--;
	else
		p2psim_violate(P2PSIM_BALANCE, 0, 0, 0, "tasklet_enable() of a tasklet that is not disabled");
}

void(tasklet_kill)(struct tasklet_struct *t)
{
	if (in_interrupt() && !p2psim_softirq_is(current))
		p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "tasklet_kill() in an interrupt handler");
	wait_until(t, is_idle, "tasklet_kill()");
}
