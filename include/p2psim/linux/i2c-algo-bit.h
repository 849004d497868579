/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/i2c-algo-bit.h, 6.1 (reduced): it is in i2c.h. */
#ifndef P2PSIM_LINUX_I2C_ALGO_BIT_H
#define P2PSIM_LINUX_I2C_ALGO_BIT_H
#include <p2psim/linux/i2c.h>
#endif
