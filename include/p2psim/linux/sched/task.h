/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/sched/task.h, 6.1 (reduced): references of tasks are in sched.h. */
#ifndef P2PSIM_LINUX_SCHED_TASK_H
#define P2PSIM_LINUX_SCHED_TASK_H
#include <p2psim/linux/sched.h>
#endif
