/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/irqflags.h, 6.1 (reduced: a task is interrupted at steps only, by other tasks, which are on other CPUs;
 * there is nothing to disable).
 */
#ifndef P2PSIM_LINUX_IRQFLAGS_H
#define P2PSIM_LINUX_IRQFLAGS_H

#define local_irq_save(flags) ((void)((flags) = 0))
#define local_irq_restore(flags) ((void)(flags))
#define local_irq_disable() ((void)0)
#define local_irq_enable() ((void)0)
#define irqs_disabled() false

#endif
