/* SPDX-License-Identifier: MIT */
#include <net/if.h>
#include <netinet/in.h>
#include_next <linux/ipv6.h>
#include <p2psim/linux/ipv6.h>
