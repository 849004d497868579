/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/netdevice.h, include/net/net_namespace.h, 6.1 (names alone: there is no network).  Drivers of RDMA have
 * such members and hand them on; whoever looks inside of one does not compile.
 */
#ifndef P2PSIM_LINUX_NETDEVICE_H
#define P2PSIM_LINUX_NETDEVICE_H

#include <p2psim/linux/cpumask.h>
#include <p2psim/linux/device.h>
#include <p2psim/linux/if_ether.h>
#include <p2psim/linux/delay.h>
#include <p2psim/linux/skbuff.h>

struct net;

struct net_device {
	void *p2psim_no_network;
};

struct napi_struct {
	void *p2psim_no_network;
};

/* Linking says what is missing. */
void *netdev_priv(const struct net_device *dev);

typedef struct {
	struct net *net;
} possible_net_t;

static inline struct net *read_pnet(const possible_net_t *pnet)
{
	return pnet->net;
}

static inline void write_pnet(possible_net_t *pnet, struct net *net)
{
	pnet->net = net;
}

#endif
