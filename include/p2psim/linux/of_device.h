/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/of_device.h, 6.1 (declared: there is no device tree; linking names what is asked for). */
#ifndef P2PSIM_LINUX_OF_DEVICE_H
#define P2PSIM_LINUX_OF_DEVICE_H

struct device_node;

#endif
