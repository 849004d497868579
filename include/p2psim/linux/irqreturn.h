/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/irqreturn.h, 6.1: what interrupt.h has. */
#ifndef P2PSIM_LINUX_IRQRETURN_H
#define P2PSIM_LINUX_IRQRETURN_H
#include <p2psim/linux/interrupt.h>
#endif
