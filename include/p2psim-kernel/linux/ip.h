/* SPDX-License-Identifier: MIT */
#include <net/if.h>
#include <netinet/ip.h>
#define iphdr p2psim_uapi_iphdr
#include_next <linux/ip.h>
#undef iphdr
#include <p2psim/linux/ip.h>
