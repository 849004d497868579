/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/sched/mm.h, 6.1 (reduced).
 * mm_users keeps the address space, mm_count the struct.  The last mmput() runs exit_mmap() in the caller's context.
 */
#ifndef P2PSIM_LINUX_SCHED_MM_H
#define P2PSIM_LINUX_SCHED_MM_H

#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/sched.h>

P2PSIM_EXPORT void mmgrab(struct mm_struct *mm);
P2PSIM_EXPORT void mmdrop(struct mm_struct *mm);
P2PSIM_EXPORT void mmget(struct mm_struct *mm);
/* False when the address space is going or gone. */
P2PSIM_EXPORT bool mmget_not_zero(struct mm_struct *mm);
/* The task's, with a reference; NULL: it has none, or exits.  Of a process, too (<p2psim/linux/pid.h>). */
P2PSIM_EXPORT struct mm_struct *get_task_mm(struct task_struct *task);
#define get_task_mm(task) (P2PSIM_HERE(), get_task_mm(task))
/* Declared: no allocation here frees memory first. */
unsigned int memalloc_noreclaim_save(void);
void memalloc_noreclaim_restore(unsigned int flags);
/* Context: may sleep; with no lock that a notifier callback takes. */
P2PSIM_EXPORT void mmput(struct mm_struct *mm);
/* As mmput(), the end of the address space being left to a worker. */
P2PSIM_EXPORT void mmput_async(struct mm_struct *mm);

#endif
