/* SPDX-License-Identifier: MIT */
/*
 * Building the PCI tree of the simulated machine.
 *
 *	struct pci_dev *host = p2psim_pci_root(NULL);			0000:00:00.0
 *	struct pci_dev *port = p2psim_pci_root_port(host, NULL);	0000:00:01.0
 *	struct pci_dev *sw = p2psim_pci_switch(port, 2, NULL);		0000:01:00.0, ports 0000:02:00.0 and 02:01.0
 *	struct pci_dev *gpu = p2psim_pci_endpoint(p2psim_pci_switch_port(sw, 0), &(struct p2psim_pci_config) {
 *		.name = "gpu0", .vendor = 0x1002, .device = 0x7310, .bar_bytes = { 1 << 20 } });
 *
 * Names come from the topology: a bridge's other side gets the next free bus number when the bridge is built, a device
 * the next free slot of its bus.  What is built is hardware: it lives until the world's next execution and never leaks.
 * BARs are placed at once, in the host bridge's windows, at their natural alignment, lowest free address first.
 *
 * A port takes as many devices as one puts below it, though a PCI Express link has one slot.
 * Left out compared with a machine: windows of the bridges between, expansion ROMs, hot-plug
 * slots.
 */
#ifndef P2PSIM_PCI_H
#define P2PSIM_PCI_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct pci_bus;
struct pci_dev;

/* Decides, with the white list, whether peers may talk through the root complex. */
enum p2psim_cpu {
	P2PSIM_CPU_AMD_ZEN,	/* AMD family 17h or later: always.  The default */
	P2PSIM_CPU_INTEL,	/* only white-listed host bridges.  So does every other vendor */
};

/* Of the machine, for all host bridges; takes effect at the next question. */
P2PSIM_EXPORT void p2psim_pci_set_cpu(enum p2psim_cpu cpu);

/* Zero means the default everywhere. */
struct p2psim_pci_host_config {
	uint16_t vendor, device;	/* of the first device of the root bus: what the white list knows.  8086:29c0 */
	bool bare;			/* p2psim_pci_host_bus(): do not put a first device there */
	uint8_t bus;			/* number of the root bus; 0: 0x00, 0x40, 0x80, 0xc0 in order of creation */
	uint64_t window_start;		/* CPU address where BARs are placed; 0: 128 MiB each from 0xc0000000 on */
	uint64_t window_bytes;
	uint64_t high_start;		/* the same for BARs that do not fit below 4 GiB; 0: 1 TiB each from 2^40 on */
	uint64_t high_bytes;
	uint64_t bus_offset;		/* CPU address - bus address */
};

enum p2psim_pci_bar_flags {
	P2PSIM_PCI_BAR_NO_FLAGS = 0,
	P2PSIM_PCI_BAR_HIGH = 1 << 0,	/* place it above 4 GiB */
	P2PSIM_PCI_BAR_32 = 1 << 1,	/* it has 32 bits only: never place it there */
	P2PSIM_PCI_BAR_PREFETCH = 1 << 2,
	P2PSIM_PCI_BAR_IO = 1 << 3,	/* I/O space: takes no part in DMA */
};

/* Where on its bus: P2PSIM_PCI_AT(slot, function); 0: function 0 of the next free slot. */
#define P2PSIM_PCI_AT(slot, func) (0x100u | (((slot) & 0x1fu) << 3) | ((func) & 0x7u))

#define P2PSIM_PCI_MESSAGES_MAX 32u

/* Zero means the default everywhere. */
struct p2psim_pci_config {
	const char *name;		/* "gpu0": how people call it; static */
	uint16_t vendor, device;
	uint32_t class_code;		/* 24 bits; the default fits what is built */
	uint64_t bar_bytes[6];		/* powers of two, >= 16; 0: it has no such BAR */
	uint8_t bar_flags[6];		/* mask of enum p2psim_pci_bar_flags */
	uint16_t subsystem_vendor, subsystem_device;
	uint16_t messages;		/* interrupts that it can send as messages, at most; 0: 8 */
	uint16_t place;			/* P2PSIM_PCI_AT() */
	uint8_t bus;			/* a bridge: number of its other side; 0 = next free */
	bool conventional;		/* not PCI Express */
	bool has_acs;			/* has access control services */
	uint8_t acs_ctrl;		/* PCI_ACS_*; implies has_acs */
	uint8_t dma_bits;		/* width of its DMA mask; 0: 64 (a kernel begins with 32) */
};

/*
 * A host bridge: a root bus whose first device, function 0 of slot 0, is the host bridge itself.  Returned is that
 * device; as a parent it stands for its root bus.  `config` NULL: all defaults.  All these return NULL when the arena
 * is full, the numbers or addresses ran out, or the configuration makes no sense (a BAR that is no power of two).
 */
P2PSIM_EXPORT struct pci_dev *p2psim_pci_root(const struct p2psim_pci_host_config *config);
/* The same without choosing for the caller what is on the bus: config->bare leaves it empty. */
P2PSIM_EXPORT struct pci_bus *p2psim_pci_host_bus(const struct p2psim_pci_host_config *config);
/* The bus that `parent` leads to: the other side of a bridge, or the root bus of a host bridge's device; else NULL. */
P2PSIM_EXPORT struct pci_bus *p2psim_pci_bus_below(const struct pci_dev *parent);

/*
 * What all of the following are made of: one function on `bus`.  `pcie_type`: PCI_EXP_TYPE_* of <p2psim/linux/pci.h>,
 * -1 for conventional PCI.  A `bridge` gets a bus on its other side.  Nothing is checked that a broken machine might
 * do.
 */
P2PSIM_EXPORT struct pci_dev *p2psim_pci_add(struct pci_bus *bus, int pcie_type, bool bridge,
					     const struct p2psim_pci_config *config);
/* A root port.  It has access control services with everything off. */
P2PSIM_EXPORT struct pci_dev *p2psim_pci_root_port(struct pci_dev *host, const struct p2psim_pci_config *config);
/* A switch below a port: returned is its upstream port, whose bus holds `ports` downstream ports with ACS, all off. */
P2PSIM_EXPORT struct pci_dev *p2psim_pci_switch(struct pci_dev *parent, unsigned int ports,
						const struct p2psim_pci_config *config);
/* Its n-th downstream port, or NULL. */
P2PSIM_EXPORT struct pci_dev *p2psim_pci_switch_port(const struct pci_dev *upstream, unsigned int n);
/* A bridge from PCI Express to conventional PCI; what is built below it is conventional. */
P2PSIM_EXPORT struct pci_dev *p2psim_pci_bridge(struct pci_dev *parent, const struct p2psim_pci_config *config);
/* An endpoint below a port; below a host bridge's device it is integrated in the root complex.  Decoding is on. */
P2PSIM_EXPORT struct pci_dev *p2psim_pci_endpoint(struct pci_dev *parent, const struct p2psim_pci_config *config);
/* One more function of the device that `pdev` is a function of. */
P2PSIM_EXPORT struct pci_dev *p2psim_pci_function(struct pci_dev *pdev, const struct p2psim_pci_config *config);

/*
 * Unplugs it, and all below a bridge: pci_stop_and_remove_bus_device() under a name for those who do not include
 * <p2psim/linux/pci.h>.
 */
P2PSIM_EXPORT void p2psim_pci_remove(struct pci_dev *pdev);

/*
 * The device interrupts: message `nr`, or by its one line while it has no messages.
 * Return: 0; -ENODEV: it was removed; -EINVAL: there are not so many; -ENOENT: nobody has asked for it, and it is lost.
 * Context: any, also what lies behind a BAR; one step on the line.
 */
P2PSIM_EXPORT int p2psim_pci_raise(struct pci_dev *pdev, unsigned int nr);
/* Binds devices that were built after their drivers were registered. */
P2PSIM_EXPORT void p2psim_pci_rescan(void);

/* Access control services of a port: PCI_ACS_*, all of them at once.  -EOPNOTSUPP: it has none. */
P2PSIM_EXPORT int p2psim_pci_set_acs(struct pci_dev *port, unsigned int acs_ctrl);
/* "gpu0", or "0000:03:00.0" when it was given no name. */
P2PSIM_EXPORT const char *p2psim_pci_label(const struct pci_dev *pdev);
/* Its id in steps and violations. */
P2PSIM_EXPORT uint32_t p2psim_pci_id(struct pci_dev *pdev);
/* The device of that name ("0000:03:00.0") or label, or NULL; removed ones are not found. */
P2PSIM_EXPORT struct pci_dev *p2psim_pci_find(const char *name);
/* Asserts what the tree promises: sorted buses, unique names, BARs aligned, inside a window, without overlap. */
P2PSIM_EXPORT bool p2psim_pci_is_valid(void);

P2PSIM_END_DECLS

#endif
