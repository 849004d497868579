/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/ipv6.h, include/net/ipv6.h, 6.1 (reduced): the wire's formats are glibc's; there is no network. */
#ifndef P2PSIM_LINUX_IPV6_H
#define P2PSIM_LINUX_IPV6_H

#include <string.h>

#include <netinet/in.h>

#include <p2psim/linux/netdevice.h>

/* Is it an IPv4 address in the form ::ffff:a.b.c.d? */
static inline bool ipv6_addr_v4mapped(const struct in6_addr *addr)
{
	static const unsigned char prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(addr, prefix, sizeof(prefix));
}

#endif
