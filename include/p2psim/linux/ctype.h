/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/ctype.h, 6.1 (of ASCII, as C's own in the C locale). */
#ifndef P2PSIM_LINUX_CTYPE_H
#define P2PSIM_LINUX_CTYPE_H

#include <ctype.h>

#endif
