/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/minmax.h, 6.1 (reduced): min(), max() and their kin are in kernel.h. */
#ifndef P2PSIM_LINUX_MINMAX_H
#define P2PSIM_LINUX_MINMAX_H
#include <p2psim/linux/kernel.h>
#endif
