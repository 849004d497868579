/* SPDX-License-Identifier: MIT */
/*
 * The questions of pci-p2pdma.h.  Mirrors: drivers/pci/p2pdma.c, 6.12 (reduced: routes, no pools).
 *
 * Every distance asks the tree anew and leaves its answer with the provider; a mapping takes what was left there (P2).
 *
 * Rules (P = cited by the tests)
 *	P1  who is not, or not below, a PCI device has no distance: -1, false, NOT_SUPPORTED, never a crash.
 *	P2  the type that a mapping uses changes only when somebody asks a distance again.
 *	P3  one client without a way makes the whole distance -1.
 */
#include <stdio.h>

#include <p2psim/quirk.h>

#include "p2p/internal.h"

/* A cached answer, in the provider's list; one for each client that ever asked. */
struct p2psim_p2p_route {
	struct p2psim_p2p_route *next;
	const struct pci_dev *client;
	enum pci_p2pdma_map_type type;
};

static struct p2psim_p2p_route *cached_route(struct pci_dev *provider, const struct pci_dev *client)
{
	struct p2psim_p2p_route *route;

	for (route = provider->routes; route; route = route->next)
		if (route->client == client)
			return route;
	return NULL;
}

static void cache_route(struct pci_dev *provider, const struct pci_dev *client, enum pci_p2pdma_map_type type)
{
	struct p2psim_p2p_route *route = cached_route(provider, client);

	if (!route) {
		route = p2psim_arena_alloc(sizeof(*route));
		if (!route)
			return;
		route->client = client;
		route->next = provider->routes;
		provider->routes = route;
	}
	route->type = type;
}

/* One step: it reads the tree, which pci:acs and pci:remove write. */
static enum pci_p2pdma_map_type ask_route(struct pci_dev *provider, struct pci_dev *client, struct p2psim_path *path)
{
	enum pci_p2pdma_map_type type;

	p2psim_step_on(P2PSIM_STEP_READ, p2psim_tree_id(provider), false, "p2pdma:distance");
	type = p2psim_route_find(provider, client, path);
	cache_route(provider, client, type);
	return type;
}

static int refuse_not_pci(const struct device *client)
{
	return p2psim_refuse(P2PSIM_REASON_NOT_PCI, "%s is no PCI device", client ? dev_name(client) : "nobody");
}

static int refuse_route(struct pci_dev *provider, struct pci_dev *client, const struct p2psim_path *path)
{
	struct pci_dev *who = NULL;
	char why[96] = "";

	p2psim_host_allows(provider, client, &who);
	if (path->acs)
		snprintf(why, sizeof(why), "ACS of %s redirects to the root complex", p2psim_pci_label(path->acs));
	else
		snprintf(why, sizeof(why), "no common bridge below the root complex");
	if (!who)
		return p2psim_refuse(P2PSIM_REASON_NOT_ROUTABLE, "%s to %s: %s, and no host bridge is known there",
				     p2psim_pci_label(client), p2psim_pci_label(provider), why);
	return p2psim_refuse(P2PSIM_REASON_NOT_ROUTABLE,
			     "%s to %s: %s, and host bridge %s (%04x:%04x) does not forward", p2psim_pci_label(client),
			     p2psim_pci_label(provider), why, pci_name(who), who->vendor, who->device);
}

int pci_p2pdma_distance_many(struct pci_dev *provider, struct device **clients, int num_clients, bool verbose)
{
	struct p2psim_path path;
	int i, distance = 0;
	bool reachable = num_clients > 0;

	for (i = 0; i < num_clients; i++) {
		struct pci_dev *client = p2psim_pci_of(clients[i]);

		if (!client) {
			if (verbose)
				refuse_not_pci(clients[i]);
			return -1;
		}
		if (ask_route(provider, client, &path) == PCI_P2PDMA_MAP_NOT_SUPPORTED) {
			reachable = false;
			if (verbose)
				refuse_route(provider, client, &path);
		}
		distance += path.distance;
	}
	return reachable ? distance : -1;
}

int pci_p2pdma_distance(struct pci_dev *provider, struct device *client, bool verbose)
{
	return pci_p2pdma_distance_many(provider, &client, 1, verbose);
}

enum pci_p2pdma_map_type p2psim_p2pdma_map_type(struct pci_dev *provider, struct device *client)
{
	struct pci_dev *pdev = p2psim_pci_of(client);
	struct p2psim_p2p_route *route = pdev ? cached_route(provider, pdev) : NULL;
	struct p2psim_path path;

	if (!pdev)
		return PCI_P2PDMA_MAP_NOT_SUPPORTED;
	return route ? route->type : ask_route(provider, pdev, &path);
}

int p2psim_p2pdma_check(struct pci_dev *provider, struct device *client)
{
	struct pci_dev *pdev = p2psim_pci_of(client);
	struct p2psim_path path;

	if (!pdev)
		return refuse_not_pci(client);
	if (provider->dev.gone || pdev->dev.gone)
		return p2psim_refuse(P2PSIM_REASON_DEVICE_GONE, "%s was removed",
				     p2psim_pci_label(provider->dev.gone ? provider : pdev));
	if (ask_route(provider, pdev, &path) == PCI_P2PDMA_MAP_NOT_SUPPORTED)
		return refuse_route(provider, pdev, &path);
	return 0;
}

bool pci_test_p2p(struct device *devA, struct device *devB)
{
	struct pci_dev *provider = p2psim_pci_of(devA);

	if (!provider) {
		refuse_not_pci(devA);
		return false;
	}
	if (p2psim_quirk_on(P2PSIM_QUIRK_R1_NEVER_PEERS)) {
		p2psim_refuse(P2PSIM_REASON_NOT_ROUTABLE, "pci_test_p2p() ends with false, as it was posted");
		return false;
	}
	return p2psim_p2pdma_check(provider, devB) == 0;
}

bool device_test_p2p(struct device *devA, struct device *devB)
{
	return pci_test_p2p(devA, devB);
}

const char *p2psim_p2pdma_map_type_name(enum pci_p2pdma_map_type type)
{
	switch (type) {
	case PCI_P2PDMA_MAP_NOT_SUPPORTED:
		return "not_supported";
	case PCI_P2PDMA_MAP_BUS_ADDR:
		return "bus_addr";
	case PCI_P2PDMA_MAP_THRU_HOST_BRIDGE:
		return "thru_host";
	default:
		return "unknown";
	}
}
