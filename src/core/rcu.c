/* SPDX-License-Identifier: MIT */
/*
 * SRCU, and RCU as one of its domains.
 *
 * Readers count themselves in readers[idx].  A grace period waits until readers[idx ^ 1] is empty, flips idx, and waits
 * until the readers of the old side are gone: those are all that began before the flip.  Callbacks run in the daemon
 * task "srcu", one grace period a batch, when the scheduler lets it.
 */
#include <errno.h>

#include <p2psim/linux/kthread.h>
#include <p2psim/linux/rcupdate.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/srcu.h>

#include "core/internal.h"

int __init_srcu_struct(struct srcu_struct *srcu, const char *name)
{
	*srcu = (struct srcu_struct){};
	p2psim_object_init(&srcu->obj, name);
	return 0;
}

static uint32_t srcu_id(struct srcu_struct *srcu)
{
	return p2psim_object_id(&srcu->obj);
}

void cleanup_srcu_struct(struct srcu_struct *srcu)
{
	struct srcu_struct **link;

	if (srcu->readers[0] || srcu->readers[1])
		p2psim_violate(P2PSIM_BALANCE, 0, srcu->obj.id, 0, "%s is cleaned up with a reader inside", srcu->obj.name);
	if (srcu->done != srcu->queued)
		p2psim_violate(P2PSIM_BALANCE, 0, srcu->obj.id, 0, "%s is cleaned up with callbacks to run",
			       srcu->obj.name);
	for (link = &p2psim_world_here()->rcu.pending; *link; link = &(*link)->next) {
		if (*link == srcu) {
			*link = srcu->next;
			return;
		}
	}
}

int(srcu_read_lock)(struct srcu_struct *srcu)
{
	int idx;

	p2psim_step_on(P2PSIM_STEP_GRACE, srcu_id(srcu), true, "srcu_read_lock");
	idx = (int)srcu->idx;
	srcu->readers[idx]++;
	return idx;
}

void(srcu_read_unlock)(struct srcu_struct *srcu, int idx)
{
	if (!srcu->readers[idx]) {
		p2psim_violate(P2PSIM_BALANCE, 0, srcu_id(srcu), 0, "%s is left by a reader who is not inside",
			       srcu->obj.name);
		return;
	}
	p2psim_step_on(P2PSIM_STEP_GRACE, srcu_id(srcu), true, "srcu_read_unlock");
	srcu->readers[idx]--;
}

static bool other_side_is_empty(void *arg)
{
	const struct srcu_struct *srcu = arg;

	return !srcu->readers[srcu->idx ^ 1];
}

static void grace_period(struct srcu_struct *srcu)
{
	uint32_t id = srcu_id(srcu);

	p2psim_step_guarded(P2PSIM_STEP_GRACE, id, true, "grace period: begin", other_side_is_empty, srcu);
	srcu->idx ^= 1;
	p2psim_step_guarded(P2PSIM_STEP_GRACE, id, true, "grace period: end", other_side_is_empty, srcu);
}

void(synchronize_srcu)(struct srcu_struct *srcu)
{
	if (p2psim_world_missing("synchronize_srcu"))
		return;
	(might_sleep)();
	grace_period(srcu);
}

/* The offset of the head (kfree_rcu()) or a function. */
static void run_callback(struct callback_head *head)
{
	uintptr_t offset = (uintptr_t)head->func;

	if (offset < 4096)
		(kfree)((char *)head - offset);
	else
		head->func(head);
}

static bool has_pending(void *arg)
{
	return ((struct p2psim_rcu_state *)arg)->pending != NULL;
}

static int srcu_thread(void *data)
{
	struct p2psim_rcu_state *rcu = data;

	for (;;) {
		struct callback_head *batch, *next;
		struct srcu_struct *srcu;

		p2psim_step_guarded(P2PSIM_STEP_AWAIT, p2psim_object_id(&rcu->wake), false, "callbacks", has_pending, rcu);
		srcu = rcu->pending;
		if (!srcu)
			return 0; /* the execution has ended */
		rcu->pending = srcu->next;
		batch = srcu->callbacks;
		srcu->callbacks = NULL;
		srcu->callbacks_tail = NULL;
		grace_period(srcu);
		for (; batch; batch = next) {
			next = batch->next;
			run_callback(batch);
			srcu->done++;
			p2psim_race_publish(p2psim_world_here(), srcu_id(srcu));
		}
	}
}

/* What changes when there is a callback more. */
static uint32_t callbacks_id(struct p2psim_world *world)
{
	world->rcu.wake.name = "srcu callbacks";
	return p2psim_object_id(&world->rcu.wake);
}

static void start_daemon(struct p2psim_world *world)
{
	struct p2psim_rcu_state *rcu = &world->rcu;
	uint64_t fail_at = world->arena.fail_at;

	if (rcu->daemon)
		return;
	callbacks_id(world);
	world->arena.fail_at = 0; /* the kernel has its RCU threads from boot on */
	rcu->daemon = kthread_run(srcu_thread, rcu, "srcu");
	world->arena.fail_at = fail_at;
	if (IS_ERR(rcu->daemon)) {
		rcu->daemon = NULL;
		p2psim_violate(P2PSIM_LEAK, 0, 0, 0, "too many tasks: nobody runs the SRCU callbacks");
		return;
	}
	p2psim_task_set_daemon(rcu->daemon);
}

void call_srcu(struct srcu_struct *srcu, struct callback_head *head, void (*func)(struct callback_head *head))
{
	struct p2psim_world *world = p2psim_world_here();
	struct srcu_struct **link = &world->rcu.pending;

	if (p2psim_world_missing("call_srcu"))
		return;
	start_daemon(world);
	p2psim_step_two(P2PSIM_STEP_GRACE, srcu_id(srcu), callbacks_id(world), true, "call_srcu");
	head->next = NULL;
	head->func = func;
	srcu->queued++;
	if (srcu->callbacks) {
		*srcu->callbacks_tail = head;
	} else {
		srcu->callbacks = head;
		srcu->next = NULL;
		while (*link)
			link = &(*link)->next;
		*link = srcu;
	}
	srcu->callbacks_tail = &head->next;
}

struct barrier {
	struct srcu_struct *srcu;
	unsigned int until;
};

static bool all_have_run(void *arg)
{
	const struct barrier *barrier = arg;

	return (int)(barrier->srcu->done - barrier->until) >= 0;
}

void(srcu_barrier)(struct srcu_struct *srcu)
{
	struct barrier barrier = { srcu, 0 };

	if (p2psim_world_missing("srcu_barrier"))
		return;
	(might_sleep)();
	p2psim_step_on(P2PSIM_STEP_READ, callbacks_id(p2psim_world_here()), false, "srcu_barrier: look");
	barrier.until = srcu->queued; /* what comes later is not waited for */
	p2psim_step_guarded(P2PSIM_STEP_GRACE, srcu_id(srcu), false, "srcu_barrier", all_have_run, &barrier);
}

static struct srcu_struct *rcu_domain(void)
{
	struct p2psim_world *world = p2psim_world_here();

	if (!world->rcu.srcu) {
		world->rcu.srcu = p2psim_arena_alloc(sizeof(*world->rcu.srcu));
		if (world->rcu.srcu)
			__init_srcu_struct(world->rcu.srcu, "rcu");
	}
	return world->rcu.srcu;
}

void(rcu_read_lock)(void)
{
	struct p2psim_task *task = p2psim_task_here();

	/* A nested read side is no event: the outer one holds the grace period. */
	if (!task->rcu_depth++)
		task->rcu_idx = (srcu_read_lock)(rcu_domain());
}

void(rcu_read_unlock)(void)
{
	struct p2psim_task *task = p2psim_task_here();
	struct srcu_struct *rcu = rcu_domain();

	if (!task->rcu_depth) {
		p2psim_violate(P2PSIM_BALANCE, 0, rcu->obj.id, 0, "rcu_read_unlock() without rcu_read_lock()");
		return;
	}
	if (!--task->rcu_depth)
		(srcu_read_unlock)(rcu, task->rcu_idx);
}

void(synchronize_rcu)(void)
{
	if (p2psim_world_missing("synchronize_rcu"))
		return;
	(might_sleep)();
	grace_period(rcu_domain());
}

void call_rcu(struct callback_head *head, void (*func)(struct callback_head *head))
{
	if (!p2psim_world_missing("call_rcu"))
		call_srcu(rcu_domain(), head, func);
}

void(rcu_barrier)(void)
{
	(srcu_barrier)(rcu_domain());
}
