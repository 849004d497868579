/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/jiffies.h, 6.1 (reduced): jiffies, and how times compare, is in sched.h. */
#ifndef P2PSIM_LINUX_JIFFIES_H
#define P2PSIM_LINUX_JIFFIES_H
#include <p2psim/linux/sched.h>
#endif
