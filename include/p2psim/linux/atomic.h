/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/atomic.h, 6.1 (reduced): atomic_t and its operations is in refcount.h. */
#ifndef P2PSIM_LINUX_ATOMIC_H
#define P2PSIM_LINUX_ATOMIC_H
#include <p2psim/linux/refcount.h>
#endif
