/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/init.h, 6.1 (reduced): module_init() is in module.h. */
#ifndef P2PSIM_LINUX_INIT_H
#define P2PSIM_LINUX_INIT_H
#include <p2psim/linux/module.h>
#endif
