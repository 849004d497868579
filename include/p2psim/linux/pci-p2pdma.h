/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/pci-p2pdma.h, 6.12 (reduced: routes, no pools of p2pmem), and pci_test_p2p() of the RFC of
 * 2019-01-29 (patch 1/5).
 *
 * Can the client reach the provider's BARs, and how?
 *
 *	topology					distance	type
 *	the same function				0		BUS_ADDR
 *	two functions of one device			2		BUS_ADDR
 *	two devices below one switch			4		BUS_ADDR
 *	  ... with an ACS redirect (RR, CR, EC) on any
 *	  port of either path, the common one included	same		THRU_HOST_BRIDGE or NOT_SUPPORTED
 *	no common bridge				to both roots	THRU_HOST_BRIDGE or NOT_SUPPORTED
 *
 * "Through the host bridge" needs an AMD CPU of family 17h or later, or host bridges on the white list (pci/p2pdma.c).
 */
#ifndef P2PSIM_LINUX_PCI_P2PDMA_H
#define P2PSIM_LINUX_PCI_P2PDMA_H

#include <p2psim/linux/pci.h>

/* Same. */
enum pci_p2pdma_map_type {
	PCI_P2PDMA_MAP_UNKNOWN = 0,	/* nobody has asked yet */
	PCI_P2PDMA_MAP_NOT_SUPPORTED,
	PCI_P2PDMA_MAP_BUS_ADDR,	/* below a common bridge: the BAR's bus address */
	PCI_P2PDMA_MAP_THRU_HOST_BRIDGE, /* by way of the root complex: the BAR's CPU address (or an IOVA) */
};

/*
 * Sum of the hops from the provider to each client, or -1 when there is no client, one is not PCI, or one cannot reach
 * it.  A struct device below a PCI device counts as that device.  Every call asks anew and refreshes the cached type.
 * `verbose`: the reason why not is kept for p2psim_last_refusal().
 * Context: any; no lock.  Source: drivers/pci/p2pdma.c.
 */
P2PSIM_EXPORT int pci_p2pdma_distance_many(struct pci_dev *provider, struct device **clients, int num_clients,
					   bool verbose);
P2PSIM_EXPORT int pci_p2pdma_distance(struct pci_dev *provider, struct device *client, bool verbose);

/*
 * Invented by the RFC: true iff both are (below) PCI devices and some route leads from devB to devA.
 * The posted version ended with `return false` whatever it had found.
 */
P2PSIM_EXPORT bool pci_test_p2p(struct device *devA, struct device *devB);

/*
 * Invented: the type that a mapping uses, which is the cached one: a change of ACS has no effect until somebody asks a
 * distance again (as recorded on 6.12).  Computes it when nobody has asked.  Client not PCI: NOT_SUPPORTED.
 */
P2PSIM_EXPORT enum pci_p2pdma_map_type p2psim_p2pdma_map_type(struct pci_dev *provider, struct device *client);
/*
 * Invented: 0 when the client can reach the provider, else a typed refusal: DEVICE_GONE, NOT_PCI, NOT_ROUTABLE with the
 * sentence that says which bridge is in the way.  Asks anew.
 */
P2PSIM_EXPORT int p2psim_p2pdma_check(struct pci_dev *provider, struct device *client);
/* "bus_addr", "thru_host", "not_supported", "unknown": the words of the recordings. */
P2PSIM_EXPORT const char *p2psim_p2pdma_map_type_name(enum pci_p2pdma_map_type type);

#endif
