/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/delay.h, 6.1 (reduced; msleep() is in sched.h).  The clock counts milliseconds: shorter delays are
 * points at which others go on.
 */
#ifndef P2PSIM_LINUX_DELAY_H
#define P2PSIM_LINUX_DELAY_H

#include <p2psim/linux/sched.h>

#define udelay(us) ((void)(us), p2psim_step("udelay"))
#define ndelay(ns) ((void)(ns), p2psim_step("ndelay"))
#define usleep_range(min, max) ((void)(max), msleep((unsigned int)usecs_to_jiffies(min)))
#define fsleep(us) usleep_range((us), (us))

#endif
