/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/pci.h, pci_regs.h, 6.12 (reduced: what BARs, DMA and peer-to-peer look at).
 * The machine is built with <p2psim/pci.h>.
 *
 *	pci_resource_start()	where the CPU sees the BAR
 *	pci_bus_address()	where devices on the same bus see it: CPU address - offset of the host bridge's window
 */
#ifndef P2PSIM_LINUX_PCI_H
#define P2PSIM_LINUX_PCI_H

#include <p2psim/linux/device.h>
#include <p2psim/linux/ioport.h>
#include <p2psim/linux/mod_devicetable.h>

#define PCI_STD_NUM_BARS 6
#define PCI_DEVFN(slot, func) ((((slot) & 0x1f) << 3) | ((func) & 0x07))
#define PCI_SLOT(devfn) (((devfn) >> 3) & 0x1f)
#define PCI_FUNC(devfn) ((devfn) & 0x07)

/* PCIe port types, as the capability spells them. */
#define PCI_EXP_TYPE_ENDPOINT 0x0
#define PCI_EXP_TYPE_ROOT_PORT 0x4
#define PCI_EXP_TYPE_UPSTREAM 0x5
#define PCI_EXP_TYPE_DOWNSTREAM 0x6
#define PCI_EXP_TYPE_PCI_BRIDGE 0x7
#define PCI_EXP_TYPE_RC_END 0x9

/* Access control services: which peer traffic a port sends up to the root complex. */
#define PCI_ACS_SV 0x0001
#define PCI_ACS_TB 0x0002
#define PCI_ACS_RR 0x0004			/* request redirect */
#define PCI_ACS_CR 0x0008			/* completion redirect */
#define PCI_ACS_UF 0x0010
#define PCI_ACS_EC 0x0020			/* egress control */
#define PCI_ACS_DT 0x0040

#define PCI_VENDOR_ID_INTEL 0x8086
#define PCI_VENDOR_ID_AMD 0x1022

struct p2psim_bar;
struct p2psim_host_bridge;
struct p2psim_p2p_route;

/* Reduced. */
struct pci_bus {
	struct device dev;		/* its parent is the bridge, or nobody for a root bus */
	struct list_head devices;	/* struct pci_dev.bus_list, by devfn */
	struct pci_bus *parent;		/* NULL: a root bus */
	struct pci_dev *self;		/* the bridge that leads here; NULL: a root bus */
	unsigned int number;
	unsigned int domain_nr;
	struct p2psim_host_bridge *host;
};

/* Same names, fewer fields. */
struct pci_dev {
	struct device dev;
	struct pci_bus *bus;		/* the one that it is on */
	struct pci_bus *subordinate;	/* a bridge's other side, else NULL */
	struct list_head bus_list;
	unsigned int devfn;
	unsigned short vendor, device;
	unsigned int class;		/* 24 bits: base, sub, interface */
	bool is_pcie;			/* false: conventional PCI */
	unsigned int pcie_type;		/* PCI_EXP_TYPE_*, if is_pcie */
	bool acs_cap;			/* has access control services */
	unsigned int acs_ctrl;		/* PCI_ACS_* in force */
	u64 dma_mask;
	struct device_dma_parameters dma_parms;
	struct resource resource[PCI_STD_NUM_BARS];

	/* p2psim's own */
	const char *label;		/* "gpu0": what people call it; dev_name() otherwise */
	char bdf[16];			/* "0000:03:00.0" */
	bool memory_enabled;		/* memory decoding: the Memory Space bit of the command register */
	struct p2psim_bar *bars[PCI_STD_NUM_BARS]; /* behaviour behind each BAR (<p2psim/bar.h>), or NULL */
	struct p2psim_p2p_route *routes;	/* cached answers of p2pdma, by client */
};

extern P2PSIM_EXPORT const struct bus_type pci_bus_type;

#define to_pci_dev(d) container_of(d, struct pci_dev, dev)
#define dev_is_pci(d) ((d)->bus == &pci_bus_type)

static inline const char *pci_name(const struct pci_dev *pdev)
{
	return pdev->bdf;
}

static inline int pci_pcie_type(const struct pci_dev *pdev)
{
	return (int)pdev->pcie_type;
}

static inline bool pci_is_pcie(const struct pci_dev *pdev)
{
	return pdev->is_pcie;
}

static inline bool pci_is_root_bus(const struct pci_bus *bus)
{
	return !bus->parent;
}

/* The bridge above, or NULL on a root bus. */
static inline struct pci_dev *pci_upstream_bridge(const struct pci_dev *pdev)
{
	return pdev->bus->self;
}

#define pci_resource_start(pdev, bar) ((pdev)->resource[bar].start)
#define pci_resource_end(pdev, bar) ((pdev)->resource[bar].end)
#define pci_resource_flags(pdev, bar) ((pdev)->resource[bar].flags)
#define pci_resource_len(pdev, bar)                                                                                    \
	((pdev)->resource[bar].flags ? (pdev)->resource[bar].end - (pdev)->resource[bar].start + 1 : 0)
/* The first byte of the BAR as devices see it; `bar` 0-5. */
P2PSIM_EXPORT dma_addr_t pci_bus_address(struct pci_dev *pdev, int bar);

static inline void *pci_get_drvdata(struct pci_dev *pdev)
{
	return dev_get_drvdata(&pdev->dev);
}

static inline void pci_set_drvdata(struct pci_dev *pdev, void *data)
{
	dev_set_drvdata(&pdev->dev, data);
}

static inline struct pci_dev *pci_dev_get(struct pci_dev *pdev)
{
	if (pdev)
		get_device(&pdev->dev);
	return pdev;
}

static inline void pci_dev_put(struct pci_dev *pdev)
{
	if (pdev)
		put_device(&pdev->dev);
}

/* Memory decoding on.  Return: 0, -ENODEV when it was removed.  Endpoints are enabled when they are built. */
P2PSIM_EXPORT int pci_enable_device(struct pci_dev *pdev);
/* Memory decoding off: its BARs answer nobody (unsupported request), as during a reset or a power state change. */
P2PSIM_EXPORT void pci_disable_device(struct pci_dev *pdev);
/*
 * Surprise or orderly removal: the device and, for a bridge, all below it.  Nothing can be mapped for them any more,
 * their BARs answer nobody, their bus addresses may be given to others.  The structures stay until the last reference
 * goes.
 */
P2PSIM_EXPORT void pci_stop_and_remove_bus_device(struct pci_dev *pdev);

#endif
