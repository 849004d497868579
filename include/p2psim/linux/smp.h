/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/smp.h, 6.1 (reduced: what is known of CPUs is in cpumask.h). */
#ifndef P2PSIM_LINUX_SMP_H
#define P2PSIM_LINUX_SMP_H

#include <p2psim/linux/cpumask.h>

#endif
