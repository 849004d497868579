/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/pid.h, sched.h, 6.1 (reduced: one namespace, no process groups, no sessions, no look-up by number).
 *
 * A struct pid stands for a task or a process without keeping it: get_pid_task() says NULL once that has exited.  A process
 * (<p2psim/process.h>) has a task_struct that never runs, the group_leader of whoever makes a system call for it; its mm is
 * gone when get_pid_task() begins to say NULL, or a little before: whoever wants that needs mmget_not_zero() as well.
 * A pid is memory of kmalloc(), from the first get_task_pid() to the last put_pid(): one that is not given back is a LEAK
 * named by that line.  Each call is one step.
 */
#ifndef P2PSIM_LINUX_PID_H
#define P2PSIM_LINUX_PID_H

#include <p2psim/linux/sched.h>

enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_TGID,			/* the task's process; a kernel thread is its own */
};

struct pid {
	int count;
	int nr;
	struct task_struct *task;	/* NULL: it has exited */
};

/* With a reference.  Never NULL (the allocation cannot fail). */
P2PSIM_EXPORT struct pid *get_task_pid(struct task_struct *task, enum pid_type type);
/* With a reference of the task (put_task_struct()), or NULL: it has exited.  Of NULL: NULL. */
P2PSIM_EXPORT struct task_struct *get_pid_task(struct pid *pid, enum pid_type type);
/* NULL is allowed. */
P2PSIM_EXPORT struct pid *get_pid(struct pid *pid);
P2PSIM_EXPORT void put_pid(struct pid *pid);
#define get_task_pid(task, type) (P2PSIM_HERE(), get_task_pid((task), (type)))
#define get_pid_task(pid, type) (P2PSIM_HERE(), get_pid_task((pid), (type)))
#define get_pid(pid) (P2PSIM_HERE(), get_pid(pid))
#define put_pid(pid) (P2PSIM_HERE(), put_pid(pid))

/* Numbers: of tasks their index, of processes something above P2PSIM_TASKS_MAX. */
static inline int pid_nr(const struct pid *pid)
{
	return pid ? pid->nr : 0;
}
#define pid_vnr(pid) pid_nr(pid)

static inline int task_pid_nr(const struct task_struct *task)
{
	return task->pid;
}

static inline int task_tgid_nr(const struct task_struct *task)
{
	return task->group_leader->pid;
}
#define task_pid_vnr(task) task_pid_nr(task)
#define task_tgid_vnr(task) task_tgid_nr(task)

/* Has the task not exited?  One that stands for a process: until p2psim_process_exit(). */
P2PSIM_EXPORT bool pid_alive(const struct task_struct *task);

#endif
