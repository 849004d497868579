/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/device_cgroup.h>
