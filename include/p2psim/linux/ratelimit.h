/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/ratelimit.h, ratelimit_types.h, 6.1 (reduced: the interval is of logical time). */
#ifndef P2PSIM_LINUX_RATELIMIT_H
#define P2PSIM_LINUX_RATELIMIT_H

#include <p2psim/linux/sched.h>
#include <p2psim/linux/spinlock.h>

#define DEFAULT_RATELIMIT_INTERVAL (5 * HZ)
#define DEFAULT_RATELIMIT_BURST 10

struct ratelimit_state {
	spinlock_t lock;
	int interval;			/* jiffies */
	int burst;			/* in an interval */
	int printed;
	int missed;
	unsigned long begin;
};

/* Declared: linking names it. */
int ___ratelimit(struct ratelimit_state *rs, const char *func);
#define __ratelimit(state) ___ratelimit(state, __func__)

#endif
