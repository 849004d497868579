/* SPDX-License-Identifier: MIT */
#include_next <linux/types.h>
#include <p2psim/linux/types.h>
