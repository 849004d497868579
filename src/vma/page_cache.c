/* SPDX-License-Identifier: MIT */
/*
 * The page cache of a file: which page holds which part of it.
 *
 *	P1. The cache holds one reference of each page; page->mapping and page->index say where it is.
 *	P2. A page enters and leaves with its lock held: whoever locks a page and finds page->mapping as expected has it.
 *	P3. A look-up is a step that reads (file, index), entering and leaving one that writes it.
 *
 * A radix tree of 512 slots a table that is as high as the largest index needs.  Left out: dirty and writeback tags,
 * multi-page folios, reclaim of clean pages.
 */
#include <p2psim/check.h>
#include <p2psim/linux/fs.h>
#include <p2psim/step.h>

#include "vma/internal.h"
#include "vma/page_cache.h"

#define TABLE "page cache"
#define SLOT_BITS 9
#define HEIGHT_MAX 6

/* How many indexes a tree of this height covers. */
static pgoff_t span_of(int height)
{
	return height >= HEIGHT_MAX ? ULONG_MAX : 1UL << (SLOT_BITS * height);
}

static unsigned int slot_of(pgoff_t index, int level)
{
	return (index >> (SLOT_BITS * level)) & (PTRS_PER_TABLE - 1);
}

/* The slot of index; NULL if there is none and it is not to be made, or no memory. */
static void **slot_at(struct address_space *mapping, pgoff_t index, bool make)
{
	void **table, **slot;
	int level;

	while (make && (!mapping->i_pages || index >= span_of(mapping->i_height))) {
		table = p2psim_block_alloc(TABLE);
		if (!table)
			return NULL;
		table[0] = mapping->i_pages;
		mapping->i_pages = table;
		mapping->i_height++;
	}
	table = mapping->i_pages;
	if (!table || index >= span_of(mapping->i_height))
		return NULL;
	for (level = mapping->i_height - 1; level; level--) {
		slot = &table[slot_of(index, level)];
		if (!*slot && make)
			*slot = p2psim_block_alloc(TABLE);
		table = *slot;
		if (!table)
			return NULL;
	}
	return &table[slot_of(index, 0)];
}

static void cache_step(struct address_space *mapping, pgoff_t first, pgoff_t last, bool write)
{
	p2psim_step_range(write ? P2PSIM_STEP_WRITE : P2PSIM_STEP_READ, p2psim_object_id(&mapping->host->obj), write, first, last,
			  "page cache");
}

/* The first page at or after *index within the table's part of [base, base + span), or NULL. */
static struct page *first_in(void **table, int level, pgoff_t base, pgoff_t from, pgoff_t last)
{
	pgoff_t span = 1UL << (SLOT_BITS * level), at;
	struct page *page;
	unsigned int i;

	for (i = from > base ? (from - base) >> (SLOT_BITS * level) : 0; i < PTRS_PER_TABLE; i++) {
		at = base + i * span;
		if (at > last)
			return NULL;
		if (!table[i])
			continue;
		page = level ? first_in(table[i], level - 1, at, from, last) : table[i];
		if (page)
			return page;
	}
	return NULL;
}

struct page *page_cache_next(struct address_space *mapping, pgoff_t first, pgoff_t last)
{
	if (!mapping->i_pages || first > last || first >= span_of(mapping->i_height))
		return NULL;
	return first_in(mapping->i_pages, mapping->i_height - 1, 0, first, last);
}

struct page *page_cache_peek(struct address_space *mapping, pgoff_t index)
{
	void **slot = slot_at(mapping, index, false);

	return slot ? *slot : NULL;
}

/* Another may have entered or left while the step waited. */
struct page *page_cache_find(struct address_space *mapping, pgoff_t index)
{
	struct page *page;

	cache_step(mapping, index, index, false);
	page = page_cache_peek(mapping, index);
	if (page)
		get_page(page);
	return page;
}

int page_cache_add(struct address_space *mapping, pgoff_t index, struct page *page)
{
	void **slot;

	cache_step(mapping, index, index, true);
	slot = slot_at(mapping, index, true);
	if (!slot)
		return -ENOMEM;
	if (*slot)
		return -EEXIST;
	*slot = page;
	get_page(page);
	page->mapping = mapping;
	page->index = index;
	mapping->nrpages++;
	return 0;
}

void page_cache_remove(struct page *page)
{
	struct address_space *mapping = page->mapping;
	void **slot = slot_at(mapping, page->index, false);

	cache_step(mapping, page->index, page->index, true);
	*slot = NULL;
	mapping->nrpages--;
	page->mapping = NULL;
	put_page(page);
}

void page_cache_replace(struct page *old, struct page *page)
{
	struct address_space *mapping = old->mapping;

	cache_step(mapping, old->index, old->index, true);
	*slot_at(mapping, old->index, false) = page;
	get_page(page);
	page->mapping = mapping;
	page->index = old->index;
	old->mapping = NULL;
	put_page(old);
}

static void free_tables(void **table, int level)
{
	unsigned int i;

	for (i = 0; level && i < PTRS_PER_TABLE; i++)
		if (table[i])
			free_tables(table[i], level - 1);
	p2psim_block_free(table, TABLE);
}

void page_cache_free(struct address_space *mapping)
{
	struct page *page;

	while ((page = page_cache_next(mapping, 0, ULONG_MAX)))
		page_cache_remove(page);
	if (mapping->i_pages)
		free_tables(mapping->i_pages, mapping->i_height - 1);
	mapping->i_pages = NULL;
}
