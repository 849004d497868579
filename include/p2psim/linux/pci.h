/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/pci.h, 6.12 (reduced: drivers, BARs, interrupts, DMA and peer-to-peer; no power management, no virtual
 * functions, no error recovery: nobody calls what a driver has for them).
 * The machine is built with <p2psim/pci.h>.
 *
 *	pci_resource_start()	where the CPU sees the BAR
 *	pci_bus_address()	where devices on the same bus see it: CPU address - offset of the host bridge's window
 */
#ifndef P2PSIM_LINUX_PCI_H
#define P2PSIM_LINUX_PCI_H

#include <p2psim/linux/device.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/interrupt.h>
#include <p2psim/linux/io.h>
#include <p2psim/linux/ioport.h>
#include <p2psim/linux/mod_devicetable.h>
#include <p2psim/linux/module.h>
#include <p2psim/linux/pci_ids.h>
#include <p2psim/linux/pci_regs.h>

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

/* What a driver says to an error of its card; nobody asks it. */
typedef unsigned int pci_channel_state_t;
enum {
	pci_channel_io_normal = 1,
	pci_channel_io_frozen = 2,
	pci_channel_io_perm_failure = 3,
};
typedef unsigned int pci_ers_result_t;
enum pci_ers_result {
	PCI_ERS_RESULT_NONE = 1,
	PCI_ERS_RESULT_CAN_RECOVER = 2,
	PCI_ERS_RESULT_NEED_RESET = 3,
	PCI_ERS_RESULT_DISCONNECT = 4,
	PCI_ERS_RESULT_RECOVERED = 5,
	PCI_ERS_RESULT_NO_AER_DRIVER = 6,
};

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
	unsigned short subsystem_vendor, subsystem_device;
	u8 revision;
	unsigned int irq;		/* the line of INTx, or of the first message while MSI is on; 0: never bound */
	struct pci_driver *driver;
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
	unsigned int enable_cnt;	/* of pci_enable_device() */
	bool is_busmaster;
	bool msi_enabled, msix_enabled;
	bool is_managed;		/* pcim_enable_device() */
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

/* ---- Drivers ---- */

typedef struct pm_message {
	int event;
} pm_message_t;

#define PCI_DEVICE(vend, dev) .vendor = (vend), .device = (dev), .subvendor = (u32)PCI_ANY_ID, .subdevice = (u32)PCI_ANY_ID
#define PCI_VDEVICE(vend, dev)                                                                                         \
	.vendor = PCI_VENDOR_ID_##vend, .device = (dev), .subvendor = (u32)PCI_ANY_ID, .subdevice = (u32)PCI_ANY_ID, 0, 0
#define PCI_DEVICE_SUB(vend, dev, subvend, subdev)                                                                     \
	.vendor = (vend), .device = (dev), .subvendor = (subvend), .subdevice = (subdev)
#define PCI_DEVICE_CLASS(dev_class, dev_class_mask)                                                                    \
	.class = (dev_class), .class_mask = (dev_class_mask), .vendor = (u32)PCI_ANY_ID, .device = (u32)PCI_ANY_ID,    \
	.subvendor = (u32)PCI_ANY_ID, .subdevice = (u32)PCI_ANY_ID
#define PCI_DEVICE_DATA(vend, dev, data)                                                                               \
	PCI_VDEVICE(vend, PCI_DEVICE_ID_##vend##_##dev), .driver_data = (unsigned long)(data)

struct pci_error_handlers;

struct pci_driver {
	struct list_head node;
	const char *name;
	const struct pci_device_id *id_table;	/* ends with an entry of zeros */
	/*
	 * 0, or a negative errno and the device is not bound; a positive value is CONTRACT, and counts as success.
	 * Context: may sleep; no other probe() or remove() of the device runs.
	 */
	int (*probe)(struct pci_dev *dev, const struct pci_device_id *id);
	void (*remove)(struct pci_dev *dev);
	int (*suspend)(struct pci_dev *dev, pm_message_t state);
	int (*resume)(struct pci_dev *dev);
	void (*shutdown)(struct pci_dev *dev);
	int (*sriov_configure)(struct pci_dev *dev, int num_vfs);
	const struct pci_error_handlers *err_handler;
	const struct attribute_group **groups;
	const struct attribute_group **dev_groups;
	struct device_driver driver;
	bool driver_managed_dma;
};

#define to_pci_driver(drv) container_of(drv, struct pci_driver, driver)

/*
 * Binds every device that it knows and nobody has, in order of creation.  Devices that are built later: p2psim_pci_rescan().
 * Return: 0, whatever the probes said; -EBUSY: it is registered already.
 */
P2PSIM_EXPORT int __pci_register_driver(struct pci_driver *drv, struct module *owner, const char *mod_name);
#define pci_register_driver(drv) (P2PSIM_HERE(), __pci_register_driver((drv), THIS_MODULE, NULL))
/* Unbinds its devices, each: remove(), what is managed, drvdata.  BALANCE: it is not registered. */
P2PSIM_EXPORT void pci_unregister_driver(struct pci_driver *drv);
#define pci_unregister_driver(drv) (P2PSIM_HERE(), pci_unregister_driver(drv))
#define module_pci_driver(drv)                                                                                         \
	static int __init drv##_init(void)                                                                     \
	{                                                                                                              \
		return pci_register_driver(&(drv));                                                            \
	}                                                                                                              \
	module_init(drv##_init);                                                                               \
	static void __exit drv##_exit(void)                                                                    \
	{                                                                                                              \
		pci_unregister_driver(&(drv));                                                                 \
	}                                                                                                              \
	module_exit(drv##_exit)
/* The entry of the table that fits, or NULL. */
P2PSIM_EXPORT const struct pci_device_id *pci_match_id(const struct pci_device_id *ids, struct pci_dev *dev);

/* ---- What a probe() does ---- */

/*
 * Memory decoding on; counts.  Return: 0, -ENODEV when it was removed.  Endpoints are enabled when they are built.
 * pcim_enable_device(): the same until the driver goes, and with it regions and interrupt vectors.
 */
P2PSIM_EXPORT int pci_enable_device(struct pci_dev *pdev);
P2PSIM_EXPORT int pcim_enable_device(struct pci_dev *pdev);
#define pci_enable_device_mem(pdev) pci_enable_device(pdev)
/* The last one: memory decoding off, as during a reset or a power state change: its BARs answer nobody.  And no bus master. */
P2PSIM_EXPORT void pci_disable_device(struct pci_dev *pdev);
/* A device that is bound to a driver and does DMA is CONTRACT unless it is a bus master. */
P2PSIM_EXPORT void pci_set_master(struct pci_dev *pdev);
P2PSIM_EXPORT void pci_clear_master(struct pci_dev *pdev);

static inline bool pci_is_enabled(const struct pci_dev *pdev)
{
	return pdev->enable_cnt > 0;
}

/* All BARs, or those of the mask.  0; -EBUSY, and none: somebody has one of them, or out of memory. */
P2PSIM_EXPORT int pci_request_selected_regions(struct pci_dev *pdev, int bars, const char *name);
P2PSIM_EXPORT void pci_release_selected_regions(struct pci_dev *pdev, int bars);
/* A mask of the BARs whose flags have these. */
P2PSIM_EXPORT int pci_select_bars(struct pci_dev *pdev, unsigned long flags);
#define pci_request_region(pdev, bar, name) pci_request_selected_regions((pdev), 1 << (bar), (name))
#define pci_release_region(pdev, bar) pci_release_selected_regions((pdev), 1 << (bar))
#define pci_request_regions(pdev, name) pci_request_selected_regions((pdev), 0x3f, (name))
#define pci_release_regions(pdev) pci_release_selected_regions((pdev), 0x3f)
#define pci_request_mem_regions(pdev, name)                                                                            \
	pci_request_selected_regions((pdev), pci_select_bars((pdev), IORESOURCE_MEM), (name))
#define pci_release_mem_regions(pdev) pci_release_selected_regions((pdev), pci_select_bars((pdev), IORESOURCE_MEM))

/* The first maxlen bytes (0: all) of a memory BAR, for readl() and the like.  NULL: none, or as ioremap(). */
P2PSIM_EXPORT void __iomem *pci_iomap(struct pci_dev *pdev, int bar, unsigned long maxlen);
#define pci_iomap(pdev, bar, maxlen) (P2PSIM_HERE(), pci_iomap((pdev), (bar), (maxlen)))
#define pci_iomap_wc(pdev, bar, maxlen) pci_iomap((pdev), (bar), (maxlen))
#define pci_ioremap_bar(pdev, bar) pci_iomap((pdev), (bar), 0)
#define pci_ioremap_wc_bar(pdev, bar) pci_iomap((pdev), (bar), 0)
#define pci_iounmap(pdev, addr) ((void)(pdev), iounmap(addr))
/* Until the driver goes. */
P2PSIM_EXPORT void __iomem *pcim_iomap(struct pci_dev *pdev, int bar, unsigned long maxlen);
/* BARs of the mask, requested and mapped.  0; -EINVAL: no such BAR; -EBUSY; -ENOMEM. */
P2PSIM_EXPORT int pcim_iomap_regions(struct pci_dev *pdev, int mask, const char *name);
/* Where pcim_iomap() put them, by BAR. */
P2PSIM_EXPORT void __iomem *const *pcim_iomap_table(struct pci_dev *pdev);
#define pcim_iomap(pdev, bar, maxlen) (P2PSIM_HERE(), pcim_iomap((pdev), (bar), (maxlen)))
#define pcim_iomap_regions(pdev, mask, name) (P2PSIM_HERE(), pcim_iomap_regions((pdev), (mask), (name)))

/* ---- Interrupts (<p2psim/linux/interrupt.h>) ---- */

#define PCI_IRQ_LEGACY (1u << 0)
#define PCI_IRQ_MSI (1u << 1)
#define PCI_IRQ_MSIX (1u << 2)
#define PCI_IRQ_AFFINITY (1u << 3)
#define PCI_IRQ_ALL_TYPES (PCI_IRQ_LEGACY | PCI_IRQ_MSI | PCI_IRQ_MSIX)

/*
 * Messages if the flags and the device allow them, else the one line of INTx.
 * Return: how many; -ENOSPC: less than min_vecs; -EINVAL: min_vecs > max_vecs, 0, or there are some already; -ENOMEM.
 */
P2PSIM_EXPORT int pci_alloc_irq_vectors(struct pci_dev *pdev, unsigned int min_vecs, unsigned int max_vecs, unsigned int flags);
/* BALANCE: a handler is there still. */
P2PSIM_EXPORT void pci_free_irq_vectors(struct pci_dev *pdev);
/* For request_irq(); -EINVAL: there are not so many. */
P2PSIM_EXPORT int pci_irq_vector(struct pci_dev *pdev, unsigned int nr);
#define pci_alloc_irq_vectors_affinity(pdev, min, max, flags, affd)                                                    \
	((void)(affd), pci_alloc_irq_vectors((pdev), (min), (max), (flags)))

static inline int pci_enable_msi(struct pci_dev *pdev)
{
	int n = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI);

	return n < 0 ? n : 0;
}
#define pci_disable_msi(pdev) pci_free_irq_vectors(pdev)

/* ---- Configuration space: the standard header; what else a register would do is not there: -EFAULT ---- */

#define PCIBIOS_SUCCESSFUL 0x00
#define PCIBIOS_DEVICE_NOT_FOUND 0x86
#define PCIBIOS_BAD_REGISTER_NUMBER 0x87

/*
 * Of a device that was removed: all ones, PCIBIOS_DEVICE_NOT_FOUND.  A register that is not modelled, or not aligned:
 * PCIBIOS_BAD_REGISTER_NUMBER.  Writing: PCI_COMMAND; what cannot be written stays as it is.
 * Context: any; one step on the device.
 */
P2PSIM_EXPORT int pci_read_config_byte(struct pci_dev *dev, int where, u8 *val);
P2PSIM_EXPORT int pci_read_config_word(struct pci_dev *dev, int where, u16 *val);
P2PSIM_EXPORT int pci_read_config_dword(struct pci_dev *dev, int where, u32 *val);
P2PSIM_EXPORT int pci_write_config_byte(struct pci_dev *dev, int where, u8 val);
P2PSIM_EXPORT int pci_write_config_word(struct pci_dev *dev, int where, u16 val);
P2PSIM_EXPORT int pci_write_config_dword(struct pci_dev *dev, int where, u32 val);

/* The device with these ids behind `from` (NULL: the first), with a reference; drops that of `from`.  NULL: none. */
P2PSIM_EXPORT struct pci_dev *pci_get_device(unsigned int vendor, unsigned int device, struct pci_dev *from);

#define pci_err(pdev, fmt, ...) dev_err(&(pdev)->dev, fmt, ##__VA_ARGS__)
#define pci_warn(pdev, fmt, ...) dev_warn(&(pdev)->dev, fmt, ##__VA_ARGS__)
#define pci_notice(pdev, fmt, ...) dev_notice(&(pdev)->dev, fmt, ##__VA_ARGS__)
#define pci_info(pdev, fmt, ...) dev_info(&(pdev)->dev, fmt, ##__VA_ARGS__)
#define pci_dbg(pdev, fmt, ...) dev_dbg(&(pdev)->dev, fmt, ##__VA_ARGS__)

/*
 * Removal: the device and, for a bridge, all below it.  Its driver's remove() first, while it still answers; then nothing can be
 * mapped for it any more, its BARs answer nobody, its bus addresses may be given to others.  The structures stay until the last
 * reference goes.
 */
P2PSIM_EXPORT void pci_stop_and_remove_bus_device(struct pci_dev *pdev);

#endif
