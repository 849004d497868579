/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/topology.h, 6.1 (reduced): a machine of one node is in numa.h. */
#ifndef P2PSIM_LINUX_TOPOLOGY_H
#define P2PSIM_LINUX_TOPOLOGY_H
#include <p2psim/linux/numa.h>
#endif
