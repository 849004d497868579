/* SPDX-License-Identifier: MIT */
#include_next <linux/i2c.h>
#include <p2psim/linux/i2c.h>
