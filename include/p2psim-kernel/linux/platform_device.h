/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/platform_device.h>
