/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/log2.h, 6.1 (reduced): ilog2() and powers of two are in bitops.h. */
#ifndef P2PSIM_LINUX_LOG2_H
#define P2PSIM_LINUX_LOG2_H
#include <p2psim/linux/bitops.h>
#endif
