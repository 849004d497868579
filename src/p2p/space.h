/* SPDX-License-Identifier: MIT */
/*
 * A space of addresses (or of pages) and the spans that are taken in it.  First fit, lowest address first.
 *
 * Invariants (A = cited by the tests)
 *	A1  spans lie inside the space, in order, without overlap.
 *	A2  a span is placed at the lowest multiple of its alignment where it fits.
 */
#ifndef P2PSIM_P2P_SPACE_H
#define P2PSIM_P2P_SPACE_H

#include "core/tree.h"

struct p2psim_span {
	struct p2psim_tree_node node;
	u64 start, end;			/* [start, end) */
};

struct p2psim_space {
	struct p2psim_tree taken;
	u64 start, end;
};

/* The lowest place for `size` at a multiple of `align`, as if `except` (may be NULL) were not there.  False: none. */
bool p2psim_space_place(const struct p2psim_space *space, u64 size, u64 align, const struct p2psim_span *except,
			u64 *start);
/* Is [start, end) inside the space and free, not counting `except`? */
bool p2psim_space_is_free(const struct p2psim_space *space, u64 start, u64 end, const struct p2psim_span *except);
/* span->start and end are set and free. */
void p2psim_space_take(struct p2psim_space *space, struct p2psim_span *span);
void p2psim_space_give(struct p2psim_space *space, struct p2psim_span *span);
/* The first span that ends after `addr`, or NULL. */
struct p2psim_span *p2psim_space_next(const struct p2psim_space *space, u64 addr);
/* The span over `addr`, or NULL. */
struct p2psim_span *p2psim_space_find(const struct p2psim_space *space, u64 addr);
/* A1. */
bool p2psim_space_is_valid(const struct p2psim_space *space);

#endif
