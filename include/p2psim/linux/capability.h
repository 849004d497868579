/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/capability.h, 6.1 (declared: nobody has or lacks privileges here; linking says what is missing). */
#ifndef P2PSIM_LINUX_CAPABILITY_H
#define P2PSIM_LINUX_CAPABILITY_H

#include <linux/capability.h>
#include <p2psim/linux/types.h>

bool capable(int cap);

#endif
