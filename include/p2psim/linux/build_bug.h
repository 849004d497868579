/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/build_bug.h, 6.1 (reduced): BUILD_BUG_ON() is in kernel.h. */
#ifndef P2PSIM_LINUX_BUILD_BUG_H
#define P2PSIM_LINUX_BUILD_BUG_H
#include <p2psim/linux/kernel.h>
#endif
