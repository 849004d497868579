/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/range.h, 6.1 (reduced). */
#ifndef P2PSIM_LINUX_RANGE_H
#define P2PSIM_LINUX_RANGE_H

#include <p2psim/linux/types.h>

/* `end` is the last one that belongs to it. */
struct range {
	u64 start;
	u64 end;
};

static inline u64 range_len(const struct range *range)
{
	return range->end - range->start + 1;
}

static inline bool range_contains(const struct range *outer, const struct range *inner)
{
	return outer->start <= inner->start && inner->end <= outer->end;
}

#endif
