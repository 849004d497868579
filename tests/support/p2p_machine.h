/* SPDX-License-Identifier: MIT */
/*
 * The machine that the tests of the p2p layer share.
 *
 *	host bridge 0 (bus 00)					   host bridge 1 (bus 40)
 *	 |-- r1 -- f0, f1		two functions of one device	|-- r5 -- far
 *	 |-- r2 -- sw --+-- d0 -- a
 *	 |              +-- d1 -- b
 *	 |              +-- d2 -- in --+-- e0 -- c
 *	 |                             +-- e1 -- d
 *	 |-- r3 -- pb -- x, y		conventional PCI
 *	 |-- r4 -- lone
 *	 +-- rciep			integrated in the root complex
 */
#ifndef TESTS_P2P_MACHINE_H
#define TESTS_P2P_MACHINE_H

#include "core_world.h"

#include <p2psim/linux/pci-p2pdma.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/pci.h>
#include <p2psim/pci.h>

#define P2P_BAR_BYTES 0x10000ull

/* A port or an endpoint with a label; endpoints have one BAR of 64 KiB. */
static inline struct pci_dev *p2p_port(struct pci_dev *host, const char *name)
{
	return p2psim_pci_root_port(host, &(struct p2psim_pci_config){ .name = name });
}

static inline struct pci_dev *p2p_endpoint(struct pci_dev *parent, const char *name)
{
	return p2psim_pci_endpoint(parent, &(struct p2psim_pci_config){ .name = name, .bar_bytes = { P2P_BAR_BYTES } });
}

static inline struct pci_dev *p2p_switch(struct pci_dev *parent, const char *name, unsigned int ports)
{
	return p2psim_pci_switch(parent, ports, &(struct p2psim_pci_config){ .name = name, .has_acs = true });
}

static inline struct pci_dev *p2p_find(const char *name)
{
	struct pci_dev *pdev = p2psim_pci_find(name);

	assert_non_null(pdev);
	return pdev;
}

/* The n-th downstream port of a switch, by the switch's label. */
static inline struct pci_dev *p2p_down(const char *name, unsigned int n)
{
	struct pci_dev *port = p2psim_pci_switch_port(p2p_find(name), n);

	assert_non_null(port);
	return port;
}

static inline void p2p_build_with(const struct p2psim_pci_host_config *first,
				  const struct p2psim_pci_host_config *second)
{
	struct pci_dev *host = p2psim_pci_root(first), *f0, *pb;
	struct pci_dev *other;

	f0 = p2p_endpoint(p2p_port(host, "r1"), "f0");
	p2psim_pci_function(f0, &(struct p2psim_pci_config){ .name = "f1", .bar_bytes = { P2P_BAR_BYTES } });
	p2p_switch(p2p_port(host, "r2"), "sw", 3);
	p2p_endpoint(p2p_down("sw", 0), "a");
	p2p_endpoint(p2p_down("sw", 1), "b");
	p2p_switch(p2p_down("sw", 2), "in", 2);
	p2p_endpoint(p2p_down("in", 0), "c");
	p2p_endpoint(p2p_down("in", 1), "d");
	pb = p2psim_pci_bridge(p2p_port(host, "r3"), &(struct p2psim_pci_config){ .name = "pb" });
	p2p_endpoint(pb, "x");
	p2p_endpoint(pb, "y");
	p2p_endpoint(p2p_port(host, "r4"), "lone");
	p2p_endpoint(host, "rciep");
	other = p2psim_pci_root(second);
	p2p_endpoint(p2p_port(other, "r5"), "far");
}

static inline void p2p_build(void)
{
	p2p_build_with(NULL, NULL);
}

static inline int p2p_setup(void **state)
{
	int ret = core_setup(state);

	if (!ret)
		p2p_build();
	return ret;
}

/* Takes pages until none is fresh and the freed one comes again; gives the others back. */
static inline struct page *p2p_take_until(struct page *wanted)
{
	struct page *taken[600];
	int count = 0;

	do
		taken[count] = alloc_page(GFP_KERNEL);
	while (taken[count] != wanted && ++count < 600);
	assert_true(count < 600);
	while (count--)
		__free_page(taken[count]);
	return wanted;
}

#define p2p_test(f) cmocka_unit_test_setup_teardown(f, p2p_setup, core_teardown)
/* The test has provoked something on purpose and leaves rubble. */
#define p2p_test_rubble(f) cmocka_unit_test_setup_teardown(f, p2p_setup, core_teardown_rubble)

#endif
