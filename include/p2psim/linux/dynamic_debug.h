/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/dynamic_debug.h, 6.1, as without CONFIG_DYNAMIC_DEBUG: pr_debug() and dev_dbg() are all there is. */
#ifndef P2PSIM_LINUX_DYNAMIC_DEBUG_H
#define P2PSIM_LINUX_DYNAMIC_DEBUG_H

#include <p2psim/linux/printk.h>

#endif
