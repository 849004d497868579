/* SPDX-License-Identifier: MIT */
#include_next <linux/kernel.h>
#include <p2psim/linux/kernel.h>
