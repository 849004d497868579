/* SPDX-License-Identifier: MIT */
#include <p2psim/linux/ipv6.h>
