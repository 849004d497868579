/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/math.h, 6.1 (reduced): DIV_ROUND_UP() is in kernel.h. */
#ifndef P2PSIM_LINUX_MATH_H
#define P2PSIM_LINUX_MATH_H
#include <p2psim/linux/kernel.h>
#endif
