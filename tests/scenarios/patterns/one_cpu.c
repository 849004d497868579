/* SPDX-License-Identifier: MIT */
/*
 * 22: a fault that spins on a locked page, while whoever holds the lock waits for a worker that needs the CPU.
 *
 *	app: migrates		nic0: faults			worker
 *	lock the page
 *	queue the drain
 *	wait for it
 *				is it locked?  again, again
 *								never gets the CPU
 *
 * With preemption, or on another CPU, the worker runs and the spinning ends.
 */
#include "patterns.h"

#include <errno.h>

#include <p2psim/linux/mutex.h>
#include <p2psim/linux/workqueue.h>
#include <p2psim/retry.h>

struct one_cpu {
	struct mutex page;
	struct workqueue_struct *wq;
	struct work_struct drain;
};

static void drains(struct work_struct *work)
{
	(void)work;
}

static int begin(void *state)
{
	struct one_cpu *s = state;

	mutex_init(&s->page);
	INIT_WORK(&s->drain, drains);
	s->wq = alloc_workqueue("worker", 0, 1);
	return s->wq ? 0 : -ENOMEM;
}

static void end(void *state)
{
	destroy_workqueue(((struct one_cpu *)state)->wq);
}

static void app_migrates(void *state)
{
	struct one_cpu *s = state;

	mutex_lock(&s->page);
	queue_work(s->wq, &s->drain);
	flush_work(&s->drain);
	mutex_unlock(&s->page);
}

static bool is_unlocked(void *state)
{
	return !((struct one_cpu *)state)->page.lock.owner;
}

static void nic_sleeps(void *state)
{
	struct one_cpu *s = state;

	mutex_lock(&s->page);
	mutex_unlock(&s->page);
}

static void nic_spins(void *state)
{
	struct one_cpu *s = state;

	while (!mutex_trylock(&s->page))
		p2psim_spin_until(&s->page.lock.obj, is_unlocked, s);
	mutex_unlock(&s->page);
}

#define ONE_CPU(title, ask, faults, alone, verdict, which)                                                             \
	.scenario = { .name = title, .question = ask, .source = "hmm_range_fault() and a locked page", .setup = begin, \
		      .state_size = sizeof(struct one_cpu), .teardown = end, .expect = verdict, .oracle = which,       \
		      .tasks = { { "app", app_migrates }, { "nic0", faults } },                                        \
		      .config = { .nonpreemptive = alone } }

const struct pattern patterns_of_one_cpu[] = {
	{ ONE_CPU("22/fault+drain", "Does a fault that sleeps on the page let the worker run?", nic_sleeps, true,
		  P2PSIM_NEVER, 0), .traces = 2 },
	{ ONE_CPU("22/fault+drain!spins", "And if it spins, on the only CPU?", nic_spins, true, P2PSIM_VIOLATION,
		  P2PSIM_PROGRESS), .preemptions = 0 },
	{ ONE_CPU("22/fault+drain-preempted", "And with preemption?", nic_spins, false, P2PSIM_NEVER, 0), .traces = 9 },
	{},
};
