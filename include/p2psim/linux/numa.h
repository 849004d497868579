/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/numa.h, topology.h, 6.1 (reduced: a machine of one node). */
#ifndef P2PSIM_LINUX_NUMA_H
#define P2PSIM_LINUX_NUMA_H

#define NUMA_NO_NODE (-1)
#define MAX_NUMNODES 1
#define numa_node_id() 0
#define numa_mem_id() 0
#define cpu_to_node(cpu) ((void)(cpu), 0)
#define dev_to_node(dev) ((void)(dev), NUMA_NO_NODE)

#endif
