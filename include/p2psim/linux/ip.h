/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/ip.h, include/net/ip.h, 6.1 (reduced): the wire's formats are glibc's; there is no network. */
#ifndef P2PSIM_LINUX_IP_H
#define P2PSIM_LINUX_IP_H

#include <netinet/ip.h>

#include <p2psim/linux/netdevice.h>

static inline bool ipv4_is_multicast(__be32 addr)
{
	return (((const unsigned char *)&addr)[0] & 0xf0) == 0xe0;
}

#endif
