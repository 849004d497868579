/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/kref.h, 6.1 (reduced): struct kref is in refcount.h. */
#ifndef P2PSIM_LINUX_KREF_H
#define P2PSIM_LINUX_KREF_H
#include <p2psim/linux/refcount.h>
#endif
