/* SPDX-License-Identifier: MIT */
/*
 * GUP from inside: what its slow (gup.c) and its fast path (gup_fast.c) share.
 */
#ifndef P2PSIM_VMA_GUP_H
#define P2PSIM_VMA_GUP_H

#include "vma/internal.h"

/* Would a pin for reading let a later write of the process copy the page away from under the device? */
bool gup_must_unshare(pte_t pte, unsigned int flags);
/* The reference, or the pin, that the flags say. */
void gup_take(struct page *page, unsigned int flags);
/*
 * FOLL_LONGTERM: device-coherent pages among the pinned ones go to RAM.  0: there are none; else nothing is pinned any more:
 * -EAGAIN, they are moved; -EBUSY.
 */
int gup_move_for_long(struct page **pages, long count);
/* CONTRACT; -EINVAL. */
long gup_refuse(void);
/* Takes mmap_lock of the current process itself; the flags are checked. */
long gup_unlocked(unsigned long start, unsigned long nr_pages, unsigned int flags, struct page **pages);

#endif
