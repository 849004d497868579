/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/delay.h, 6.1 (reduced): msleep() is in sched.h. */
#ifndef P2PSIM_LINUX_DELAY_H
#define P2PSIM_LINUX_DELAY_H
#include <p2psim/linux/sched.h>
#endif
