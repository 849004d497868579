/* SPDX-License-Identifier: MIT */
/*
 * Regions of physical addresses that drivers reserve: a list, in which each lies alone.
 */
#include <p2psim/check.h>
#include <p2psim/linux/ioport.h>
#include <p2psim/linux/list.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/step.h>

#include "core/layer.h"
#include "vma/internal.h"

#define MAX_PHYSMEM_BITS 46
#define SECTION_BYTES (1UL << 27)	/* of memory that gets struct pages */

struct region {
	struct resource resource;
	struct list_head link;
};

struct ioport_state {
	struct p2psim_object obj;
	struct list_head regions;
};

const struct resource iomem_resource = { .end = (1UL << MAX_PHYSMEM_BITS) - 1, .name = "PCI mem", .flags = IORESOURCE_MEM };

static void check_regions(void *layer)
{
	struct ioport_state *state = layer;
	struct region *region;

	list_for_each_entry(region, &state->regions, link)
		p2psim_violate(P2PSIM_LEAK, 0, state->obj.id, 0, "region %s at %llx was never released", region->resource.name,
			       (unsigned long long)region->resource.start);
}

static struct ioport_state *ioport_state(void)
{
	struct ioport_state *state = p2psim_layer_state(P2PSIM_LAYER_IOPORT, sizeof(*state));

	if (state && !state->regions.next) {
		p2psim_object_init(&state->obj, "physical addresses");
		INIT_LIST_HEAD(&state->regions);
		p2psim_layer_on_quiescent(P2PSIM_LAYER_IOPORT, check_regions);
	}
	return state;
}

static u64 end_of_ram(void)
{
	return (u64)p2psim_ram_end() << PAGE_SHIFT;
}

/* Somebody's region that reaches into [start, last], or NULL. */
static struct region *overlapping(struct ioport_state *state, u64 start, u64 last)
{
	struct region *region;

	list_for_each_entry(region, &state->regions, link)
		if (region->resource.start <= last && start <= region->resource.end)
			return region;
	return NULL;
}

static struct resource *add(struct ioport_state *state, struct region *region, u64 start, u64 size, const char *name)
{
	region->resource = (struct resource){ start, start + size - 1, name, IORESOURCE_MEM | IORESOURCE_BUSY };
	list_add_tail(&region->link, &state->regions);
	return &region->resource;
}

struct resource *(request_mem_region)(resource_size_t start, resource_size_t n, const char *name)
{
	struct ioport_state *state = ioport_state();
	struct region *region = state ? (kzalloc)(sizeof(*region), GFP_KERNEL) : NULL;

	if (!region)
		return NULL;
	p2psim_step_range(P2PSIM_STEP_WRITE, p2psim_object_id(&state->obj), true, start, start + n - 1, "request_mem_region");
	if (n && start + n > start && start >= end_of_ram() && !overlapping(state, start, start + n - 1))
		return add(state, region, start, n, name);
	(kfree)(region);
	return NULL;
}

void release_mem_region(resource_size_t start, resource_size_t n)
{
	struct ioport_state *state = ioport_state();
	struct region *region;

	p2psim_step_range(P2PSIM_STEP_WRITE, p2psim_object_id(&state->obj), true, start, start + n - 1, "release_mem_region");
	region = overlapping(state, start, start + n - 1);
	if (!region || region->resource.start != start || region->resource.end != start + n - 1) {
		p2psim_violate(P2PSIM_BALANCE, 0, state->obj.id, 0, "release_mem_region() of %llx, which was not requested",
			       (unsigned long long)start);
		return;
	}
	list_del(&region->link);
	(kfree)(region);
}

/* From the top down, below each region that is in the way.  0: nowhere. */
static u64 find_free(struct ioport_state *state, const struct resource *base, u64 size)
{
	u64 end = ALIGN_DOWN(base->end + 1, SECTION_BYTES);
	u64 lowest = max(ALIGN(base->start, SECTION_BYTES), ALIGN(end_of_ram(), SECTION_BYTES));
	struct region *other;

	while (end >= size && end - size >= lowest) {
		other = overlapping(state, end - size, end - 1);
		if (!other)
			return end - size;
		end = ALIGN_DOWN(other->resource.start, SECTION_BYTES);
	}
	return 0;
}

struct resource *(request_free_mem_region)(const struct resource *base, unsigned long size, const char *name)
{
	struct ioport_state *state = ioport_state();
	struct region *region = state ? (kzalloc)(sizeof(*region), GFP_KERNEL) : NULL;
	u64 start;

	if (!region)
		return ERR_PTR(-ENOMEM);
	size = ALIGN(size, SECTION_BYTES);
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&state->obj), true, "request_free_mem_region");
	start = find_free(state, base, size);
	if (start)
		return add(state, region, start, size, name);
	(kfree)(region);
	return ERR_PTR(-ERANGE);
}
