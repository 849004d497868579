/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/srcu.h, 6.1 (reduced).  Readers may sleep.  call_srcu() callbacks run in the daemon task
 * "srcu" after a grace period; no sleeping in them.
 */
#ifndef P2PSIM_LINUX_SRCU_H
#define P2PSIM_LINUX_SRCU_H

#include <p2psim/linux/sched.h>

struct srcu_struct {
	struct p2psim_object obj;
	unsigned int idx;		/* where new readers count themselves: 0 or 1 */
	unsigned int readers[2];
	struct callback_head *callbacks, **callbacks_tail;
	unsigned int queued, done;	/* callbacks so far */
	struct srcu_struct *next;	/* all that ever had a callback, in the world */
};

#define DEFINE_STATIC_SRCU(s) static struct srcu_struct s = { .obj = { .name = #s } }
P2PSIM_EXPORT int __init_srcu_struct(struct srcu_struct *srcu, const char *name);
#define init_srcu_struct(s) __init_srcu_struct((s), #s)
/* BALANCE when a reader or a callback is still there. */
P2PSIM_EXPORT void cleanup_srcu_struct(struct srcu_struct *srcu);
P2PSIM_EXPORT int srcu_read_lock(struct srcu_struct *srcu);
P2PSIM_EXPORT void srcu_read_unlock(struct srcu_struct *srcu, int idx);
P2PSIM_EXPORT void synchronize_srcu(struct srcu_struct *srcu);
P2PSIM_EXPORT void call_srcu(struct srcu_struct *srcu, struct callback_head *head,
			     void (*func)(struct callback_head *head));
P2PSIM_EXPORT void srcu_barrier(struct srcu_struct *srcu);
#define srcu_read_lock(s) (P2PSIM_HERE(), srcu_read_lock(s))
#define srcu_read_unlock(s, i) (P2PSIM_HERE(), srcu_read_unlock(s, i))
#define synchronize_srcu(s) (P2PSIM_HERE(), synchronize_srcu(s))
#define srcu_barrier(s) (P2PSIM_HERE(), srcu_barrier(s))

#endif
