/* SPDX-License-Identifier: MIT */
/*
 * Tasks: kernel threads as coroutines under a deterministic scheduler.
 *
 * Task 0 is whoever entered the world.  Others come from kthread_run() or a scenario.  A task that is created runs at
 * once up to its first step and waits there.  Outside a run task 0 keeps going until it would block: the order of the
 * lines is the interleaving.  The calls here hand the processor to others on purpose.
 */
#ifndef P2PSIM_TASK_H
#define P2PSIM_TASK_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

/* At most this many tasks live at once in a world, task 0 and workers included. */
#define P2PSIM_TASKS_MAX 64

/* A task that runs fn(arg); `name` is copied.  -EAGAIN as NULL when P2PSIM_TASKS_MAX live; NULL when out of memory. */
P2PSIM_EXPORT struct task_struct *p2psim_task_spawn(const char *name, void (*fn)(void *arg), void *arg);
/* A daemon may still wait when everybody else is done: no deadlock. */
P2PSIM_EXPORT void p2psim_task_set_daemon(struct task_struct *task);
P2PSIM_EXPORT bool p2psim_task_done(const struct task_struct *task);
P2PSIM_EXPORT const char *p2psim_task_name(const struct task_struct *task);
/* Index among the live tasks, by creation; task 0 is 0. */
P2PSIM_EXPORT unsigned int p2psim_task_index(const struct task_struct *task);

/*
 * Runs all other tasks until every non-daemon is done and no daemon can go on.
 * Returns 0, or -EDEADLK / -ECANCELED when a violation ended the run (p2psim_world_violation() says which).
 * Context: task 0 only.
 */
P2PSIM_EXPORT int p2psim_run(void);

/*
 * A directed stop: runs `task` alone, others only while it is blocked, until it stands right before a step labelled
 * `label`.  NULL: until it is done.  0, -ENOENT when it ended without coming there, or as p2psim_run().
 * Context: task 0 only.
 */
P2PSIM_EXPORT int p2psim_run_until(struct task_struct *task, const char *label);
/* Runs `task` alone, nobody else, until it is done or blocked (-EAGAIN then). */
P2PSIM_EXPORT int p2psim_run_alone(struct task_struct *task);

/*
 * A fatal signal: wakes killable and interruptible sleeps of the task, which then return -EINTR.  One step.  Asking for it
 * (fatal_signal_pending()) is none: who asks has seen what was so at his step before, and exploration by traces does not try
 * both answers for a step that has nothing to do with sleeping.
 */
P2PSIM_EXPORT void p2psim_task_kill(struct task_struct *task);

P2PSIM_END_DECLS

#endif
