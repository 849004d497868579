/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/rculist.h, 6.1 (reduced): it is in list.h. */
#ifndef P2PSIM_LINUX_RCULIST_H
#define P2PSIM_LINUX_RCULIST_H
#include <p2psim/linux/list.h>
#include <p2psim/linux/rcupdate.h>
#endif
