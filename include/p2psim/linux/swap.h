/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/swap.h, 6.1 (reduced): what drivers use of it is in mm.h. */
#ifndef P2PSIM_LINUX_SWAP_H
#define P2PSIM_LINUX_SWAP_H
#include <p2psim/linux/mm.h>
#endif
