/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/mmzone.h, 6.1 (reduced): what drivers use of zones is in mm.h. */
#ifndef P2PSIM_LINUX_MMZONE_H
#define P2PSIM_LINUX_MMZONE_H
#include <p2psim/linux/mm.h>

/* One more than the largest order of pages in a row. */
#define MAX_ORDER 11

#endif
