/* SPDX-License-Identifier: MIT */
/*
 * The tree under xarrays and idrs: nodes of 64 slots, each with bitmaps of what its slots (or anything below them) are.
 *
 * No lock, no step.
 */
#ifndef P2PSIM_CORE_RADIX_H
#define P2PSIM_CORE_RADIX_H

#include <p2psim/linux/types.h>

enum p2psim_radix_map {
	P2PSIM_RADIX_MARK_0, P2PSIM_RADIX_MARK_1, P2PSIM_RADIX_MARK_2,
	P2PSIM_RADIX_USED,	/* an entry; inner nodes: some entry below */
	P2PSIM_RADIX_FULL,	/* the same; inner nodes: nothing free below */
	P2PSIM_RADIX_MAPS
};

/* `head`: the top node or NULL. */
void *p2psim_radix_load(void *head, unsigned long index);
/* *old: what was there.  entry NULL erases, marks included.  0 or -ENOMEM; memory is asked for with `gfp`. */
int p2psim_radix_store(void **head, unsigned long index, void *entry, gfp_t gfp, void **old);
void p2psim_radix_free(void **head);

bool p2psim_radix_marked(void *head, unsigned long index, enum p2psim_radix_map mark);
/* Where there is no entry, nothing happens. */
void p2psim_radix_mark(void *head, unsigned long index, enum p2psim_radix_map mark, bool set);
bool p2psim_radix_any(void *head, enum p2psim_radix_map map);

/* The first index at or behind *index that has the mark (USED: an entry); false: none. */
bool p2psim_radix_next(void *head, unsigned long *index, enum p2psim_radix_map map);
/* The first index at or behind *index without an entry; false: none. */
bool p2psim_radix_next_free(void *head, unsigned long *index);

#endif
