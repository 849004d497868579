/* SPDX-License-Identifier: MIT */
/*
 * Swap: a store of page contents by slot, and the cache in front of it.  Mirrors: mm/swap_state.c, mm/swapfile.c, 6.1
 * (reduced: one device as large as needed, written and read at once, no readahead).
 *
 *	    add_to_cache()		    write_out()
 *	RAM ---------------> RAM and slot ---------------> slot
 *	 ^                     |       ^                     |
 *	 '----- drop() --------'       '--- cache_read() ----'	a slot that several entries name
 *	 '------------------- read_last() -------------------'	one entry: the cache is left out
 *
 *	W1. A slot is used while an entry names it, or a page in the cache has it (page->private).
 *	W2. The cache holds one reference of its page.  The bytes are in the page as long as it is there, in the slot otherwise.
 *	W3. A page that several entries share is in the cache: whoever faults on one of them finds the same page.
 *	W4. A page whose slot no entry names leaves the cache with its last mapping, or when a write wants it alone.
 */
#include <string.h>

#include <p2psim/step.h>
#include <p2psim/world.h>

#include "vma/swap.h"

/* Slots as steps name them: units of RAM where no pfn is. */
#define FIRST_UNIT (1UL << 40)

struct swap_slot {
	void *data;		/* NULL: zeros */
	struct page *page;	/* in the cache */
	u32 count;		/* entries that name it */
	u32 owner;
};

static struct swap_slot *slot_of(unsigned long number)
{
	return &p2psim_swap()->slots[number];
}

static void slot_step(unsigned long number, const char *label)
{
	u64 unit = FIRST_UNIT + number;

	p2psim_step_range(P2PSIM_STEP_WRITE, P2PSIM_OBJ_RAM, true, unit, unit, label);
}

static struct swap_slot *grow(struct p2psim_swap_state *swap)
{
	unsigned long space = swap->space ? 2 * swap->space : 64;
	struct swap_slot *slots;

	if (swap->count < swap->space)
		return &swap->slots[swap->count++];
	slots = p2psim_arena_alloc(space * sizeof(*slots));
	if (!slots)
		return NULL;
	if (swap->count)
		memcpy(slots, swap->slots, swap->count * sizeof(*slots));
	swap->slots = slots;
	swap->space = space;
	return &swap->slots[swap->count++];
}

static bool is_free(const struct swap_slot *slot)
{
	return !slot->count && !slot->page;
}

static struct swap_slot *take_slot(struct p2psim_swap_state *swap)
{
	unsigned long i;

	for (i = 0; i < swap->count; i++)
		if (is_free(&swap->slots[i]))
			return &swap->slots[i];
	return grow(swap);
}

/* W2 */
static void enter_cache(struct swap_slot *slot, struct page *page)
{
	slot->page = page;
	page->private = (unsigned long)(slot - p2psim_swap()->slots);
	page->flags |= 1UL << PG_swapcache;
	get_page(page);
}

long swap_add_to_cache(struct page *page)
{
	struct p2psim_swap_state *swap = p2psim_swap();
	struct swap_slot *slot;

	if (swap_cache_refs(page))
		return (long)page->private;
	slot = swap && !p2psim_inject_point() ? take_slot(swap) : NULL;
	if (!slot)
		return -ENOMEM;
	*slot = (struct swap_slot){ .owner = p2psim_page_owner(page) };
	enter_cache(slot, page);
	swap->used++;
	return (long)page->private;
}

bool swap_is_used(unsigned long number)
{
	const struct p2psim_swap_state *swap = p2psim_swap();

	return number < swap->count && !is_free(&swap->slots[number]);
}

u32 swap_count(unsigned long number)
{
	return slot_of(number)->count;
}

struct page *swap_cache_peek(unsigned long number)
{
	return slot_of(number)->page;
}

void swap_dup(unsigned long number)
{
	struct swap_slot *slot = slot_of(number);

	slot->owner = slot->count++ ? 0 : slot->owner;
}

/* W1 */
static void free_if_unused(struct swap_slot *slot)
{
	if (!is_free(slot))
		return;
	p2psim_block_free(slot->data, "page contents");
	slot->data = NULL;
	p2psim_swap()->used--;
}

static void leave_cache(struct page *page)
{
	slot_of(page->private)->page = NULL;
	page->flags &= ~(1UL << PG_swapcache);
	page->private = 0;
}

void swap_cache_drop(struct page *page)
{
	struct swap_slot *slot = slot_of(page->private);

	leave_cache(page);
	free_if_unused(slot);
	drop_page(page);
}

void swap_forget(unsigned long number)
{
	slot_of(number)->count--;
}

/* W4 */
void swap_free(unsigned long number)
{
	struct swap_slot *slot = slot_of(number);
	struct page *page = slot->page;

	if (--slot->count)
		return;
	if (!page) {
		free_if_unused(slot);
	} else if (!page_mapcount(page)) {
		p2psim_step_range(P2PSIM_STEP_WRITE, P2PSIM_OBJ_RAM, true, page->pfn, page->pfn, "swap:free");
		if (slot->page == page && !slot->count && !page_mapcount(page))
			swap_cache_drop(page);
	}
}

/* The page takes the slot's bytes along (W2). */
static void take_bytes(struct swap_slot *slot, struct page *page)
{
	page->data = slot->data;
	slot->data = NULL;
	p2psim_page_set_owner(page, slot->owner);
}

struct page *swap_cache_read(unsigned long number)
{
	struct page *page = (alloc_page)(GFP_HIGHUSER_MOVABLE);
	struct swap_slot *slot;

	if (!page)
		return NULL;
	slot_step(number, "swap:read");
	slot = slot_of(number);
	if (!slot->page && slot->count) {
		take_bytes(slot, page);
		page->flags |= 1UL << PG_anon | 1UL << PG_swapbacked | 1UL << PG_uptodate;
		enter_cache(slot, page);
		return page;
	}
	put_page(page);
	if (slot->page)
		get_page(slot->page);
	return slot->page;
}

void swap_read_last(unsigned long number, struct page *page)
{
	take_bytes(slot_of(number), page);
	swap_free(number);
}

void swap_write_out(struct page *page)
{
	struct swap_slot *slot = slot_of(page->private);

	slot->data = page->data;
	page->data = NULL;
	leave_cache(page);
	drop_page(page);
}
