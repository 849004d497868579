/* SPDX-License-Identifier: MIT */
#include_next <linux/string.h>
#include <p2psim/linux/string.h>
