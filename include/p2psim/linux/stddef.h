/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/stddef.h, 6.1 (reduced): offsetof() and struct_group() are in kernel.h. */
#ifndef P2PSIM_LINUX_STDDEF_H
#define P2PSIM_LINUX_STDDEF_H
#include <p2psim/linux/kernel.h>
#endif
