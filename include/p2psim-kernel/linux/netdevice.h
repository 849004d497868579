/* SPDX-License-Identifier: MIT */
#include <net/if.h>
#include <netinet/in.h>
#define sockaddr_pkt p2psim_uapi_sockaddr_pkt
#define sockaddr_ll p2psim_uapi_sockaddr_ll
#define packet_mreq p2psim_uapi_packet_mreq
#include_next <linux/netdevice.h>
#undef sockaddr_pkt
#undef sockaddr_ll
#undef packet_mreq
#include <p2psim/linux/netdevice.h>
