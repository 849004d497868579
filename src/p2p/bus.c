/* SPDX-License-Identifier: MIT */
/*
 * The bus: where a device's request goes, and what it does there.
 *
 *	ALGO 1	the requester was removed		-> DEVICE_GONE
 *	ALGO 2	a BAR of its host bridge has this bus address, there is a common bridge, no port redirects
 *							-> that BAR, without seeing the root complex
 *	ALGO 3	it is at the root complex, where the address is a CPU address:
 *		RAM					-> RAM
 *		a BAR, and the bridges forward		-> that BAR, down again
 *		a BAR, and they do not			-> NOT_ROUTABLE
 *		nobody					-> UNSUPPORTED_REQUEST
 *	ALGO 4	behind a BAR: decoding off, no handler or an error of the handler end it there
 *
 * A device that is not PCI sits beside the root complex: ALGO 3 at once, and nobody stops it.
 * Left out: TLP sizes, ordering, credits, completion time-outs, poisoned data, atomic operations, an IOMMU.
 */
#include <stdio.h>
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/mm.h>
#include <p2psim/ram.h>
#include <p2psim/trace.h>

#include "p2p/internal.h"
#include "vma/lowmem.h"

static const struct status_row {
	const char *name;
	int error;
} statuses[] = {
	[P2PSIM_TLP_OK] = { "OK", 0 },
	[P2PSIM_TLP_UNSUPPORTED_REQUEST] = { "UNSUPPORTED_REQUEST", -EIO },
	[P2PSIM_TLP_DECODING_OFF] = { "DECODING_OFF", -EIO },
	[P2PSIM_TLP_COMPLETER_ABORT] = { "COMPLETER_ABORT", -EIO },
	[P2PSIM_TLP_NOT_ROUTABLE] = { "NOT_ROUTABLE", -EREMOTEIO },
	[P2PSIM_TLP_DEVICE_GONE] = { "DEVICE_GONE", -ENODEV },
};

const char *p2psim_tlp_status_name(enum p2psim_tlp_status status)
{
	return (unsigned int)status < ARRAY_SIZE(statuses) ? statuses[status].name : "?";
}

/* Routing. */

static void add_hop(struct p2psim_tlp_result *result, struct pci_dev *hop)
{
	if (result->hop_count < P2PSIM_TLP_HOPS)
		result->hops[result->hop_count++] = hop;
}

static void add_way_up(struct p2psim_tlp_result *result, struct pci_dev *from, const struct pci_dev *stop)
{
	struct pci_dev *bridge;

	for (bridge = pci_upstream_bridge(from); bridge && bridge != stop; bridge = pci_upstream_bridge(bridge))
		add_hop(result, bridge);
}

/* From below `stop` down to `to`, which is the last hop. */
static void add_way_down(struct p2psim_tlp_result *result, struct pci_dev *to, const struct pci_dev *stop)
{
	struct pci_dev *way[P2PSIM_TLP_HOPS];
	unsigned int n = 0;

	for (; to && to != stop && n < P2PSIM_TLP_HOPS; to = pci_upstream_bridge(to))
		way[n++] = to;
	while (n)
		add_hop(result, way[--n]);
}

static void land_in_bar(struct p2psim_tlp_result *result, const struct p2psim_bar_place *place, u64 cpu_addr)
{
	result->where = P2PSIM_TLP_BAR;
	result->target = place->pdev;
	result->bar = place->bar;
	result->address = cpu_addr - place->span.start;
	if (!place->pdev->memory_enabled)
		result->status = P2PSIM_TLP_DECODING_OFF;
	else if (!place->pdev->bars[place->bar])
		result->status = P2PSIM_TLP_COMPLETER_ABORT;
}

/* ALGO 2.  True: it landed below a common bridge. */
static bool route_below_bridge(struct pci_dev *from, u64 addr, struct p2psim_tlp_result *result)
{
	struct p2psim_host_bridge *host = from->bus->host;
	struct p2psim_bar_place *place = p2psim_bar_at(host, addr + host->bus_offset);
	struct p2psim_path path;

	if (!place || p2psim_route_find(place->pdev, from, &path) != PCI_P2PDMA_MAP_BUS_ADDR)
		return false;
	if (place->pdev != from) {
		add_way_up(result, from, path.common);
		if (path.common != place->pdev)
			add_hop(result, path.common);
		add_way_down(result, place->pdev, path.common == place->pdev ? NULL : path.common);
	}
	land_in_bar(result, place, addr + host->bus_offset);
	return true;
}

struct p2psim_bar_place *p2psim_bar_anywhere(u64 cpu_addr)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();
	struct p2psim_bar_place *place;
	struct p2psim_host_bridge *host;

	if (!state)
		return NULL;
	list_for_each_entry(host, &state->hosts, link) {
		place = p2psim_bar_at(host, cpu_addr);
		if (place)
			return place;
	}
	return NULL;
}

/* ALGO 3. */
static void route_at_root(struct pci_dev *from, u64 addr, struct p2psim_tlp_result *result)
{
	struct p2psim_bar_place *place;

	if (from)
		add_way_up(result, from, NULL);
	add_hop(result, NULL);
	result->through_host = true;
	if (p2psim_is_ram(addr)) {
		result->where = P2PSIM_TLP_RAM;
		return;
	}
	place = p2psim_bar_anywhere(addr);
	if (!place) {
		result->status = P2PSIM_TLP_UNSUPPORTED_REQUEST;
	} else if (from && !p2psim_host_allows(place->pdev, from, NULL)) {
		result->status = P2PSIM_TLP_NOT_ROUTABLE;
	} else {
		add_way_down(result, place->pdev, NULL);
		land_in_bar(result, place, addr);
	}
}

static void route(struct device *dev, u64 addr, struct p2psim_tlp_result *result)
{
	struct pci_dev *from = p2psim_pci_of(dev);

	result->status = P2PSIM_TLP_OK;
	result->where = P2PSIM_TLP_NOWHERE;
	result->address = addr;
	result->target = NULL;
	result->through_host = false;
	result->hop_count = 0;
	if (dev->gone || (from && from->dev.gone))
		result->status = P2PSIM_TLP_DEVICE_GONE;
	else if (!from || !route_below_bridge(from, addr, result))
		route_at_root(from, addr, result);
}

int p2psim_dma_route(struct device *dev, uint64_t addr, struct p2psim_tlp_result *result)
{
	memset(result, 0, sizeof(*result));
	if (!p2psim_p2p_state())
		return -ENOMEM;
	route(dev, addr, result);
	return statuses[result->status].error;
}

/* One beat. */

/* What READ_ONCE() of the same bytes names, too: memory of kmalloc() by its allocation, all else by the page. */
static struct p2psim_access ram_access_of(u64 addr, size_t len, bool write)
{
	const struct page *page = pfn_to_page(addr >> PAGE_SHIFT);
	struct p2psim_kmalloc memory;

	if (page && lowmem_is_kmalloc(page) &&
	    p2psim_kmalloc_around((const char *)page->data + offset_in_page(addr), &memory))
		return (struct p2psim_access){ memory.id, write, memory.offset, memory.offset + len - 1 };
	return (struct p2psim_access){ P2PSIM_OBJ_RAM, write, addr >> PAGE_SHIFT, addr >> PAGE_SHIFT };
}

/* Names what it touches: the page where it is going to land as things stand, the device's book, the tree. */
static void beat_step_slow(const struct p2psim_dma_request *request, u64 addr, size_t len,
			   struct p2psim_tlp_result *result)
{
	struct pci_dev *from = p2psim_pci_of(request->dev);
	struct p2psim_op op = { .label = request->write ? "dma:write" : "dma:read" };
	struct p2psim_access *access = op.access;
	u64 unit = addr >> PAGE_SHIFT;

	op.kind = request->write ? P2PSIM_STEP_DMA_WRITE : P2PSIM_STEP_DMA_READ;
	op.site = p2psim_hot->site;
	route(request->dev, addr, result);
	if (result->where == P2PSIM_TLP_BAR)
		unit = (pci_resource_start(result->target, result->bar) + result->address) >> PAGE_SHIFT;
	if (result->where == P2PSIM_TLP_RAM)
		*access++ = ram_access_of(addr, len, request->write);
	else
		*access++ = (struct p2psim_access){ P2PSIM_OBJ_BAR, request->write, unit, unit };
	*access++ = (struct p2psim_access){ p2psim_object_id(&request->dev->obj), false, addr >> PAGE_SHIFT,
					    addr >> PAGE_SHIFT };
	if (from)
		*access++ = (struct p2psim_access){ p2psim_tree_id(from), false, 0, UINT64_MAX };
	op.access_count = (uint16_t)(access - op.access);
	p2psim_step_op(&op);
}

static void beat_step(const struct p2psim_dma_request *request, u64 addr, size_t len, struct p2psim_tlp_result *result)
{
	if (likely(!p2psim_hot->busy))
		p2psim_hot->steps++;
	else
		beat_step_slow(request, addr, len, result);
}

/* DATA: bytes of somebody else than whom the request is for. */
static void check_owner(const struct p2psim_dma_request *request, u32 owner, const char *what)
{
	if (!request->owner || !owner || owner == request->owner)
		return;
	p2psim_violate(P2PSIM_DATA, 0, request->owner, owner, "%s %s %s of %s on behalf of %s", dev_name(request->dev),
		       request->write ? "overwrites" : "reads", what,
		       p2psim_world_object_name(p2psim_world_current(), owner),
		       p2psim_world_object_name(p2psim_world_current(), request->owner));
}

static int access_ram(const struct p2psim_dma_request *request, u64 addr, void *buf, size_t len)
{
	const struct page *page = pfn_to_page(addr >> PAGE_SHIFT);

	p2psim_mapping_check_ram(request->dev, addr, len, request->write);
	if (page)
		check_owner(request, p2psim_page_owner(page), "a page");
	return request->write ? p2psim_ram_write(addr, buf, len) : p2psim_ram_read(addr, buf, len);
}

static int access_bar(const struct p2psim_dma_request *request, u64 addr, void *buf, size_t len,
		      const struct p2psim_tlp_result *result)
{
	struct p2psim_bar *bar = result->target->bars[result->bar];
	unsigned long page = result->address >> PAGE_SHIFT;
	bool reported = p2psim_mapping_check_bar(request->dev, addr, bar, page);
	const struct p2psim_bar_window *window = p2psim_bar_window_at(bar, page);

	if (window)
		check_owner(request, window->owner, "BAR memory");
	return p2psim_bar_access(bar, result->address, buf, len, request->write, false, reported);
}

/* A device that a driver has sends nothing before it may. */
static void check_master(const struct p2psim_dma_request *request, u64 addr, struct p2psim_tlp_result *result)
{
	struct pci_dev *from = p2psim_pci_of(request->dev);

	if (!from || !from->driver || from->is_busmaster || result->status == P2PSIM_TLP_DEVICE_GONE)
		return;
	p2psim_violate(P2PSIM_CONTRACT, 0, p2psim_object_id(&request->dev->obj), 0,
		       "%s %s 0x%llx, but its driver has not called pci_set_master()", dev_name(request->dev),
		       request->write ? "writes to" : "reads from", (unsigned long long)addr);
	result->status = P2PSIM_TLP_UNSUPPORTED_REQUEST;
	result->target = NULL;
}

static int beat(const struct p2psim_dma_request *request, u64 addr, void *buf, size_t len,
		struct p2psim_tlp_result *result)
{
	int ret = 0;

	beat_step(request, addr, len, result);
	route(request->dev, addr, result);
	check_master(request, addr, result);
	if (result->status == P2PSIM_TLP_OK && result->where == P2PSIM_TLP_RAM)
		ret = access_ram(request, addr, buf, len);
	else if (result->status == P2PSIM_TLP_OK)
		ret = access_bar(request, addr, buf, len, result);
	else if (result->status != P2PSIM_TLP_DEVICE_GONE)
		p2psim_mapping_check_bar(request->dev, addr, result->target ? result->target->bars[result->bar] : NULL,
					 result->address >> PAGE_SHIFT);
	if (ret)
		result->status = P2PSIM_TLP_COMPLETER_ABORT;
	return statuses[result->status].error;
}

int p2psim_dma(const struct p2psim_dma_request *request, struct p2psim_tlp_result *result)
{
	struct p2psim_tlp_result local;
	size_t chunk;
	int ret = 0;

	result = result ? result : &local;
	memset(result, 0, sizeof(*result));
	if (!p2psim_p2p_state())
		return -ENOMEM;
	while (!ret && result->done < request->len) {
		u64 addr = request->addr + result->done;

		chunk = min_t(size_t, request->len - result->done, PAGE_SIZE - (addr & (PAGE_SIZE - 1)));
		ret = beat(request, addr, (char *)request->buf + result->done, chunk, result);
		if (!ret)
			result->done += chunk;
	}
	if (ret)
		p2psim_note("DMA to 0x%x: %s", request->addr + result->done,
			    P2PSIM_STR(p2psim_tlp_status_name(result->status)));
	if (ret && !request->write)
		memset((char *)request->buf + result->done, 0xff, request->len - result->done);
	return ret;
}

int p2psim_dma_read(struct device *dev, uint64_t addr, void *buf, size_t len)
{
	struct p2psim_dma_request request = { .dev = dev, .addr = addr, .buf = buf, .len = len };

	return p2psim_dma(&request, NULL);
}

int p2psim_dma_write(struct device *dev, uint64_t addr, const void *buf, size_t len)
{
	struct p2psim_dma_request request = { .dev = dev, .addr = addr, .len = len, .write = true };

	request.buf = (void *)(uintptr_t)buf;
	return p2psim_dma(&request, NULL);
}

/* For pictures. */

struct text {
	char *at;
	size_t size;
	int used;
};

static void append(struct text *text, const char *fmt, const char *word)
{
	size_t used = min_t(size_t, (size_t)text->used, text->size);
	int n = snprintf(text->at + used, text->size - used, fmt, word);

	text->used += n > 0 ? n : 0;
}

int p2psim_tlp_format(const struct device *dev, const struct p2psim_tlp_result *result, char *text, size_t size)
{
	struct text line = { .at = text, .size = size };
	char where[48] = "";
	unsigned int i;

	append(&line, "%s", dev_name(dev));
	for (i = 0; i < result->hop_count; i++)
		append(&line, " > %s", result->hops[i] ? p2psim_pci_label(result->hops[i]) : "root complex");
	if (result->where == P2PSIM_TLP_BAR)
		snprintf(where, sizeof(where), " BAR%d+0x%llx", result->bar, (unsigned long long)result->address);
	else if (result->where == P2PSIM_TLP_RAM)
		snprintf(where, sizeof(where), " > RAM 0x%llx", (unsigned long long)result->address);
	append(&line, "%s", where);
	if (result->status != P2PSIM_TLP_OK)
		append(&line, ": %s", p2psim_tlp_status_name(result->status));
	return line.used;
}
