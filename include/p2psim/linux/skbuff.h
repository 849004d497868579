/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/skbuff.h, 6.1 (names alone: there is no network). */
#ifndef P2PSIM_LINUX_SKBUFF_H
#define P2PSIM_LINUX_SKBUFF_H

#include <p2psim/linux/cache.h>
#include <p2psim/linux/hrtimer.h>
#include <p2psim/linux/spinlock.h>

struct sk_buff;

struct sk_buff_head {
	struct sk_buff *next, *prev;
	u32 qlen;
	spinlock_t lock;
};

#endif
