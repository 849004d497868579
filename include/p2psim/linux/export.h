/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/export.h, 6.1 (reduced): EXPORT_SYMBOL() is in module.h. */
#ifndef P2PSIM_LINUX_EXPORT_H
#define P2PSIM_LINUX_EXPORT_H
#include <p2psim/linux/module.h>
#endif
