/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/irqflags.h, 6.1 (reduced: handlers run as tasks, as if on other processors, so that there is nothing
 * to hold off).
 *
 * Whether interrupts are on is remembered for the lock graph: who sleeps with interrupts off, or takes a spinlock with interrupts
 * on that a handler takes, too, makes a LOCKGRAPH violation.
 */
#ifndef P2PSIM_LINUX_IRQFLAGS_H
#define P2PSIM_LINUX_IRQFLAGS_H

#include <p2psim/base.h>

/* Of the current task.  Return: whether they were off. */
P2PSIM_EXPORT unsigned long p2psim_irqs_set(bool off);
P2PSIM_EXPORT bool irqs_disabled(void);

#define local_irq_save(flags) ((void)((flags) = p2psim_irqs_set(true)))
#define local_irq_restore(flags) ((void)p2psim_irqs_set((flags) != 0))
#define local_irq_disable() ((void)p2psim_irqs_set(true))
#define local_irq_enable() ((void)p2psim_irqs_set(false))

#endif
