/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/percpu-refcount.h, 6.1 (reduced): the counter of a pagemap is in memremap.h. */
#ifndef P2PSIM_LINUX_PERCPU_REFCOUNT_H
#define P2PSIM_LINUX_PERCPU_REFCOUNT_H
#include <p2psim/linux/memremap.h>
#endif
