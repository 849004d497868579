/* SPDX-License-Identifier: MIT */
/*
 * The CPU's own view of pages, for drivers: kmap() and copies of whole pages.
 */
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/highmem.h>
#include <p2psim/step.h>

#include "core/layer.h"
#include "vma/internal.h"
#include "vma/lowmem.h"
#include "vma/zone_device.h"

/* May the CPU use this page?  Told once it has been decided who goes next. */
static void check_reachable(const struct page *page, const char *what)
{
	if (page->_refcount.counter <= 0)
		p2psim_violate(P2PSIM_UAF, 0, P2PSIM_OBJ_RAM, 0, "%s of page %lx, which is free", what, page->pfn);
	zone_device_cpu_may_touch(page, "reaches for");
}

static bool is_zero_page(const struct page *page)
{
	return page->flags & 1UL << PG_reserved;
}

/* The zero page has bytes when somebody looks at them; it is the machine's, not allocated by anybody. */
static void *zero_page_bytes(struct page *page)
{
	char *bytes = page->data ? NULL : p2psim_arena_alloc(2 * PAGE_SIZE);

	if (bytes)
		page->data = (void *)ALIGN((uintptr_t)bytes, PAGE_SIZE);
	return page->data;
}

static void *bytes_of(struct page *page, const char *what)
{
	check_reachable(page, what);
	if (is_zero_page(page))
		return zero_page_bytes(page);
	if (!page->data)
		page->data = p2psim_block_alloc_sure("page contents");
	return page->data;
}

static void *map(struct page *page, const char *what)
{
	p2psim_step_range(P2PSIM_STEP_MEM_WRITE, P2PSIM_OBJ_RAM, true, page->pfn, page->pfn, what);
	return bytes_of(page, what);
}

void *(page_address)(const struct page *page)
{
	struct page *shown = (struct page *)(uintptr_t)page;
	void *bytes = bytes_of(shown, "page_address()");

	lowmem_remember(shown);
	return bytes;
}

/* It is mapped for reading alone: who wrote to it is found out here. */
static void check_zero_page(struct page *page)
{
	const unsigned char *bytes = page->data;
	size_t i;

	for (i = 0; bytes && i < PAGE_SIZE; i++) {
		if (bytes[i]) {
			memset(page->data, 0, PAGE_SIZE);
			p2psim_violate(P2PSIM_DATA, 0, P2PSIM_OBJ_RAM, 0,
				       "byte %zu of page %lx was written, the zero page that all processes share", i, page->pfn);
		}
	}
}

void *(kmap)(struct page *page)
{
	(might_sleep)();
	return map(page, "kmap()");
}

void kunmap(struct page *page)
{
	if (is_zero_page(page))
		check_zero_page(page);
}

void *(kmap_local_page)(struct page *page)
{
	return map(page, "kmap_local_page()");
}

void p2psim_kunmap_local(const void *addr)
{
}

void(copy_highpage)(struct page *to, struct page *from)
{
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_MEM_WRITE,
		.access_count = 2,
		.label = "copy_highpage()",
		.access[0] = { P2PSIM_OBJ_RAM, true, to->pfn, to->pfn },
		.access[1] = { P2PSIM_OBJ_RAM, false, from->pfn, from->pfn },
	};

	p2psim_step_op(&op);
	check_reachable(to, op.label);
	check_reachable(from, op.label);
	if (from->data)
		p2psim_ram_copy(to, from);
	else if (to->data)
		memset(to->data, 0, PAGE_SIZE);
}

void(clear_highpage)(struct page *page)
{
	p2psim_step_range(P2PSIM_STEP_MEM_WRITE, P2PSIM_OBJ_RAM, true, page->pfn, page->pfn, "clear_highpage()");
	check_reachable(page, "clear_highpage()");
	if (page->data)
		memset(page->data, 0, PAGE_SIZE);
}
