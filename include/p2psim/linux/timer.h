/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/timer.h, 6.1 (reduced: no migration, no slack).  A timer's function runs in the daemon task "timers",
 * when nobody else can go on until then; it must not sleep (LOCKGRAPH).
 */
#ifndef P2PSIM_LINUX_TIMER_H
#define P2PSIM_LINUX_TIMER_H

#include <p2psim/linux/list.h>
#include <p2psim/linux/sched.h>

struct timer_list {
	struct p2psim_object obj;
	struct list_head entry;		/* of those that run, the first to expire first */
	unsigned long expires;		/* jiffies */
	void (*function)(struct timer_list *timer);
	u32 flags;
	bool pending;
};

#define TIMER_DEFERRABLE 0x00080000
#define TIMER_PINNED 0x00100000
#define TIMER_IRQSAFE 0x00200000
#define __TIMER_INITIALIZER(fn, timer_flags) { .obj = { .name = #fn }, .function = (fn), .flags = (timer_flags) }
#define DEFINE_TIMER(name, fn) struct timer_list name = __TIMER_INITIALIZER(fn, 0)
#define from_timer(var, timer, field) container_of(timer, __typeof__(*(var)), field)

P2PSIM_EXPORT void p2psim_timer_init(struct timer_list *timer, void (*function)(struct timer_list *timer), unsigned int flags,
				     const char *name);
#define timer_setup(timer, function, flags) p2psim_timer_init((timer), (function), (flags), #timer)

/* Sets it, running or not; whether it ran. */
P2PSIM_EXPORT int mod_timer(struct timer_list *timer, unsigned long expires);
/* For one that does not run: CONTRACT. */
P2PSIM_EXPORT void add_timer(struct timer_list *timer);
/* Whether it ran.  Its function may be under way still; _sync waits for that (DEADLOCK from inside of it). */
P2PSIM_EXPORT int del_timer(struct timer_list *timer);
P2PSIM_EXPORT int del_timer_sync(struct timer_list *timer);
P2PSIM_EXPORT bool timer_pending(const struct timer_list *timer);
#define mod_timer(timer, expires) (P2PSIM_HERE(), mod_timer((timer), (expires)))
#define add_timer(timer) (P2PSIM_HERE(), add_timer(timer))
#define del_timer(timer) (P2PSIM_HERE(), del_timer(timer))
#define del_timer_sync(timer) (P2PSIM_HERE(), del_timer_sync(timer))

#endif
