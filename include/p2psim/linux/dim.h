/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/dim.h, 6.1 (names alone: nothing here moderates interrupts). */
#ifndef P2PSIM_LINUX_DIM_H
#define P2PSIM_LINUX_DIM_H

struct dim;

#endif
