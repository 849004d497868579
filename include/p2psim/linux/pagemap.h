/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/pagemap.h, 6.1 (reduced): page locks and alike are in mm.h. */
#ifndef P2PSIM_LINUX_PAGEMAP_H
#define P2PSIM_LINUX_PAGEMAP_H
#include <p2psim/linux/mm.h>
#endif
