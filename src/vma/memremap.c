/* SPDX-License-Identifier: MIT */
/*
 * memremap_pages(): struct pages for the memory of devices.  Mirrors: mm/memremap.c, 6.1 (reduced: no altmap, no direct map).
 *
 *	Z1. A page of PRIVATE or COHERENT memory that is in use holds a reference of its pagemap; the others are held as a whole
 *	    until memunmap_pages().
 *	Z2. The last put_page() gives the page back to the driver: mapping cleared, page_free(), in atomic context.
 *	Z3. memunmap_pages() ends when the last reference of the pagemap is gone, and no page of it is looked up again.
 *
 * Struct pages are made in sections of 512 when one is first asked for; their bytes, where the CPU can reach them, as those
 * of RAM.
 */
#include <p2psim/check.h>
#include <p2psim/lock.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/internal.h"
#include "vma/zone_device.h"

#define SECTION 512UL
#define GENERATION_SHIFT 17
#define GENERATION_MASK 0xfffe0000UL

struct pagemap_range {
	struct dev_pagemap *pgmap;	/* NULL: gone */
	unsigned long first, last;	/* pfns */
	struct page **sections;		/* of 512, from that of `first` */
	struct pagemap_range *next;
};

/* ---- pages by pfn ---- */

static bool keeps_count_zero(const struct dev_pagemap *pgmap)
{
	return pgmap->type == MEMORY_DEVICE_PRIVATE || pgmap->type == MEMORY_DEVICE_COHERENT;
}

static struct page *make_section(const struct pagemap_range *range, unsigned long number)
{
	struct page *section = p2psim_arena_alloc(SECTION * sizeof(*section));
	unsigned long i;

	for (i = 0; section && i < SECTION; i++) {
		section[i].pfn = number * SECTION + i;
		section[i].flags = 1UL << PG_device;
		section[i].pgmap = range->pgmap;
		section[i]._mapcount.counter = -1;
		section[i]._refcount.counter = keeps_count_zero(range->pgmap) ? 0 : 1;
	}
	return section;
}

/* Where the section of a pfn stands, or will; *range_of: whose it is. */
static struct page **section_of(const struct p2psim_pagemaps *maps, unsigned long pfn,
				const struct pagemap_range **range_of)
{
	const struct pagemap_range *range;

	for (range = maps->ranges; range; range = range->next) {
		if (!range->pgmap || pfn < range->first || pfn > range->last)
			continue;
		*range_of = range;
		return &range->sections[pfn / SECTION - range->first / SECTION];
	}
	return NULL;
}

struct page *zone_device_page_of_pfn(const struct p2psim_pagemaps *maps, unsigned long pfn)
{
	const struct pagemap_range *range;
	struct page **section = section_of(maps, pfn, &range);

	if (section && !*section)
		*section = make_section(range, pfn / SECTION);
	return section && *section ? &(*section)[pfn % SECTION] : NULL;
}

struct page *zone_device_peek(unsigned long pfn)
{
	const struct pagemap_range *range;
	struct page **section = section_of(p2psim_pagemaps(), pfn, &range);

	return section && *section ? &(*section)[pfn % SECTION] : NULL;
}

void zone_device_check(const struct p2psim_pagemaps *maps)
{
	const struct pagemap_range *range;

	for (range = maps->ranges; range; range = range->next)
		if (range->pgmap && keeps_count_zero(range->pgmap) && range->pgmap->ref.p2psim_count)
			p2psim_violate(P2PSIM_LEAK, 0, P2PSIM_OBJ_RAM, 0, "%ld page(s) of device memory were never freed",
				       range->pgmap->ref.p2psim_count);
}

bool zone_device_overlaps(const struct p2psim_pagemaps *maps, unsigned long first, unsigned long last)
{
	const struct pagemap_range *range;

	for (range = maps->ranges; range; range = range->next)
		if (range->pgmap && range->first <= last && first <= range->last)
			return true;
	return false;
}

bool zone_device_cpu_may_touch(const struct page *page, const char *how)
{
	if (likely(!is_device_private_page(page)))
		return true;
	p2psim_violate(P2PSIM_DATA, 0, P2PSIM_OBJ_RAM, 0,
		       "the CPU %s page %lx, which is device-private: only its device can reach these bytes", how, page->pfn);
	return false;
}

/* ---- pages come and go ---- */

static bool is_unused(const struct page *page)
{
	return !page->_refcount.counter && !page->pgmap->ref.p2psim_killed;
}

void(zone_device_page_init)(struct page *page)
{
	p2psim_step_range(P2PSIM_STEP_WRITE, P2PSIM_OBJ_RAM, true, page->pfn, page->pfn, "zone_device_page_init");
	if (!keeps_count_zero(page->pgmap) || !is_unused(page)) {
		p2psim_violate(P2PSIM_CONTRACT, 0, P2PSIM_OBJ_RAM, 0,
			       "zone_device_page_init() of page %lx, which is in use, or whose pagemap is on its way out",
			       page->pfn);
		return;
	}
	page->pgmap->ref.p2psim_count++; /* Z1 */
	page->flags = ((page->flags + (1UL << GENERATION_SHIFT)) & GENERATION_MASK) | 1UL << PG_device | 1UL << PG_locked;
	page->_refcount.counter = 1;
	page->_mapcount.counter = -1;
	page->mapping = NULL;
	page->index = 0;
}

static bool comes_back(const struct dev_pagemap *pgmap)
{
	return pgmap->ops && pgmap->ops->page_free && pgmap->type != MEMORY_DEVICE_FS_DAX;
}

/* Z2.  The owner stays in the flags: who sees these bytes now reads of a freed page. */
void zone_device_page_free(struct page *page)
{
	struct dev_pagemap *pgmap = page->pgmap;

	if (!comes_back(pgmap)) {
		p2psim_violate(P2PSIM_BALANCE, 0, P2PSIM_OBJ_RAM, 0,
			       "the reference that page %lx of a device keeps while it is idle was dropped", page->pfn);
		return;
	}
	page->flags &= ~0xffffffffUL | GENERATION_MASK | 1UL << PG_device;
	page->mapping = NULL;
	p2psim_nonblock_start("page_free() of a device's page");
	pgmap->ops->page_free(page);
	p2psim_nonblock_end();
	if (keeps_count_zero(pgmap))
		put_dev_pagemap(pgmap);
	else
		page->_refcount.counter = 1;
}

struct dev_pagemap *get_dev_pagemap(unsigned long pfn, struct dev_pagemap *pgmap)
{
	const struct page *page = pfn_to_page(pfn);
	struct dev_pagemap *found = page && is_zone_device_page(page) ? page->pgmap : NULL;

	if (pgmap && pgmap == found)
		return pgmap;
	if (pgmap)
		put_dev_pagemap(pgmap);
	if (!found || found->ref.p2psim_killed)
		return NULL;
	found->ref.p2psim_count++;
	return found;
}

void put_dev_pagemap(struct dev_pagemap *pgmap)
{
	if (!pgmap)
		return;
	if (pgmap->ref.p2psim_count <= 0)
		p2psim_violate(P2PSIM_BALANCE, 0, 0, 0, "a reference too many of a pagemap is dropped");
	else
		pgmap->ref.p2psim_count--;
}

/* ---- memremap_pages() ---- */

/* 7.7 of the reference: what each type cannot do without. */
static bool has_what_it_needs(const struct dev_pagemap *pgmap)
{
	switch (pgmap->type) {
	case MEMORY_DEVICE_PRIVATE:
		return pgmap->ops && pgmap->ops->migrate_to_ram && pgmap->ops->page_free && pgmap->owner;
	case MEMORY_DEVICE_COHERENT:
		return pgmap->ops && pgmap->ops->page_free && pgmap->owner;
	case MEMORY_DEVICE_FS_DAX:
	case MEMORY_DEVICE_GENERIC:
	case MEMORY_DEVICE_PCI_P2PDMA:
		return true;
	}
	return false;
}

static int check_range(const struct p2psim_pagemaps *maps, const struct range *range)
{
	unsigned long first = range->start >> PAGE_SHIFT, last = range->end >> PAGE_SHIFT;

	if (range->start > range->end || !PAGE_ALIGNED(range->start) || !PAGE_ALIGNED(range->end + 1))
		return -EINVAL;
	if (ram_overlaps(first, last))
		return -ENXIO;
	return zone_device_overlaps(maps, first, last) ? -ENOMEM : 0;
}

static int add_range(struct p2psim_pagemaps *maps, struct dev_pagemap *pgmap, const struct range *range)
{
	struct pagemap_range *added;
	int error = check_range(maps, range);

	if (error)
		return error;
	added = p2psim_inject_point() ? NULL : p2psim_arena_alloc(sizeof(*added));
	if (!added)
		return -ENOMEM;
	added->first = range->start >> PAGE_SHIFT;
	added->last = range->end >> PAGE_SHIFT;
	added->sections = p2psim_arena_alloc((added->last / SECTION - added->first / SECTION + 1) * sizeof(*added->sections));
	if (!added->sections)
		return -ENOMEM;
	added->pgmap = pgmap;
	added->next = maps->ranges;
	maps->ranges = added;
	if (!keeps_count_zero(pgmap))
		pgmap->ref.p2psim_count += (long)(added->last - added->first + 1);
	return 0;
}

/* From the first to the last page of a pagemap, as a step names them. */
static struct p2psim_access pages_of(const struct dev_pagemap *pgmap, bool write)
{
	struct p2psim_access all = { P2PSIM_OBJ_RAM, write, ULONG_MAX, 0 };
	int i;

	for (i = 0; i < pgmap->nr_range; i++) {
		all.start = min(all.start, pgmap->ranges[i].start >> PAGE_SHIFT);
		all.last = max(all.last, pgmap->ranges[i].end >> PAGE_SHIFT);
	}
	return all;
}

void *(memremap_pages)(struct dev_pagemap *pgmap, int nid)
{
	struct p2psim_pagemaps *maps = p2psim_pagemaps();
	int ranges = pgmap->nr_range, error;

	(void)nid;
	might_sleep();
	if (!maps)
		return ERR_PTR(-ENOMEM);
	if (ranges <= 0 || !has_what_it_needs(pgmap))
		return ERR_PTR(-EINVAL);
	pgmap->ref = (struct percpu_ref){ 0 };
	init_completion(&pgmap->done);
	error = p2psim_inject_point() ? -ENOMEM : 0;
	for (pgmap->nr_range = 0; !error && pgmap->nr_range < ranges; pgmap->nr_range += !error)
		error = add_range(maps, pgmap, &pgmap->ranges[pgmap->nr_range]);
	if (error) {
		if (pgmap->nr_range)
			(memunmap_pages)(pgmap);
		pgmap->nr_range = ranges;
		return ERR_PTR(error);
	}
	p2psim_note("memremap_pages(%p, %p)", pgmap->range.start, pgmap->range.end + 1);
	return (void *)(uintptr_t)pgmap->range.start;
}

/* ---- memunmap_pages() ---- */

static bool has_no_reference(void *arg)
{
	return !((const struct dev_pagemap *)arg)->ref.p2psim_count;
}

/* Z3.  All other steps that free a page name its pfn. */
static void wait_for_pages(struct dev_pagemap *pgmap)
{
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_READ,
		.label = "memunmap:wait",
		.enabled = has_no_reference,
		.arg = pgmap,
		.access_count = 1,
		.access[0] = pages_of(pgmap, false),
	};

	p2psim_step_op(&op);
}

static void kill_pages(struct dev_pagemap *pgmap)
{
	struct p2psim_access all = pages_of(pgmap, true);
	int i;

	p2psim_step_range(P2PSIM_STEP_WRITE, all.obj, true, all.start, all.last, "memunmap:kill");
	pgmap->ref.p2psim_killed = true;
	for (i = 0; i < pgmap->nr_range && !keeps_count_zero(pgmap); i++)
		pgmap->ref.p2psim_count -= (long)(range_len(&pgmap->ranges[i]) >> PAGE_SHIFT);
}

static void forget_page(struct page *page, int idle)
{
	if (page->_refcount.counter > idle)
		p2psim_violate(P2PSIM_UAF, 0, P2PSIM_OBJ_RAM, 0,
			       "page %lx goes with memunmap_pages(), and %d reference(s) of it are held", page->pfn,
			       page->_refcount.counter - idle);
	p2psim_block_free(page->data, "page contents");
	page->data = NULL;
}

static void forget_range(struct pagemap_range *range)
{
	int idle = keeps_count_zero(range->pgmap) ? 0 : 1;
	unsigned long number, i, count = range->last / SECTION - range->first / SECTION + 1;

	for (number = 0; number < count; number++)
		for (i = 0; range->sections[number] && i < SECTION; i++)
			forget_page(&range->sections[number][i], idle);
	range->pgmap = NULL;
}

void(memunmap_pages)(struct dev_pagemap *pgmap)
{
	struct pagemap_range *range;

	might_sleep();
	p2psim_enter("memunmap_pages(%p, %p)", pgmap->range.start, pgmap->range.end + 1);
	kill_pages(pgmap);
	wait_for_pages(pgmap);
	for (range = p2psim_pagemaps()->ranges; range; range = range->next)
		if (range->pgmap == pgmap)
			forget_range(range);
	p2psim_leave("memunmap_pages");
}
