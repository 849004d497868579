/* SPDX-License-Identifier: MIT */
#include_next <linux/module.h>
#include <p2psim/linux/module.h>
