/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/align.h, 6.1 (reduced): ALIGN() and its kin is in kernel.h. */
#ifndef P2PSIM_LINUX_ALIGN_H
#define P2PSIM_LINUX_ALIGN_H
#include <p2psim/linux/kernel.h>
#endif
