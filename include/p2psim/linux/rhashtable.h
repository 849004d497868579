/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/rhashtable.h, rhashtable-types.h, 6.1 (names alone; hash tables of a fixed size are in hashtable.h). */
#ifndef P2PSIM_LINUX_RHASHTABLE_H
#define P2PSIM_LINUX_RHASHTABLE_H

#include <p2psim/linux/rculist.h>
#include <p2psim/linux/workqueue.h>

struct rhashtable;

struct rhash_head {
	struct rhash_head *next;
};

#endif
