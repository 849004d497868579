/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/compiler.h, 6.1 (reduced): likely(), READ_ONCE() and their kin is in kernel.h. */
#ifndef P2PSIM_LINUX_COMPILER_H
#define P2PSIM_LINUX_COMPILER_H
#include <p2psim/linux/kernel.h>
#endif
