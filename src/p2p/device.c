/* SPDX-License-Identifier: MIT */
/*
 * struct device: an id, a reference count, an end.
 *
 *	zeroed --device_initialize()--> live, 1 reference --device_unregister()--> gone --last put_device()--> released
 *
 * Memory is the world's arena's, so that a released device can still be recognised by who uses it too late.
 * Left out compared with the kernel: drivers, classes, links, sysfs, devres.
 */
#include <p2psim/check.h>
#include <p2psim/linux/slab.h>

#include "p2p/internal.h"

static void check_device(struct device *dev)
{
	int expected = dev->gone ? 0 : 1;

	p2psim_end_hash_add(dev->dma_live);
	p2psim_mappings_check(dev);
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

void device_unregister(struct device *dev)
{
	if (dev->gone)
		return;
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&dev->obj), true, "device_unregister");
	dev->gone = true;
	put_device(dev);
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
