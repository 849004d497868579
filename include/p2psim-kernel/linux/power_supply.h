/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/power_supply.h>
