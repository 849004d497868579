/* SPDX-License-Identifier: MIT */
#include_next <linux/stddef.h>
#include <p2psim/linux/stddef.h>
