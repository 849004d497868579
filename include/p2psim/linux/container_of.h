/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/container_of.h, 6.1 (reduced): container_of() is in kernel.h. */
#ifndef P2PSIM_LINUX_CONTAINER_OF_H
#define P2PSIM_LINUX_CONTAINER_OF_H
#include <p2psim/linux/kernel.h>
#endif
