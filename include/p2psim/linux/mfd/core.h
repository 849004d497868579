/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/mfd/core.h, 6.1 (declared: devices have one function; linking names what is asked for). */
#ifndef P2PSIM_LINUX_MFD_CORE_H
#define P2PSIM_LINUX_MFD_CORE_H

struct mfd_cell;

#endif
