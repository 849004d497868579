/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/gfp.h, 6.1 (reduced). */
#ifndef P2PSIM_LINUX_GFP_H
#define P2PSIM_LINUX_GFP_H
#include <p2psim/linux/slab.h>
#endif
