/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/device.h, 6.12 (reduced: no driver core, no sysfs, no power management; what the DMA and PCI
 * calls look at), and device_test_p2p() of the RFC of 2019-01-29 (patch 2/5).
 *
 * Devices are hardware of the simulated machine: they live in the world's arena until its next execution.  A reference
 * is bookkeeping all the same: one that is not given back is a LEAK, one too many given back is a BALANCE violation.
 */
#ifndef P2PSIM_LINUX_DEVICE_H
#define P2PSIM_LINUX_DEVICE_H

#include <p2psim/linux/err.h>
#include <p2psim/linux/kobject.h>
#include <p2psim/linux/ktime.h>
#include <p2psim/linux/list.h>
#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/pm.h>
#include <p2psim/linux/printk.h>
#include <p2psim/linux/ratelimit.h>
#include <p2psim/linux/slab.h>

struct module;
struct p2psim_devres;

/* Reduced: identity only. */
struct bus_type {
	const char *name;
};

struct class {
	const char *name;
	struct module *owner;
};

struct device;

/* Nobody reads it: there is no sysfs. */
struct device_attribute {
	struct attribute attr;
	ssize_t (*show)(struct device *dev, struct device_attribute *attr, char *buf);
	ssize_t (*store)(struct device *dev, struct device_attribute *attr, const char *buf, size_t count);
};
struct dev_pm_ops;

/* Same names, fewer fields: what a bus's own struct of drivers begins with. */
struct device_driver {
	const char *name;
	const struct bus_type *bus;
	struct module *owner;
	const char *mod_name;
	const struct attribute_group **groups;
	const struct attribute_group **dev_groups;
	const struct dev_pm_ops *pm;	/* the simulated machine never sleeps */
};

/* What the device's DMA engine can take in one piece. */
struct device_dma_parameters {
	unsigned int max_segment_size;	/* bytes; 0: 64 KiB */
	unsigned int min_align_mask;
	unsigned long segment_boundary_mask;
};

/* Same names, fewer fields. */
struct device {
	struct p2psim_object obj;	/* its name is dev_name(); unit of a step: page of its DMA address space */
	struct device *parent;
	const struct bus_type *bus;	/* &pci_bus_type, or whatever the device is on; may be NULL */
	const char *init_name;
	u64 *dma_mask;			/* highest address it can put on the bus; NULL: it does no DMA */
	u64 coherent_dma_mask;
	struct device_dma_parameters *dma_parms;	/* NULL: it has said nothing */
	u64 bus_dma_limit;		/* the same for the bus that it is on; 0 = none */
	void *driver_data;
	struct device_driver *driver;	/* from before probe() until after remove() */
	void (*release)(struct device *dev);	/* at the last put_device(); may be NULL */
	dev_t devt;			/* its node, from device_add() to device_del(); 0: none */
	struct class *class;

	/* p2psim's own */
	int refs;			/* changed in steps on obj */
	bool added;			/* device_add() was called, device_del() was not */
	bool gone;			/* device_del() was called: nothing may be mapped for it any more */
	bool counted;			/* in the p2p layer's list */
	struct p2psim_tree dma_mappings; /* live and former ones, by address (src/p2p/dma_book.c) */
	unsigned long dma_live;		/* how many are live */
	struct list_head link;		/* all devices, by creation */
	struct p2psim_devres *devres;	/* what goes with the driver, the last first (src/p2p/devres.c) */
};

/* Reduced: the caller holds the first reference.  `dev` is zeroed memory with parent, bus, init_name, release set. */
P2PSIM_EXPORT void device_initialize(struct device *dev);
/* The name, formatted.  0 or -ENOMEM. */
P2PSIM_EXPORT int dev_set_name(struct device *dev, const char *fmt, ...) P2PSIM_PRINTF(2, 3);
/* With devt, its node can be opened from now on.  0; -EINVAL: it has no name. */
P2PSIM_EXPORT int device_add(struct device *dev);
P2PSIM_EXPORT void device_del(struct device *dev);
/* device_initialize() and device_add(). */
P2PSIM_EXPORT int device_register(struct device *dev);
/* Takes it away for good: mapping anything for it fails from now on.  Drops no reference but the initial one. */
P2PSIM_EXPORT void device_unregister(struct device *dev);
/* Returns dev; NULL is allowed.  One step.  UAF when its last reference is gone. */
P2PSIM_EXPORT struct device *get_device(struct device *dev);
P2PSIM_EXPORT void put_device(struct device *dev);

static inline const char *dev_name(const struct device *dev)
{
	return dev->init_name ? dev->init_name : "?";
}

static inline void *dev_get_drvdata(const struct device *dev)
{
	return dev->driver_data;
}

static inline void dev_set_drvdata(struct device *dev, void *data)
{
	dev->driver_data = data;
}

/*
 * A device without a driver's struct around it.  device_destroy() finds it by its number.
 * Return: ERR_PTR(-ENOMEM).
 */
P2PSIM_EXPORT struct device *device_create(struct class *class, struct device *parent, dev_t devt, void *drvdata,
					   const char *fmt, ...) P2PSIM_PRINTF(5, 6);
P2PSIM_EXPORT void device_destroy(struct class *class, dev_t devt);
/* ERR_PTR(-ENOMEM). */
P2PSIM_EXPORT struct class *p2psim_class_create(struct module *owner, const char *name);
#define class_create(owner, name) p2psim_class_create((owner), (name))
P2PSIM_EXPORT void class_destroy(struct class *class);

/*
 * ---- What goes when the driver goes: after remove(), or after a probe() that failed, the last first.  Without a driver:
 * devres_release_all() ----
 */
P2PSIM_EXPORT void *devm_kmalloc(struct device *dev, size_t size, gfp_t gfp);
P2PSIM_EXPORT char *devm_kstrdup(struct device *dev, const char *s, gfp_t gfp);
/* BALANCE: it is not the device's. */
P2PSIM_EXPORT void devm_kfree(struct device *dev, const void *ptr);
/* 0 or -ENOMEM; _or_reset has called it then. */
P2PSIM_EXPORT int devm_add_action(struct device *dev, void (*action)(void *data), void *data);
P2PSIM_EXPORT int devm_add_action_or_reset(struct device *dev, void (*action)(void *data), void *data);
/* Not called any more. */
P2PSIM_EXPORT void devm_remove_action(struct device *dev, void (*action)(void *data), void *data);
P2PSIM_EXPORT int devres_release_all(struct device *dev);
#define devm_kmalloc(dev, size, gfp) (P2PSIM_HERE(), devm_kmalloc((dev), (size), (gfp)))
#define devm_kzalloc(dev, size, gfp) devm_kmalloc((dev), (size), (gfp) | __GFP_ZERO)
#define devm_kcalloc(dev, n, size, gfp) devm_kzalloc((dev), p2psim_array_bytes((n), (size)), (gfp))
#define devm_kmalloc_array(dev, n, size, gfp) devm_kmalloc((dev), p2psim_array_bytes((n), (size)), (gfp))
#define devm_kstrdup(dev, s, gfp) (P2PSIM_HERE(), devm_kstrdup((dev), (s), (gfp)))

/* Too many bytes are more than any allocation has. */
static inline size_t p2psim_array_bytes(size_t n, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? SIZE_MAX : bytes;
}

/* What a driver says about a device; see <p2psim/linux/printk.h>. */
#define dev_printk(dev, fmt, ...) printk("%s: " fmt, dev_name(dev), ##__VA_ARGS__)
#define dev_err(dev, fmt, ...) dev_printk(dev, fmt, ##__VA_ARGS__)
#define dev_warn(dev, fmt, ...) dev_printk(dev, fmt, ##__VA_ARGS__)
#define dev_notice(dev, fmt, ...) dev_printk(dev, fmt, ##__VA_ARGS__)
#define dev_info(dev, fmt, ...) dev_printk(dev, fmt, ##__VA_ARGS__)
#define dev_dbg(dev, fmt, ...) pr_debug("%s: " fmt, dev_name(dev), ##__VA_ARGS__)
#define dev_err_ratelimited(dev, fmt, ...) dev_err(dev, fmt, ##__VA_ARGS__)
#define dev_warn_once(dev, fmt, ...) dev_warn(dev, fmt, ##__VA_ARGS__)
#define dev_WARN_ONCE(dev, cond, fmt, ...) WARN_ONCE(cond, fmt, ##__VA_ARGS__)

/*
 * May these two talk to each other without passing through main memory?  Invented by the RFC, which asked it of any
 * bus; PCI is the only one that can say yes.  The posted version always said no: its PCI half ended with `return
 * false`.  The arguments are struct devices of any sort: whoever is not, or not below, a PCI device gets false.
 * When the answer is no, p2psim_last_refusal() says why, with the bridge named.
 * Context: any; no lock.
 */
P2PSIM_EXPORT bool device_test_p2p(struct device *devA, struct device *devB);

/* A device on no bus of ours ("platform"), with a 64-bit mask: an importer that is not PCI.  NULL: arena full. */
P2PSIM_EXPORT struct device *p2psim_platform_device(const char *name);

#endif
