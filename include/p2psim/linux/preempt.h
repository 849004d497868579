/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/preempt.h, 6.1 (reduced).  Tasks are on CPUs of their own: disabling preemption keeps nobody out, but
 * one must not sleep (LOCKGRAPH).
 */
#ifndef P2PSIM_LINUX_PREEMPT_H
#define P2PSIM_LINUX_PREEMPT_H

#include <p2psim/linux/irqflags.h>
#include <p2psim/lock.h>

#define preempt_disable() p2psim_nonblock_start("a section with preemption disabled")
#define preempt_enable() p2psim_nonblock_end()
/* With a spinlock held, or preemption disabled. */
#define in_atomic() p2psim_in_atomic()

#endif
