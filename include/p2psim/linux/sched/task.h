/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/sched/task.h, 6.1 (reduced).  A reference keeps the struct, not the task: a kthread's slot is not used
 * again, a process's memory not freed, before it is given back.  Each call is one step.
 */
#ifndef P2PSIM_LINUX_SCHED_TASK_H
#define P2PSIM_LINUX_SCHED_TASK_H

#include <p2psim/linux/sched.h>

/* Returns the task. */
P2PSIM_EXPORT struct task_struct *get_task_struct(struct task_struct *task);
/* BALANCE when there is no reference. */
P2PSIM_EXPORT void put_task_struct(struct task_struct *task);
#define get_task_struct(task) (P2PSIM_HERE(), get_task_struct(task))
#define put_task_struct(task) (P2PSIM_HERE(), put_task_struct(task))

#endif
