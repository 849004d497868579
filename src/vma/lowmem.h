/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own memory as RAM, from inside: which struct pages stand for what kmalloc() gave (lowmem.c).
 */
#ifndef P2PSIM_VMA_LOWMEM_H
#define P2PSIM_VMA_LOWMEM_H

#include <p2psim/linux/mm_types.h>

struct lowmem_run;

/* A part of the world's RAM state. */
struct p2psim_lowmem {
	struct lowmem_run *runs;	/* stretches of kmalloc() memory that have pages */
	struct p2psim_tree blocks;	/* whose bytes page_address() has shown, by address */
};
struct p2psim_lowmem *p2psim_lowmem(void);	/* ram.c; NULL: out of memory */

/* Does it stand for memory of kmalloc()?  Then it is never free. */
static inline bool lowmem_is_kmalloc(const struct page *page)
{
	return page->flags & 1UL << PG_slab;
}

/* From now on virt_to_page() knows the block of its bytes. */
void lowmem_remember(struct page *page);
/* STALE if that byte lies in memory that was freed; true: it does. */
bool lowmem_check_freed(const struct page *page, unsigned long offset, bool write);

/* ram.c: the first of `count` pages in a row that nobody else gets any more; NULL: RAM is too small. */
struct page *ram_take_top(unsigned long count);

#endif
