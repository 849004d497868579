/* SPDX-License-Identifier: MIT */
/*
 * Struct pages of devices from inside: where pfns outside RAM are looked up (memremap.c).
 */
#ifndef P2PSIM_VMA_ZONE_DEVICE_H
#define P2PSIM_VMA_ZONE_DEVICE_H

#include <p2psim/linux/memremap.h>

struct pagemap_range;

/* A part of the world's RAM state. */
struct p2psim_pagemaps {
	struct pagemap_range *ranges;	/* of all pagemaps */
};
struct p2psim_pagemaps *p2psim_pagemaps(void);	/* ram.c; NULL: out of memory */

/* NULL: no device has it. */
struct page *zone_device_page_of_pfn(const struct p2psim_pagemaps *maps, unsigned long pfn);
/* The same, and NULL for a page that nobody has asked for so far: it was never used. */
struct page *zone_device_peek(unsigned long pfn);
/* Its count is 0 now. */
void zone_device_page_free(struct page *page);
/* LEAK: pages that are in use. */
void zone_device_check(const struct p2psim_pagemaps *maps);
/* Does [first, last] of pfns touch any pagemap's? */
bool zone_device_overlaps(const struct p2psim_pagemaps *maps, unsigned long first, unsigned long last);
/* DATA if the CPU cannot reach the bytes of this page; true: it can. */
bool zone_device_cpu_may_touch(const struct page *page, const char *how);

/* ---- ram.c ---- */

bool ram_overlaps(unsigned long first, unsigned long last);

#endif
