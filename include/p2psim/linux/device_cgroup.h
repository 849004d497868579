/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/device_cgroup.h, 6.1 (reduced: there are no control groups, everybody may open every device). */
#ifndef P2PSIM_LINUX_DEVICE_CGROUP_H
#define P2PSIM_LINUX_DEVICE_CGROUP_H

#include <p2psim/linux/types.h>

#define DEVCG_ACC_MKNOD 1
#define DEVCG_ACC_READ 2
#define DEVCG_ACC_WRITE 4
#define DEVCG_DEV_BLOCK 1
#define DEVCG_DEV_CHAR 2

/* 0: it may. */
static inline int devcgroup_check_permission(short type, u32 major, u32 minor, short access)
{
	(void)type, (void)major, (void)minor, (void)access;
	return 0;
}

#endif
