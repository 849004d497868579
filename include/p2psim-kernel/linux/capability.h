/* SPDX-License-Identifier: MIT */
#include_next <linux/capability.h>
#include <p2psim/linux/capability.h>
