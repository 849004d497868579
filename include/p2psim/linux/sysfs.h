/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/sysfs.h, 6.1 (declared in kobject.h: there is no sysfs). */
#ifndef P2PSIM_LINUX_SYSFS_H
#define P2PSIM_LINUX_SYSFS_H
#include <p2psim/linux/kobject.h>
#endif
