/* SPDX-License-Identifier: MIT */
/*
 * Ways through the tree.  Mirrors: drivers/pci/p2pdma.c, 6.12 (distances and types the same; no list of bridges).
 *
 *	      common			distance = up from one + down to the other
 *	     /	    \			ACS counts on every port of both ways, the common one included, not above it
 *	   port	    port
 *	    |	      |
 *	    a	      b
 *
 * No common bridge: the sum of both ways to the root, and the root complex has to forward.  It does on an AMD CPU of
 * family 17h or later, and with a host bridge that the white list names by the first device of its root bus, if that is
 * function 0 of slot 0 or a root port.
 *
 * Left out: the Intel ports that redirect by their Egress Control register in a way of their own.
 */
#include "p2p/internal.h"

#define ACS_REDIRECT (PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_EC)

static const struct white_row {
	unsigned short device;		/* of vendor 8086 */
	bool same_host_only;
} white_list[] = {
	{ 0x3c00, true }, { 0x3c01, true }, { 0x2f00, true }, { 0x2f01, true },
	{ 0x2030, false }, { 0x2031, false }, { 0x2032, false }, { 0x2033, false },
	{ 0x2020, false }, { 0x09a2, false },
};

static bool redirects(const struct pci_dev *pdev)
{
	return pdev->acs_cap && pdev->acs_ctrl & ACS_REDIRECT;
}

static int depth_of(const struct pci_dev *pdev)
{
	int depth = 0;

	for (; pdev; pdev = pci_upstream_bridge(pdev))
		depth++;
	return depth;
}

/* The lowest device that is, or is above, both; NULL: they meet in the root complex. */
static struct pci_dev *meeting_point(struct pci_dev *a, struct pci_dev *b)
{
	int depth_a = depth_of(a), depth_b = depth_of(b);

	for (; depth_a > depth_b; depth_a--)
		a = pci_upstream_bridge(a);
	for (; depth_b > depth_a; depth_b--)
		b = pci_upstream_bridge(b);
	while (a != b) {
		a = pci_upstream_bridge(a);
		b = pci_upstream_bridge(b);
	}
	return a;
}

/* From `pdev` up to, not including, `stop`: the number of ports and the first one that redirects. */
static int climb(struct pci_dev *pdev, const struct pci_dev *stop, struct pci_dev **acs)
{
	int steps = 0;

	for (; pdev != stop; pdev = pci_upstream_bridge(pdev), steps++)
		if (!*acs && redirects(pdev))
			*acs = pdev;
	return steps;
}

void p2psim_path_find(struct pci_dev *a, struct pci_dev *b, struct p2psim_path *path)
{
	path->acs = NULL;
	path->common = meeting_point(a, b);
	path->distance = climb(a, path->common, &path->acs);
	path->distance += climb(b, path->common, &path->acs);
	if (path->common && !path->acs && redirects(path->common))
		path->acs = path->common;
}

static struct pci_dev *first_device(const struct pci_dev *pdev)
{
	struct pci_bus *root = pdev->bus->host->root;
	struct pci_dev *first;

	if (list_empty(&root->devices))
		return NULL;
	first = list_first_entry(&root->devices, struct pci_dev, bus_list);
	if (first->devfn == 0 || (first->is_pcie && first->pcie_type == PCI_EXP_TYPE_ROOT_PORT))
		return first;
	return NULL;
}

static bool is_white_listed(const struct pci_dev *first, bool same_host)
{
	size_t i;

	if (!first || first->vendor != PCI_VENDOR_ID_INTEL)
		return false;
	for (i = 0; i < ARRAY_SIZE(white_list); i++)
		if (first->device == white_list[i].device)
			return same_host || !white_list[i].same_host_only;
	return false;
}

bool p2psim_host_allows(struct pci_dev *a, struct pci_dev *b, struct pci_dev **who)
{
	bool same_host = a->bus->host == b->bus->host;
	struct pci_dev *first_a = first_device(a), *first_b = first_device(b), *refuses = NULL;
	bool allows = true;

	if (p2psim_p2p_state()->cpu == P2PSIM_CPU_AMD_ZEN)
		return true;
	if (!is_white_listed(first_a, same_host)) {
		refuses = first_a;
		allows = false;
	} else if (!is_white_listed(first_b, same_host)) {
		refuses = first_b;
		allows = false;
	}
	if (who)
		*who = refuses;
	return allows;
}

enum pci_p2pdma_map_type p2psim_route_find(struct pci_dev *provider, struct pci_dev *client, struct p2psim_path *path)
{
	p2psim_path_find(provider, client, path);
	if (path->common && !path->acs)
		return PCI_P2PDMA_MAP_BUS_ADDR;
	if (p2psim_host_allows(provider, client, NULL))
		return PCI_P2PDMA_MAP_THRU_HOST_BRIDGE;
	return PCI_P2PDMA_MAP_NOT_SUPPORTED;
}

struct pci_dev *p2psim_pci_of(struct device *dev)
{
	while (dev && !dev_is_pci(dev))
		dev = dev->parent;
	return dev ? to_pci_dev(dev) : NULL;
}
