/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/find.h, 6.1 (reduced): searches of bits are in bitops.h. */
#ifndef P2PSIM_LINUX_FIND_H
#define P2PSIM_LINUX_FIND_H
#include <p2psim/linux/bitops.h>
#endif
