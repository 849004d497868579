/* SPDX-License-Identifier: MIT */
/*
 * PCI drivers: who has which device.  Mirrors: drivers/pci/pci-driver.c, drivers/base/dd.c, 6.1 (reduced: no sysfs, no dynamic
 * ids, no deferred and no asynchronous probing, no power management).
 *
 *	unbound --probe() = 0--> bound --remove(), what is managed, drvdata--> unbound
 *	   ^          | < 0: what is managed, drvdata
 *	   +----------+
 *
 * Each arrow is taken under the device's lock, so that a removal waits for a probe.
 *
 * Rules (V = cited by the tests)
 *	V1  a device is bound to one driver, the first registered whose table has it.
 *	V2  what was managed goes after remove(), or after a probe() that failed, the last first.
 *	V3  nothing of a driver is called once pci_unregister_driver() has returned.
 */
#include <p2psim/check.h>
#include <p2psim/trace.h>

#include "p2p/internal.h"

static bool id_fits(const struct pci_device_id *id, const struct pci_dev *dev)
{
	const u32 any = (u32)PCI_ANY_ID;

	return (id->vendor == any || id->vendor == dev->vendor) && (id->device == any || id->device == dev->device) &&
	       (id->subvendor == any || id->subvendor == dev->subsystem_vendor) &&
	       (id->subdevice == any || id->subdevice == dev->subsystem_device) && !((id->class ^ dev->class) & id->class_mask);
}

const struct pci_device_id *pci_match_id(const struct pci_device_id *ids, struct pci_dev *dev)
{
	for (; ids && (ids->vendor || ids->subvendor || ids->class_mask); ids++)
		if (id_fits(ids, dev))
			return ids;
	return NULL;
}

static void lock_device(struct pci_dev *pdev)
{
	struct p2psim_function *function = container_of(pdev, struct p2psim_function, pdev);

	if (!function->lock_is_there)
		__mutex_init(&function->lock, "&dev->mutex");
	function->lock_is_there = true;
	(mutex_lock)(&function->lock);
}

static void unlock_device(struct pci_dev *pdev)
{
	(mutex_unlock)(&container_of(pdev, struct p2psim_function, pdev)->lock);
}

/* V2 */
static void let_go(struct pci_dev *pdev)
{
	devres_release_all(&pdev->dev);
	pdev->driver = NULL;
	pdev->dev.driver = NULL;
	pci_set_drvdata(pdev, NULL);
	pci_dev_put(pdev);
}

static void probe(struct pci_dev *pdev, struct pci_driver *drv, const struct pci_device_id *id)
{
	int ret;

	pci_dev_get(pdev);
	pdev->driver = drv;
	pdev->dev.driver = &drv->driver;
	p2psim_pci_assign_irq(pdev);
	p2psim_enter("%s: probe %s", P2PSIM_STR(drv->name), P2PSIM_STR(p2psim_pci_label(pdev)));
	ret = drv->probe(pdev, id);
	p2psim_leave("%s: %e", P2PSIM_STR(drv->name), ret);
	if (ret > 0)
		p2psim_violate(P2PSIM_CONTRACT, 0, p2psim_object_id(&pdev->dev.obj), 0, "probe() of %s returns %d: 0 or an errno",
			       drv->name, ret);
	if (ret < 0)
		let_go(pdev);
}

static void try_bind(struct pci_dev *pdev, struct pci_driver *drv)
{
	const struct pci_device_id *id = pci_match_id(drv->id_table, pdev);

	if (!id || !drv->probe)
		return;
	lock_device(pdev);
	if (!pdev->driver && !pdev->dev.gone)
		probe(pdev, drv, id);
	unlock_device(pdev);
}

void p2psim_pci_unbind(struct pci_dev *pdev, const struct pci_driver *drv)
{
	lock_device(pdev);
	if (pdev->driver && (!drv || pdev->driver == drv)) {
		p2psim_enter("%s: remove %s", P2PSIM_STR(pdev->driver->name), P2PSIM_STR(p2psim_pci_label(pdev)));
		if (pdev->driver->remove)
			pdev->driver->remove(pdev);
		p2psim_leave("%s: removed", P2PSIM_STR(pdev->driver->name));
		let_go(pdev);
	}
	unlock_device(pdev);
}

static void bind_all(struct p2psim_p2p_state *state, struct pci_driver *drv)
{
	struct device *dev;

	list_for_each_entry(dev, &state->devices, link)
		if (dev_is_pci(dev) && !dev->gone)
			try_bind(to_pci_dev(dev), drv);
}

static bool is_registered(const struct p2psim_p2p_state *state, const struct pci_driver *drv)
{
	const struct pci_driver *other;

	list_for_each_entry(other, &state->drivers, node)
		if (other == drv)
			return true;
	return false;
}

int __pci_register_driver(struct pci_driver *drv, struct module *owner, const char *mod_name)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();

	if (!state)
		return -ENOMEM;
	if (is_registered(state, drv))
		return -EBUSY;
	drv->driver.name = drv->name;
	drv->driver.bus = &pci_bus_type;
	drv->driver.owner = owner;
	drv->driver.mod_name = mod_name;
	list_add_tail(&drv->node, &state->drivers);
	bind_all(state, drv);
	return 0;
}

void(pci_unregister_driver)(struct pci_driver *drv)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();
	struct device *dev;

	if (!state)
		return;
	if (!is_registered(state, drv)) {
		p2psim_violate(P2PSIM_BALANCE, 0, 0, 0, "pci_unregister_driver() of %s, which is not registered", drv->name);
		return;
	}
	list_del(&drv->node);
	list_for_each_entry(dev, &state->devices, link)
		if (dev_is_pci(dev) && to_pci_dev(dev)->driver == drv)
			p2psim_pci_unbind(to_pci_dev(dev), drv);
}

void p2psim_pci_rescan(void)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();
	struct pci_driver *drv;

	if (state)
		list_for_each_entry(drv, &state->drivers, node)
			bind_all(state, drv);
}

struct pci_dev *pci_get_device(unsigned int vendor, unsigned int device, struct pci_dev *from)
{
	const struct pci_device_id id = { PCI_DEVICE(vendor, device) };
	struct p2psim_p2p_state *state = p2psim_p2p_state();
	struct pci_dev *found = NULL;
	bool behind = !from;
	struct device *dev;

	if (!state)
		return NULL;
	list_for_each_entry(dev, &state->devices, link) {
		if (behind && dev_is_pci(dev) && !dev->gone && id_fits(&id, to_pci_dev(dev))) {
			found = pci_dev_get(to_pci_dev(dev));
			break;
		}
		behind |= from && dev == &from->dev;
	}
	pci_dev_put(from);
	return found;
}
