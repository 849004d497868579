/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/cgroup_rdma.h, 6.1, of a kernel without CONFIG_CGROUP_RDMA: names alone. */
#ifndef P2PSIM_LINUX_CGROUP_RDMA_H
#define P2PSIM_LINUX_CGROUP_RDMA_H

enum rdmacg_resource_type {
	RDMACG_RESOURCE_HCA_HANDLE,
	RDMACG_RESOURCE_HCA_OBJECT,
	RDMACG_RESOURCE_MAX,
};

#endif
