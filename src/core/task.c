/* SPDX-License-Identifier: MIT */
/*
 * Tasks and kthreads: made, stopped, ended.  Who runs when is sched.c.
 *
 * Slots are used in order of creation and not reused within an execution, except those of kthreads that somebody reaped
 * with kthread_stop(); stacks are kept with their slot for all executions.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p2psim/linux/kthread.h>
#include <p2psim/linux/sched/mm.h>

#include "core/internal.h"

#define STACK_BYTES (256u << 10)

static void task_clear(struct p2psim_task *task, const char *name)
{
	struct p2psim_context context = task->context;
	struct p2psim_world *world = task->world;
	uint32_t objects = task->objects;
	int pid = task->ts.pid;

	memset(task, 0, offsetof(struct p2psim_task, held));
	task->context = context;
	task->world = world;
	task->objects = objects;
	task->ts.pid = pid;
	task->ts.group_leader = &task->ts;
	memcpy(task->ts.comm, name, strnlen(name, sizeof(task->ts.comm) - 1));
	task->state = P2PSIM_TASK_LIVE;
}

/* A slot for a task: a reaped one or the next; NULL with all in use or no memory for its stack. */
struct p2psim_task *p2psim_task_alloc(struct p2psim_world *world, const char *name)
{
	struct p2psim_task *task;
	unsigned int slot;

	for (slot = 1; slot < world->task_count; slot++)
		if (world->tasks[slot]->state == P2PSIM_TASK_UNUSED && !world->tasks[slot]->ts.usage)
			break;
	if (slot >= P2PSIM_TASKS_MAX)
		return NULL;
	if (!world->task_count)
		slot = 0;
	if (!world->tasks[slot]) {
		task = calloc(1, sizeof(*task));
		if (!task)
			return NULL;
		if (slot && p2psim_context_create(&task->context, STACK_BYTES)) {
			free(task);
			return NULL;
		}
		task->world = world;
		task->ts.pid = (int)slot;
		world->tasks[slot] = task;
	}
	if (slot == world->task_count)
		world->task_count++;
	task = world->tasks[slot];
	task_clear(task, name);
	return task;
}

void p2psim_tasks_reset(struct p2psim_world *world)
{
	unsigned int i;

	for (i = 0; i < P2PSIM_TASKS_MAX && world->tasks[i]; i++) {
		world->tasks[i]->state = P2PSIM_TASK_UNUSED;
		world->tasks[i]->objects = 0;
	}
	world->task_count = 1;
	world->live = 0;
	task_clear(world->main, "main");
	world->hot.task = &world->main->ts;
}

void p2psim_tasks_destroy(struct p2psim_world *world)
{
	unsigned int i;

	for (i = 0; i < P2PSIM_TASKS_MAX; i++) {
		if (!world->tasks[i])
			continue;
		if (i)
			p2psim_context_destroy(&world->tasks[i]->context);
		free(world->tasks[i]);
	}
}

static void report_held(struct p2psim_task *task)
{
	const struct p2psim_site *site = task->held[0].site;

	if (task->held_count)
		p2psim_violate(P2PSIM_BALANCE, 0, 0, 0, "%s ends with %u lock(s) held, the first taken in %s() line %d",
			       task->ts.comm, task->held_count, site ? site->func : "?", site ? site->line : 0);
}

/* The bottom of every task's stack. */
static void task_main(void *arg)
{
	struct p2psim_task *task = arg;
	struct p2psim_world *world = task->world;

	p2psim_context_entered(&task->context);
	if (task->threadfn)
		task->exit_code = task->threadfn(task->arg);
	else
		task->fn(task->arg);
	report_held(task);
	p2psim_pid_exit(&task->ts);
	p2psim_race_publish(world, P2PSIM_RACE_END(&task->ts));
	task->state = P2PSIM_TASK_DONE;
	world->live &= ~(1ull << task->ts.pid);
	p2psim_switch_to(world, NULL);
}

/* Lets a new task run up to its first step, then comes back to its creator. */
static void task_begin(struct p2psim_world *world, struct p2psim_task *task)
{
	struct p2psim_task *starting = world->starting, *starter = world->starter;
	uint32_t stop = world->hot.busy & P2PSIM_BUSY_STOP;

	world->live |= 1ull << task->ts.pid;
	p2psim_context_start(&task->context, task_main, task);
	if (world->ended)
		return;
	if (world->hot.busy & P2PSIM_BUSY_RACE)
		p2psim_race_task_begins(world, task);
	world->starting = task;
	world->starter = p2psim_task_here();
	world->hot.busy |= P2PSIM_BUSY_STOP;
	p2psim_switch_to(world, task);
	if (!stop)
		world->hot.busy &= ~(uint32_t)P2PSIM_BUSY_STOP;
	world->starting = starting;
	world->starter = starter;
}

struct task_struct *p2psim_task_spawn(const char *name, void (*fn)(void *arg), void *arg)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_task *task;

	if (p2psim_world_missing("p2psim_task_spawn"))
		return NULL;
	task = p2psim_task_alloc(world, name);
	if (!task)
		return NULL;
	task->fn = fn;
	task->arg = arg;
	task_begin(world, task);
	return &task->ts;
}

struct task_struct *kthread_run(int (*fn)(void *data), void *data, const char *fmt, ...)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_task *task;
	char name[sizeof(task->ts.comm)];
	va_list args;

	if (p2psim_world_missing("kthread_run"))
		return ERR_PTR(-EINVAL);
	if (p2psim_inject_here(world))
		return ERR_PTR(-ENOMEM);
	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	task = p2psim_task_alloc(world, name);
	if (!task)
		return ERR_PTR(-EAGAIN);
	task->threadfn = fn;
	task->arg = data;
	task_begin(world, task);
	return &task->ts;
}

static bool is_done(void *arg)
{
	return ((struct p2psim_task *)arg)->state == P2PSIM_TASK_DONE;
}

int(kthread_stop)(struct task_struct *ts)
{
	struct p2psim_task *task = p2psim_task_of(ts);

	if (task->state == P2PSIM_TASK_UNUSED || task->should_stop) {
		p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "kthread_stop() of a thread that was stopped before");
		return -EINVAL;
	}
	p2psim_step_on(P2PSIM_STEP_WRITE, P2PSIM_TASK_ID(ts), true, "kthread_stop");
	task->should_stop = true;
	p2psim_race_publish(task->world, P2PSIM_RACE_WOKEN(ts));
	task->ts.__state = TASK_RUNNING;
	p2psim_step_guarded(P2PSIM_STEP_AWAIT, 0, false, "kthread_stop: the end", is_done, task);
	p2psim_race_join(task->world, P2PSIM_RACE_END(ts));
	if (is_done(task))
		task->state = P2PSIM_TASK_UNUSED;
	return task->exit_code;
}

bool(kthread_should_stop)(void)
{
	if (p2psim_world_missing("kthread_should_stop"))
		return true;
	p2psim_step_on(P2PSIM_STEP_READ, P2PSIM_TASK_ID(current), false, "kthread_should_stop");
	if (p2psim_task_here()->should_stop)
		p2psim_race_join(p2psim_world_here(), P2PSIM_RACE_WOKEN(current));
	return p2psim_task_here()->should_stop || p2psim_world_here()->ended;
}

void kthread_use_mm(struct mm_struct *mm)
{
	struct p2psim_task *task = p2psim_task_here();

	task->saved_mm = task->ts.mm;
	mmgrab(mm);
	task->ts.mm = mm;
}

void kthread_unuse_mm(struct mm_struct *mm)
{
	struct p2psim_task *task = p2psim_task_here();

	task->ts.mm = task->saved_mm;
	mmdrop(mm);
}

void p2psim_task_set_daemon(struct task_struct *task)
{
	p2psim_task_of(task)->daemon = true;
}

bool p2psim_task_done(const struct task_struct *task)
{
	return p2psim_task_of(task)->state != P2PSIM_TASK_LIVE;
}

const char *p2psim_task_name(const struct task_struct *task)
{
	return task->comm;
}

unsigned int p2psim_task_index(const struct task_struct *task)
{
	return (unsigned int)task->pid;
}

unsigned int p2psim_world_task_count(const struct p2psim_world *world)
{
	return world->task_count;
}

const char *p2psim_world_task_name(const struct p2psim_world *world, unsigned int index)
{
	return index < world->task_count ? world->tasks[index]->ts.comm : "?";
}

void p2psim_task_kill(struct task_struct *ts)
{
	struct p2psim_task *task = p2psim_task_of(ts);

	p2psim_step_on(P2PSIM_STEP_WRITE, P2PSIM_TASK_ID(ts), true, "kill");
	task->killed = true;
	if (ts->__state & (TASK_WAKEKILL | TASK_INTERRUPTIBLE))
		ts->__state = TASK_RUNNING;
}

bool fatal_signal_pending(struct task_struct *task)
{
	return !task->free && p2psim_task_of(task)->killed;
}
