/* SPDX-License-Identifier: MIT */
/*
 * The PCI tree: building it, naming it, placing BARs, taking parts of it away.
 *
 *	host bridge ---- root bus 00: [00.0 host] [01.0 root port] [02.0 integrated endpoint]
 *						       |
 *						    bus 01: [00.0 upstream port]
 *								 |
 *							      bus 02: [00.0 downstream] [01.0 downstream]
 *									  |		   |
 *								       bus 03: gpu0	bus 04: nic0
 *
 * Each host bridge has two windows of CPU addresses for BARs, one below 4 GiB and one far above; the bus address of a
 * BAR is its CPU address less the bridge's offset.  Windows of the bridges in between are not modelled: a port forwards
 * what somebody below it claims.  Everything is arena memory: hardware does not leak.
 */
#include <stdio.h>
#include <string.h>

#include "p2p/internal.h"

#define LOW_START 0xc0000000ull
#define LOW_BYTES 0x08000000ull
#define HIGH_START (1ull << 40)
#define HIGH_BYTES (1ull << 40)
#define FOUR_GIB (1ull << 32)
#define RAM_PAGES_DEFAULT 262144ul
#define RAM_PFN_FIRST 0x100ul

const struct bus_type pci_bus_type = { .name = "pci" };

void p2psim_pci_set_cpu(enum p2psim_cpu cpu)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();

	if (state)
		state->cpu = cpu;
}

const char *p2psim_pci_label(const struct pci_dev *pdev)
{
	return pdev->label ? pdev->label : pdev->bdf;
}

uint32_t p2psim_pci_id(struct pci_dev *pdev)
{
	return p2psim_object_id(&pdev->dev.obj);
}

u32 p2psim_tree_id(struct pci_dev *pdev)
{
	return p2psim_object_id(&pdev->bus->host->root->dev.obj);
}

dma_addr_t pci_bus_address(struct pci_dev *pdev, int bar)
{
	return pci_resource_start(pdev, bar) - pdev->bus->host->bus_offset;
}

/* Buses. */

/* The wanted bus number, or the next free one from `from` on when `wanted` is 0; -1: none. */
static int take_bus_number(struct p2psim_p2p_state *state, unsigned int wanted, unsigned int from)
{
	unsigned int n = wanted ? wanted : from;

	while (n < 256 && state->bus_taken[n]) {
		if (wanted)
			return -1;
		n++;
	}
	if (n > 255)
		return -1;
	state->bus_taken[n] = true;
	return (int)n;
}

static struct pci_bus *new_bus(struct p2psim_host_bridge *host, struct pci_dev *bridge, unsigned int number)
{
	struct pci_bus *bus = p2psim_arena_alloc(sizeof(*bus));

	if (!bus)
		return NULL;
	INIT_LIST_HEAD(&bus->devices);
	bus->number = number;
	bus->host = host;
	bus->self = bridge;
	bus->parent = bridge ? bridge->bus : NULL;
	bus->dev.parent = bridge ? &bridge->dev : NULL;
	bus->dev.init_name = "pci_bus";
	device_initialize(&bus->dev);
	return bus;
}

struct pci_bus *p2psim_pci_bus_below(const struct pci_dev *parent)
{
	if (!parent || parent->dev.gone)
		return NULL;
	if (parent->subordinate)
		return parent->subordinate;
	return parent->class == 0x060000 && pci_is_root_bus(parent->bus) ? parent->bus : NULL;
}

/* Host bridges. */

u64 p2psim_ram_end_address(void)
{
	const struct p2psim_config *config = p2psim_world_config(p2psim_world_current());

	return ((config->ram_pages ? config->ram_pages : RAM_PAGES_DEFAULT) + RAM_PFN_FIRST) << PAGE_SHIFT;
}

bool p2psim_is_ram(u64 phys)
{
	return phys >> PAGE_SHIFT >= RAM_PFN_FIRST && phys < p2psim_ram_end_address();
}

static void set_windows(struct p2psim_host_bridge *host, const struct p2psim_pci_host_config *config, unsigned int n)
{
	host->low.start = config->window_start ? config->window_start : LOW_START + n * LOW_BYTES;
	host->low.end = host->low.start + (config->window_bytes ? config->window_bytes : LOW_BYTES);
	if (!config->window_start && (host->low.end > FOUR_GIB || p2psim_ram_end_address() > host->low.start))
		host->low.end = host->low.start;
	host->high.start = config->high_start ? config->high_start : HIGH_START + n * HIGH_BYTES;
	host->high.end = host->high.start + (config->high_bytes ? config->high_bytes : HIGH_BYTES);
	host->bus_offset = config->bus_offset;
}

static bool spaces_overlap(const struct p2psim_space *a, const struct p2psim_space *b)
{
	return a->start < b->end && b->start < a->end;
}

static bool windows_are_sound(const struct p2psim_p2p_state *state, const struct p2psim_host_bridge *host)
{
	const struct p2psim_host_bridge *other;

	if (host->low.end < host->low.start || host->high.end < host->high.start)
		return false;
	if (spaces_overlap(&host->low, &host->high) || host->bus_offset & ~PAGE_MASK)
		return false;
	if (host->low.start < p2psim_ram_end_address() && host->low.start < host->low.end)
		return false;
	list_for_each_entry(other, &state->hosts, link)
		if (spaces_overlap(&host->low, &other->low) || spaces_overlap(&host->low, &other->high) ||
		    spaces_overlap(&host->high, &other->low) || spaces_overlap(&host->high, &other->high))
			return false;
	return true;
}

static struct p2psim_host_bridge *new_host(const struct p2psim_pci_host_config *config)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();
	struct p2psim_host_bridge *host = p2psim_arena_alloc(sizeof(*host));
	int number;

	if (!state || !host)
		return NULL;
	set_windows(host, config, state->host_count);
	if (!windows_are_sound(state, host))
		return NULL;
	number = take_bus_number(state, config->bus, 0x40 * state->host_count);
	if (number < 0)
		return NULL;
	host->root = new_bus(host, NULL, (unsigned int)number);
	if (!host->root)
		return NULL;
	state->host_count++;
	list_add_tail(&host->link, &state->hosts);
	return host;
}

/* BARs. */

static bool bar_is_sound(u64 bytes, unsigned int flags)
{
	return bytes >= 16 && !(bytes & (bytes - 1)) && !(flags & P2PSIM_PCI_BAR_HIGH && flags & P2PSIM_PCI_BAR_32);
}

static struct p2psim_space *choose_space(struct p2psim_host_bridge *host, u64 bytes, unsigned int flags, u64 *start)
{
	u64 align = max_t(u64, bytes, PAGE_SIZE);	/* no two functions share a page */

	if (!(flags & P2PSIM_PCI_BAR_HIGH) && p2psim_space_place(&host->low, bytes, align, NULL, start))
		return &host->low;
	if (!(flags & P2PSIM_PCI_BAR_32) && p2psim_space_place(&host->high, bytes, align, NULL, start))
		return &host->high;
	return NULL;
}

static bool place_bar(struct pci_dev *pdev, struct p2psim_host_bridge *host, int bar, u64 bytes, unsigned int flags)
{
	struct p2psim_bar_place *place = &p2psim_function_of(pdev)->place[bar];
	struct resource *resource = &pdev->resource[bar];

	if (!bar_is_sound(bytes, flags))
		return false;
	resource->name = p2psim_pci_label(pdev);
	resource->flags = flags & P2PSIM_PCI_BAR_IO ? IORESOURCE_IO : IORESOURCE_MEM;
	resource->end = bytes - 1;
	if (flags & P2PSIM_PCI_BAR_IO)
		return true;
	place->space = choose_space(host, bytes, flags, &place->span.start);
	if (!place->space)
		return false;
	place->span.end = place->span.start + bytes;
	place->pdev = pdev;
	place->bar = bar;
	p2psim_space_take(place->space, &place->span);
	resource->start = place->span.start;
	resource->end = place->span.end - 1;
	resource->flags |= flags & P2PSIM_PCI_BAR_PREFETCH ? IORESOURCE_PREFETCH : 0;
	resource->flags |= flags & P2PSIM_PCI_BAR_32 ? 0 : IORESOURCE_MEM_64;
	return true;
}

static void release_bars(struct pci_dev *pdev)
{
	struct p2psim_bar_place *place = p2psim_function_of(pdev)->place;
	int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		if (pdev->bars[bar])
			p2psim_bar_detach(pdev->bars[bar]);
		if (place[bar].space)
			p2psim_space_give(place[bar].space, &place[bar].span);
		place[bar].space = NULL;
	}
}

static bool place_bars(struct pci_dev *pdev, const struct p2psim_pci_config *config)
{
	int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		if (!config->bar_bytes[bar])
			continue;
		if (!place_bar(pdev, pdev->bus->host, bar, config->bar_bytes[bar], config->bar_flags[bar])) {
			release_bars(pdev);
			return false;
		}
	}
	return true;
}

struct p2psim_bar_place *p2psim_bar_at(struct p2psim_host_bridge *host, u64 cpu_addr)
{
	struct p2psim_span *span = p2psim_space_find(&host->low, cpu_addr);

	if (!span)
		span = p2psim_space_find(&host->high, cpu_addr);
	return span ? container_of(span, struct p2psim_bar_place, span) : NULL;
}

/* Functions. */

static struct pci_dev *function_at(const struct pci_bus *bus, unsigned int devfn)
{
	struct pci_dev *pdev;

	list_for_each_entry(pdev, &bus->devices, bus_list)
		if (pdev->devfn == devfn)
			return pdev;
	return NULL;
}

static bool slot_is_taken(const struct pci_bus *bus, unsigned int slot)
{
	unsigned int func;

	for (func = 0; func < 8; func++)
		if (function_at(bus, PCI_DEVFN(slot, func)))
			return true;
	return false;
}

/* devfn for a new function, or -1. */
static int choose_devfn(const struct pci_bus *bus, unsigned int place)
{
	unsigned int slot;

	if (place)
		return function_at(bus, place & 0xff) ? -1 : (int)(place & 0xff);
	for (slot = 0; slot < 32; slot++)
		if (!slot_is_taken(bus, slot))
			return PCI_DEVFN(slot, 0);
	return -1;
}

static void link_function(struct pci_bus *bus, struct pci_dev *pdev)
{
	struct list_head *before = bus->devices.next;

	while (before != &bus->devices && list_entry(before, struct pci_dev, bus_list)->devfn < pdev->devfn)
		before = before->next;
	list_add_tail(&pdev->bus_list, before);
}

static void init_device(struct pci_dev *pdev, struct pci_bus *bus, unsigned int dma_bits)
{
	pdev->dma_mask = DMA_BIT_MASK(dma_bits ? dma_bits : 64);
	pdev->dev.dma_mask = &pdev->dma_mask;
	pdev->dev.coherent_dma_mask = pdev->dma_mask;
	pdev->dma_parms.max_segment_size = 0x10000;
	pdev->dev.dma_parms = &pdev->dma_parms;
	pdev->dev.bus = &pci_bus_type;
	pdev->dev.parent = &bus->dev;
	pdev->dev.init_name = p2psim_pci_label(pdev);
	device_initialize(&pdev->dev);
}

static struct pci_dev *add_function(struct pci_bus *bus, const struct p2psim_pci_config *config, unsigned int class,
				    int pcie_type)
{
	struct p2psim_function *function = bus ? p2psim_arena_alloc(sizeof(*function)) : NULL;
	struct pci_dev *pdev = function ? &function->pdev : NULL;
	int devfn = bus ? choose_devfn(bus, config->place) : -1;

	if (!pdev || devfn < 0)
		return NULL;
	pdev->bus = bus;
	pdev->devfn = (unsigned int)devfn;
	pdev->vendor = config->vendor;
	pdev->device = config->device;
	pdev->subsystem_vendor = config->subsystem_vendor;
	pdev->subsystem_device = config->subsystem_device;
	function->messages = min(config->messages, P2PSIM_PCI_MESSAGES_MAX);
	pdev->class = config->class_code ? config->class_code : class;
	pdev->is_pcie = pcie_type >= 0 && !config->conventional;
	pdev->pcie_type = pdev->is_pcie ? (unsigned int)pcie_type : 0;
	pdev->acs_cap = config->has_acs || config->acs_ctrl;
	pdev->acs_ctrl = config->acs_ctrl;
	pdev->label = config->name;
	snprintf(pdev->bdf, sizeof(pdev->bdf), "%04x:%02x:%02x.%u", bus->domain_nr & 0xffff, bus->number & 0xff,
		 PCI_SLOT(pdev->devfn), PCI_FUNC(pdev->devfn));
	pdev->memory_enabled = true;
	if (!place_bars(pdev, config))
		return NULL;
	init_device(pdev, bus, config->dma_bits);
	link_function(bus, pdev);
	return pdev;
}

static struct pci_dev *add_bridge(struct pci_bus *bus, const struct p2psim_pci_config *config, int pcie_type)
{
	struct pci_dev *bridge = add_function(bus, config, 0x060400, pcie_type);
	struct p2psim_p2p_state *state = p2psim_p2p_state();
	int number = bridge ? take_bus_number(state, config->bus, bus->number + 1) : -1;

	if (number < 0)
		return NULL;
	bridge->subordinate = new_bus(bus->host, bridge, (unsigned int)number);
	return bridge->subordinate ? bridge : NULL;
}

/* What people build. */

struct pci_bus *p2psim_pci_host_bus(const struct p2psim_pci_host_config *config)
{
	static const struct p2psim_pci_host_config defaults = { .vendor = 0 };
	struct p2psim_pci_config first = { .vendor = PCI_VENDOR_ID_INTEL, .device = 0x29c0 };
	struct p2psim_host_bridge *host = new_host(config ? config : &defaults);

	if (!host || (config && config->bare))
		return host ? host->root : NULL;
	if (config && config->vendor) {
		first.vendor = config->vendor;
		first.device = config->device;
	}
	return add_function(host->root, &first, 0x060000, -1) ? host->root : NULL;
}

struct pci_dev *p2psim_pci_root(const struct p2psim_pci_host_config *config)
{
	struct pci_bus *bus = config && config->bare ? NULL : p2psim_pci_host_bus(config);

	return bus ? function_at(bus, 0) : NULL;
}

static const struct p2psim_pci_config *or_defaults(const struct p2psim_pci_config *config)
{
	static const struct p2psim_pci_config defaults = { .name = NULL };

	return config ? config : &defaults;
}

struct pci_dev *p2psim_pci_add(struct pci_bus *bus, int pcie_type, bool bridge, const struct p2psim_pci_config *config)
{
	if (bridge)
		return bus ? add_bridge(bus, or_defaults(config), pcie_type) : NULL;
	return add_function(bus, or_defaults(config), 0xff0000, pcie_type);
}

struct pci_dev *p2psim_pci_root_port(struct pci_dev *host, const struct p2psim_pci_config *config)
{
	struct pci_bus *bus = p2psim_pci_bus_below(host);
	struct pci_dev *port;

	if (!bus || !pci_is_root_bus(bus))
		return NULL;
	port = add_bridge(bus, or_defaults(config), PCI_EXP_TYPE_ROOT_PORT);
	if (port)
		port->acs_cap = true;
	return port;
}

struct pci_dev *p2psim_pci_switch(struct pci_dev *parent, unsigned int ports, const struct p2psim_pci_config *config)
{
	struct p2psim_pci_config below = { .has_acs = true };
	struct pci_dev *upstream = p2psim_pci_add(p2psim_pci_bus_below(parent), PCI_EXP_TYPE_UPSTREAM, true, config);

	if (!upstream)
		return NULL;
	below.vendor = upstream->vendor;
	below.device = (uint16_t)(upstream->device + 1);
	while (ports--)
		if (!add_bridge(upstream->subordinate, &below, PCI_EXP_TYPE_DOWNSTREAM))
			return NULL;
	return upstream;
}

struct pci_dev *p2psim_pci_switch_port(const struct pci_dev *upstream, unsigned int n)
{
	return upstream && upstream->subordinate ? function_at(upstream->subordinate, PCI_DEVFN(n, 0)) : NULL;
}

struct pci_dev *p2psim_pci_bridge(struct pci_dev *parent, const struct p2psim_pci_config *config)
{
	return p2psim_pci_add(p2psim_pci_bus_below(parent), PCI_EXP_TYPE_PCI_BRIDGE, true, config);
}

static bool is_conventional(const struct pci_bus *bus)
{
	return bus->self && bus->self->pcie_type == PCI_EXP_TYPE_PCI_BRIDGE;
}

static struct pci_dev *add_endpoint(struct pci_bus *bus, const struct p2psim_pci_config *config)
{
	int type;

	if (!bus)
		return NULL;
	type = pci_is_root_bus(bus) ? PCI_EXP_TYPE_RC_END : PCI_EXP_TYPE_ENDPOINT;
	return add_function(bus, or_defaults(config), 0xff0000, is_conventional(bus) ? -1 : type);
}

struct pci_dev *p2psim_pci_endpoint(struct pci_dev *parent, const struct p2psim_pci_config *config)
{
	return add_endpoint(p2psim_pci_bus_below(parent), config);
}

struct pci_dev *p2psim_pci_function(struct pci_dev *pdev, const struct p2psim_pci_config *config)
{
	struct p2psim_pci_config copy = *or_defaults(config);
	unsigned int func;

	for (func = 1; func < 8 && !copy.place; func++)
		if (!function_at(pdev->bus, PCI_DEVFN(PCI_SLOT(pdev->devfn), func)))
			copy.place = (uint16_t)P2PSIM_PCI_AT(PCI_SLOT(pdev->devfn), func);
	return copy.place ? add_endpoint(pdev->bus, &copy) : NULL;
}

int p2psim_pci_set_acs(struct pci_dev *port, unsigned int acs_ctrl)
{
	if (!port->acs_cap)
		return -EOPNOTSUPP;
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_tree_id(port), true, "pci:acs");
	port->acs_ctrl = acs_ctrl;
	return 0;
}

/* Taking away. */

static void remove_function(struct pci_dev *pdev)
{
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_tree_id(pdev), true, "pci:remove");
	pdev->memory_enabled = false;
	release_bars(pdev);
	list_del(&pdev->bus_list);
	device_unregister(&pdev->dev);
}

static void remove_bus(struct pci_bus *bus)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();

	while (!list_empty(&bus->devices))
		pci_stop_and_remove_bus_device(list_first_entry(&bus->devices, struct pci_dev, bus_list));
	state->bus_taken[bus->number] = false;
	device_unregister(&bus->dev);
}

void pci_stop_and_remove_bus_device(struct pci_dev *pdev)
{
	if (pdev->dev.gone)
		return;
	if (pdev->driver)
		p2psim_pci_unbind(pdev, NULL);
	if (pdev->subordinate)
		remove_bus(pdev->subordinate);
	remove_function(pdev);
}

void p2psim_pci_remove(struct pci_dev *pdev)
{
	pci_stop_and_remove_bus_device(pdev);
}

/* Looking. */

static bool has_name(const struct pci_dev *pdev, const char *name)
{
	return !pdev->dev.gone && (!strcmp(pdev->bdf, name) || !strcmp(p2psim_pci_label(pdev), name));
}

struct pci_dev *p2psim_pci_find(const char *name)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();
	struct device *dev;

	if (!state)
		return NULL;
	list_for_each_entry(dev, &state->devices, link)
		if (dev_is_pci(dev) && has_name(to_pci_dev(dev), name))
			return to_pci_dev(dev);
	return NULL;
}

static bool function_is_valid(struct pci_dev *pdev)
{
	struct p2psim_bar_place *place = p2psim_function_of(pdev)->place;
	int bar;

	if (p2psim_pci_find(pdev->bdf) != pdev)
		return false;
	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		if (!place[bar].space)
			continue;
		if (!IS_ALIGNED(place[bar].span.start, place[bar].span.end - place[bar].span.start) ||
		    p2psim_bar_at(pdev->bus->host, pci_resource_start(pdev, bar)) != &place[bar])
			return false;
	}
	return true;
}

static bool bus_is_valid(const struct pci_bus *bus)
{
	struct pci_dev *pdev;
	int devfn = -1;

	list_for_each_entry(pdev, &bus->devices, bus_list) {
		if ((int)pdev->devfn <= devfn || pdev->bus != bus || !function_is_valid(pdev))
			return false;
		if (pdev->subordinate && !bus_is_valid(pdev->subordinate))
			return false;
		devfn = (int)pdev->devfn;
	}
	return true;
}

bool p2psim_pci_is_valid(void)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();
	struct p2psim_host_bridge *host;

	if (!state)
		return false;
	list_for_each_entry(host, &state->hosts, link)
		if (!bus_is_valid(host->root) || !p2psim_space_is_valid(&host->low) ||
		    !p2psim_space_is_valid(&host->high))
			return false;
	return true;
}
