/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/bitops.h, 6.1 (reduced): BIT() is in kernel.h. */
#ifndef P2PSIM_LINUX_BITOPS_H
#define P2PSIM_LINUX_BITOPS_H
#include <p2psim/linux/kernel.h>
#endif
