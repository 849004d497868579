/* SPDX-License-Identifier: MIT */
/*
 * Swap slots and the swap cache (swap.c has their rules).
 */
#ifndef P2PSIM_VMA_SWAP_H
#define P2PSIM_VMA_SWAP_H

#include "vma/internal.h"

struct swap_slot;

/* Of a world; a part of its RAM. */
struct p2psim_swap_state {
	struct swap_slot *slots;
	unsigned long count, space;	/* made so far, room for */
	unsigned long used;
};
struct p2psim_swap_state *p2psim_swap(void);	/* ram.c; NULL: out of memory */

/* The slot under which the page is in the swap cache: the one it has, or a fresh one.  -ENOMEM.  The page is locked. */
long swap_add_to_cache(struct page *page);
/* One entry more, or less, names the slot; the last one frees it, unless the cache has its page mapped somewhere. */
void swap_dup(unsigned long slot);
void swap_free(unsigned long slot);
/* The same for whoever has its page in the cache locked, and looks after it. */
void swap_forget(unsigned long slot);
bool swap_is_used(unsigned long slot);
/* How many entries name it. */
u32 swap_count(unsigned long slot);
/* The page in the cache, or NULL.  No step, no reference. */
struct page *swap_cache_peek(unsigned long slot);
/*
 * For a slot that others may have, too: the page in the cache, or a new one with the slot's bytes, put there in the slot's own
 * step.  With a reference; NULL: out of memory.
 */
struct page *swap_cache_read(unsigned long slot);
/* For a slot that one entry names and the cache has not: its bytes, and the slot is free. */
void swap_read_last(unsigned long slot, struct page *page);
/* Nobody maps the page any more, and nobody but the caller and the cache has it: the bytes go to the slot. */
void swap_write_out(struct page *page);
/* No entry names its slot: the page leaves the cache. */
void swap_cache_drop(struct page *page);

/* The references that the cache holds of it. */
static inline int swap_cache_refs(const struct page *page)
{
	return page->flags & 1UL << PG_swapcache ? 1 : 0;
}

/* True: the page is not in the cache, any more or at all.  False: an entry names its slot.  The caller has a reference. */
static inline bool swap_cache_leave(struct page *page)
{
	if (likely(!(page->flags & 1UL << PG_swapcache)))
		return true;
	if (swap_count(page->private))
		return false;
	swap_cache_drop(page);
	return true;
}

/* An entry has left the page: it leaves the cache, if no other maps it or names its slot.  The caller has a reference. */
static inline void swap_cache_unmapped(struct page *page)
{
	if (unlikely(page->flags & 1UL << PG_swapcache) && !page_mapcount(page))
		swap_cache_leave(page);
}

#endif
