/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/bug.h, 6.1 (reduced): WARN_ON() and its kin are in kernel.h. */
#ifndef P2PSIM_LINUX_BUG_H
#define P2PSIM_LINUX_BUG_H
#include <p2psim/linux/kernel.h>
#endif
