/* SPDX-License-Identifier: MIT */
/*
 * References of tasks, and the struct pids that stand for them.
 *
 *	thread_pid NULL --get_task_pid--> count 1 --get--> n --put_pid--> 0: freed, thread_pid NULL
 *	                                     |
 *	                              the task exits: pid->task NULL, its holders keep the rest
 *
 * The kernel makes a pid with its task.  Here the first who asks makes it, so that a process whom nobody asks for costs neither
 * memory nor steps; its number is the same whoever is first.  All of it happens in steps on P2PSIM_OBJ_PID, unit: the number.
 */
#include <p2psim/linux/pid.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/sched/task.h>
#include <p2psim/linux/slab.h>

#include "core/internal.h"

static void pid_step(enum p2psim_step_kind kind, int nr, const char *label)
{
	p2psim_step_range(kind, P2PSIM_OBJ_PID, kind == P2PSIM_STEP_WRITE, (uint64_t)nr, (uint64_t)nr, label);
}

struct task_struct *(get_task_struct)(struct task_struct *task)
{
	pid_step(P2PSIM_STEP_WRITE, task->pid, "get_task_struct");
	task->usage++;
	return task;
}

void(put_task_struct)(struct task_struct *task)
{
	pid_step(P2PSIM_STEP_WRITE, task->pid, "put_task_struct");
	if (!task->usage) {
		p2psim_violate(P2PSIM_BALANCE, 0, 0, 0, "put_task_struct() of %s without get_task_struct()", task->comm);
		return;
	}
	if (!--task->usage && task->exited && task->free)
		task->free(task);
}

static struct pid *pid_of(struct task_struct *task)
{
	struct pid *pid = task->thread_pid;

	if (pid)
		return pid;
	pid = (kzalloc)(sizeof(*pid), GFP_ATOMIC | __GFP_NOFAIL);
	if (!pid)
		return NULL;
	pid->nr = task->pid;
	pid->task = task->exited ? NULL : task;
	if (pid->task)
		task->thread_pid = pid;
	return pid;
}

struct pid *(get_task_pid)(struct task_struct *task, enum pid_type type)
{
	struct pid *pid;

	if (type == PIDTYPE_TGID)
		task = task->group_leader;
	pid_step(P2PSIM_STEP_WRITE, task->pid, "get_task_pid");
	pid = pid_of(task);
	if (pid)
		pid->count++;
	return pid;
}

struct task_struct *(get_pid_task)(struct pid *pid, enum pid_type type)
{
	if (!pid)
		return NULL;
	(void)type; /* of a pid there is one task, whichever way it was asked for */
	pid_step(P2PSIM_STEP_WRITE, pid->nr, "get_pid_task");
	if (pid->task)
		pid->task->usage++;
	return pid->task;
}

struct pid *(get_pid)(struct pid *pid)
{
	if (!pid)
		return NULL;
	pid_step(P2PSIM_STEP_WRITE, pid->nr, "get_pid");
	if (!pid->count)
		p2psim_violate(P2PSIM_UAF, 0, 0, 0, "get_pid() of a pid whose last reference was dropped");
	pid->count++;
	return pid;
}

void(put_pid)(struct pid *pid)
{
	if (!pid)
		return;
	pid_step(P2PSIM_STEP_WRITE, pid->nr, "put_pid");
	if (--pid->count)
		return;
	if (pid->task)
		pid->task->thread_pid = NULL;
	(kfree)(pid);
}

bool pid_alive(const struct task_struct *task)
{
	pid_step(P2PSIM_STEP_READ, task->pid, "pid_alive");
	return !task->exited;
}

/* Until its task has let go of it, others cannot drop the last user. */
struct mm_struct *(get_task_mm)(struct task_struct *task)
{
	pid_step(P2PSIM_STEP_WRITE, task->pid, "get_task_mm");
	if (task->mm)
		task->mm->mm_users.counter++;
	return task->mm;
}

void p2psim_pid_exit_mm(struct task_struct *task)
{
	if (task->thread_pid || task->usage)
		pid_step(P2PSIM_STEP_WRITE, task->pid, "exit: mm");
	task->mm = NULL;
}

void p2psim_pid_exit(struct task_struct *task)
{
	if (task->thread_pid || task->usage)
		pid_step(P2PSIM_STEP_WRITE, task->pid, "exit");
	if (task->thread_pid)
		task->thread_pid->task = NULL;
	task->thread_pid = NULL;
	task->exited = true;
	if (!task->usage && task->free)
		task->free(task);
}
