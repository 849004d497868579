/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/kdev_t.h, 6.1 (reduced): device numbers.  dev_t stays glibc's; the bits are the kernel's. */
#ifndef P2PSIM_LINUX_KDEV_T_H
#define P2PSIM_LINUX_KDEV_T_H

#include <p2psim/linux/types.h>

/* The uapi's are those of 1995: 8 bits each. */
#undef MAJOR
#undef MINOR
#undef MKDEV
#define MINORBITS 20
#define MINORMASK ((1U << MINORBITS) - 1)
#define MAJOR(dev) ((unsigned int)((dev) >> MINORBITS))
#define MINOR(dev) ((unsigned int)((dev) & MINORMASK))
#define MKDEV(major, minor) (((dev_t)(major) << MINORBITS) | (minor))

#endif
