/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/if_ether.h, 6.1 (reduced): the wire's formats are the uapi's. */
#ifndef P2PSIM_LINUX_IF_ETHER_H
#define P2PSIM_LINUX_IF_ETHER_H

#include <linux/if_ether.h>

#endif
