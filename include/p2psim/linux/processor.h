/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/processor.h, asm/processor.h, 6.1 (reduced).  Who spins lets others go on: one step, no preemption. */
#ifndef P2PSIM_LINUX_PROCESSOR_H
#define P2PSIM_LINUX_PROCESSOR_H

#include <p2psim/linux/sched.h>

#ifdef __KERNEL__
#define cpu_relax() (P2PSIM_HERE(), p2psim_yield())
#endif

#endif
