/* SPDX-License-Identifier: MIT */
/*
 * Migration by pfn: a driver empties its memory, a long-term pin empties a page of it.  Mirrors: mm/migrate_device.c, 6.1.
 *
 * No VMA and no mmap_lock: the pages are found by pfn, their entries by the reverse map, and what the mms hear is CLEAR, page by
 * page in the order of pfns.
 */
#include <p2psim/check.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/migrate.h"
#include "vma/rmap_walk.h"
#include "vma/zone_device.h"

/* One look at the references of [pfn, last]; with write, that of pfn is about to change. */
static void look_step(unsigned long pfn, unsigned long last, bool write)
{
	struct p2psim_op op = {
		.kind = write ? P2PSIM_STEP_WRITE : P2PSIM_STEP_READ,
		.label = "migrate:range",
		.access_count = 1,
		.access[0] = { P2PSIM_OBJ_RAM, write, pfn, write ? pfn : last },
	};

	if (write && last > pfn)
		op.access[op.access_count++] = (struct p2psim_access){ P2PSIM_OBJ_RAM, false, pfn + 1, last };
	p2psim_step_op(&op);
}

/* A page that nobody uses stays where it is. */
static unsigned long take_page(unsigned long pfn, unsigned long last)
{
	struct page *page = zone_device_peek(pfn);

	if (!page || !page_count(page))
		return 0;
	look_step(pfn, last, true);
	if (!page_count(page))
		return 0;
	get_page(page);
	if (!trylock_page(page)) {
		put_page(page);
		return 0;
	}
	return migrate_pfn(pfn) | MIGRATE_PFN_MIGRATE;
}

int(migrate_device_range)(unsigned long *src_pfns, unsigned long start, unsigned long npages)
{
	unsigned long i;

	p2psim_enter("migrate_device_range(%x, %u)", start, npages);
	if (npages)
		look_step(start, start + npages - 1, false);
	for (i = 0; i < npages; i++)
		src_pfns[i] = take_page(start + i, start + npages - 1);
	migrate_unmap_pages(src_pfns, npages, NULL);
	p2psim_leave("migrate_device_range");
	return 0;
}

/* RAM for it, with its bytes; 0: none. */
static unsigned long copy_to_ram(struct page *page)
{
	struct page *copy = (alloc_page)(GFP_USER);

	if (!copy)
		return 0;
	lock_page(copy);
	if (p2psim_ram_copy(copy, page))
		return migrate_pfn(page_to_pfn(copy));
	unlock_page(copy);
	put_page(copy);
	return 0;
}

int migrate_device_coherent_page(struct page *page)
{
	unsigned long src = migrate_pfn(page_to_pfn(page)) | MIGRATE_PFN_MIGRATE, dst;

	lock_page(page);
	if (!migrate_unmap_pages(&src, 1, NULL))
		return -EBUSY;
	dst = copy_to_ram(page);
	(migrate_device_pages)(&src, &dst, 1);
	(migrate_device_finalize)(&src, &dst, 1);
	return src & MIGRATE_PFN_MIGRATE ? 0 : -EBUSY;
}
