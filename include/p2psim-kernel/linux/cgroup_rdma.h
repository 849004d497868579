/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/cgroup_rdma.h>
