/* SPDX-License-Identifier: MIT */
/*
 * struct device: an id, a name, a reference count, an end.
 *
 *	zeroed --device_initialize()--> live, 1 reference --device_del()--> gone --last put_device()--> released
 *
 * device_add() gives it a node for open(2); device_unregister() is device_del() and put_device().
 *
 * Memory is the world's arena's, so that a released device can still be recognised by who uses it too late.
 * Left out compared with the kernel: drivers, what classes are for, links, sysfs, devres.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/slab.h>

#include "p2p/internal.h"

static void check_device(struct device *dev)
{
	int expected = dev->gone ? 0 : 1;

	p2psim_end_hash_add(dev->dma_live);
	p2psim_mappings_check(dev);
	if (dev_is_pci(dev))
		p2psim_pci_check_vectors(to_pci_dev(dev));
	if (dev->refs > expected)
		p2psim_violate(P2PSIM_LEAK, 0, p2psim_object_id(&dev->obj), 0, "%d references of %s were never put",
			       dev->refs - expected, dev_name(dev));
}

static void check_quiescent(void *layer)
{
	struct p2psim_p2p_state *state = layer;
	struct device *dev;

	if (!state->devices.next)
		return;
	list_for_each_entry(dev, &state->devices, link)
		check_device(dev);
	p2psim_bars_check(state);
}

struct p2psim_p2p_state *p2psim_p2p_state(void)
{
	struct p2psim_p2p_state *state = p2psim_layer_state(P2PSIM_LAYER_P2P, sizeof(*state));

	if (state && !state->devices.next) {
		INIT_LIST_HEAD(&state->hosts);
		INIT_LIST_HEAD(&state->devices);
		INIT_LIST_HEAD(&state->bars);
		INIT_LIST_HEAD(&state->drivers);
		p2psim_layer_on_quiescent(P2PSIM_LAYER_P2P, check_quiescent);
	}
	return state;
}

void device_initialize(struct device *dev)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();

	p2psim_object_init(&dev->obj, dev_name(dev));
	dev->refs = 1;
	if (!state || dev->counted)
		return;
	dev->counted = true;
	list_add_tail(&dev->link, &state->devices);
}

struct device *get_device(struct device *dev)
{
	if (!dev)
		return NULL;
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&dev->obj), true, "get_device");
	if (!dev->refs)
		p2psim_violate(P2PSIM_UAF, 0, p2psim_object_id(&dev->obj), 0,
			       "get_device() of %s, whose last reference is gone", dev_name(dev));
	dev->refs++;
	return dev;
}

void put_device(struct device *dev)
{
	if (!dev)
		return;
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&dev->obj), true, "put_device");
	if (!dev->refs) {
		p2psim_violate(P2PSIM_BALANCE, 0, p2psim_object_id(&dev->obj), 0,
			       "put_device() of %s, which has no reference left", dev_name(dev));
		return;
	}
	if (--dev->refs || !dev->release)
		return;
	/* The release function may free it: what is to be said about it is said now. */
	if (dev->counted) {
		check_device(dev);
		list_del(&dev->link);
		dev->counted = false;
	}
	dev->release(dev);
}

static int set_name(struct device *dev, const char *fmt, va_list args)
{
	char text[128], *copy;

	vsnprintf(text, sizeof(text), fmt, args);
	copy = p2psim_inject_point() ? NULL : p2psim_arena_alloc(strlen(text) + 1);
	if (!copy)
		return -ENOMEM;
	dev->init_name = strcpy(copy, text);
	p2psim_object_rename(&dev->obj, "%s", copy);
	return 0;
}

int dev_set_name(struct device *dev, const char *fmt, ...)
{
	va_list args;
	int error;

	va_start(args, fmt);
	error = set_name(dev, fmt, args);
	va_end(args);
	return error;
}

int device_add(struct device *dev)
{
	if (!dev->init_name)
		return -EINVAL;
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&dev->obj), true, "device_add");
	dev->added = true;
	return 0;
}

int device_register(struct device *dev)
{
	device_initialize(dev);
	return device_add(dev);
}

void device_del(struct device *dev)
{
	if (dev->gone)
		return;
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&dev->obj), true, "device_unregister");
	dev->added = false;
	dev->gone = true;
}

void device_unregister(struct device *dev)
{
	if (dev->gone)
		return;
	device_del(dev);
	put_device(dev);
}

/* ---- devices and classes that the driver has no struct for ---- */

static void free_created(struct device *dev)
{
	kfree(dev);
}

struct device *device_create(struct class *class, struct device *parent, dev_t devt, void *drvdata, const char *fmt, ...)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	va_list args;
	int error;

	if (!dev)
		return ERR_PTR(-ENOMEM);
	device_initialize(dev);
	dev->class = class;
	dev->parent = parent;
	dev->devt = devt;
	dev->driver_data = drvdata;
	dev->release = free_created;
	va_start(args, fmt);
	error = set_name(dev, fmt, args);
	va_end(args);
	if (!error)
		error = device_add(dev);
	if (!error)
		return dev;
	device_unregister(dev);
	return ERR_PTR(error);
}

void device_destroy(struct class *class, dev_t devt)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();
	struct device *dev;

	list_for_each_entry(dev, &state->devices, link) {
		if (dev->class == class && dev->devt == devt && dev->added) {
			device_unregister(dev);
			return;
		}
	}
}

struct class *p2psim_class_create(struct module *owner, const char *name)
{
	struct class *class = kzalloc(sizeof(*class), GFP_KERNEL);

	if (!class)
		return ERR_PTR(-ENOMEM);
	class->name = name;
	class->owner = owner;
	return class;
}

void class_destroy(struct class *class)
{
	if (!IS_ERR_OR_NULL(class))
		kfree(class);
}

struct device *p2psim_platform_device(const char *name)
{
	static const struct bus_type platform_bus_type = { .name = "platform" };
	struct device *dev = p2psim_arena_alloc(sizeof(*dev));

	if (!dev)
		return NULL;
	dev->bus = &platform_bus_type;
	dev->init_name = name;
	dev->coherent_dma_mask = DMA_BIT_MASK(64);
	dev->dma_mask = &dev->coherent_dma_mask;
	device_initialize(dev);
	return dev;
}
