/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/i2c-algo-bit.h>
