/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/kthread.h, 6.1 (reduced).  A new thread runs at once up to its first step. */
#ifndef P2PSIM_LINUX_KTHREAD_H
#define P2PSIM_LINUX_KTHREAD_H

#include <p2psim/linux/err.h>
#include <p2psim/linux/sched.h>

/* ERR_PTR(-EAGAIN) when P2PSIM_TASKS_MAX live, ERR_PTR(-ENOMEM). */
P2PSIM_EXPORT struct task_struct *kthread_run(int (*fn)(void *data), void *data, const char *fmt, ...)
	P2PSIM_PRINTF(3, 4);
/* Asks the thread to stop, waits for its end, returns what it returned.  At most once per thread. */
P2PSIM_EXPORT int kthread_stop(struct task_struct *task);
P2PSIM_EXPORT bool kthread_should_stop(void);
#define kthread_stop(t) (P2PSIM_HERE(), kthread_stop(t))
#define kthread_should_stop() (P2PSIM_HERE(), kthread_should_stop())

/* The calling thread acts in the address space of `mm`.  The caller holds a reference (mmget). */
P2PSIM_EXPORT void kthread_use_mm(struct mm_struct *mm);
P2PSIM_EXPORT void kthread_unuse_mm(struct mm_struct *mm);

#endif
