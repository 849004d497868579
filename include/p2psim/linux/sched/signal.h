/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/sched/signal.h, 6.1 (reduced): fatal_signal_pending() is in sched.h. */
#ifndef P2PSIM_LINUX_SCHED_SIGNAL_H
#define P2PSIM_LINUX_SCHED_SIGNAL_H
#include <p2psim/linux/sched.h>
#endif
