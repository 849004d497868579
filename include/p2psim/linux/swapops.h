/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/swapops.h, 6.1 (reduced): predicates of entries that are not present are in pgtable.h. */
#ifndef P2PSIM_LINUX_SWAPOPS_H
#define P2PSIM_LINUX_SWAPOPS_H
#include <p2psim/linux/pgtable.h>
#endif
