/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/ktime.h, timekeeping.h, 6.1 (reduced).  All clocks are the logical one, which moves in milliseconds when
 * everybody waits; 0 is when the execution began.
 */
#ifndef P2PSIM_LINUX_KTIME_H
#define P2PSIM_LINUX_KTIME_H

#include <p2psim/linux/sched.h>

typedef s64 ktime_t;		/* nanoseconds */

#define KTIME_MAX INT64_MAX
#ifndef NSEC_PER_SEC
#define NSEC_PER_USEC 1000L
#define USEC_PER_MSEC 1000L
#define MSEC_PER_SEC 1000L
#define NSEC_PER_MSEC 1000000L
#define USEC_PER_SEC 1000000L
#define NSEC_PER_SEC 1000000000L
#endif

static inline ktime_t ktime_get(void)
{
	return (ktime_t)(jiffies * (NSEC_PER_SEC / HZ));
}

#define ktime_get_ns() ((u64)ktime_get())
#define ktime_get_raw() ktime_get()
#define ktime_get_raw_ns() ktime_get_ns()
#define ktime_get_boottime() ktime_get()
#define ktime_get_boottime_ns() ktime_get_ns()
#define ktime_get_coarse_boottime_ns() ktime_get_ns()

static inline ktime_t ktime_set(s64 seconds, unsigned long nanoseconds)
{
	return seconds >= KTIME_MAX / NSEC_PER_SEC ? KTIME_MAX : seconds * NSEC_PER_SEC + (s64)nanoseconds;
}

static inline int ktime_compare(ktime_t a, ktime_t b)
{
	return a < b ? -1 : a > b;
}

#define ktime_add(a, b) ((ktime_t)((a) + (b)))
#define ktime_sub(a, b) ((ktime_t)((a) - (b)))
#define ktime_add_ns(a, ns) ktime_add(a, ns)
#define ktime_add_us(a, us) ktime_add(a, (s64)(us) * NSEC_PER_USEC)
#define ktime_add_ms(a, ms) ktime_add(a, (s64)(ms) * NSEC_PER_MSEC)
#define ktime_sub_ns(a, ns) ktime_sub(a, ns)
#define ktime_after(a, b) (ktime_compare((a), (b)) > 0)
#define ktime_before(a, b) (ktime_compare((a), (b)) < 0)
#define ktime_to_ns(t) ((s64)(t))
#define ns_to_ktime(ns) ((ktime_t)(ns))
#define ms_to_ktime(ms) ((ktime_t)(ms) * NSEC_PER_MSEC)
#define ktime_divns(t, n) ((s64)(t) / (n))
#define ktime_to_us(t) ktime_divns((t), NSEC_PER_USEC)
#define ktime_to_ms(t) ktime_divns((t), NSEC_PER_MSEC)
#define ktime_us_delta(a, b) ktime_to_us(ktime_sub((a), (b)))
#define ktime_ms_delta(a, b) ktime_to_ms(ktime_sub((a), (b)))

#endif
