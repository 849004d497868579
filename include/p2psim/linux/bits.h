/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/bits.h, 6.1 (reduced): BIT() and GENMASK() are in bitops.h. */
#ifndef P2PSIM_LINUX_BITS_H
#define P2PSIM_LINUX_BITS_H
#include <p2psim/linux/bitops.h>
#endif
