/* SPDX-License-Identifier: MIT */
#include_next <linux/ipv6.h>
#include <p2psim/linux/ipv6.h>
