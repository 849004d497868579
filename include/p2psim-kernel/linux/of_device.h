/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/of_device.h>
