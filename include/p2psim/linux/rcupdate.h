/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/rcupdate.h, 6.1 (reduced).  A grace period is a schedulable event: synchronize_rcu() waits for
 * all read sides that began before it; call_rcu() callbacks run in the daemon task "rcu" after one.
 */
#ifndef P2PSIM_LINUX_RCUPDATE_H
#define P2PSIM_LINUX_RCUPDATE_H

#include <p2psim/linux/mutex.h>
#include <p2psim/linux/sched.h>

P2PSIM_EXPORT void rcu_read_lock(void);
P2PSIM_EXPORT void rcu_read_unlock(void);
/* Context: may sleep, not in a read side (LOCKGRAPH). */
P2PSIM_EXPORT void synchronize_rcu(void);
P2PSIM_EXPORT void call_rcu(struct callback_head *head, void (*func)(struct callback_head *head));
/* Waits until all callbacks queued so far have run. */
P2PSIM_EXPORT void rcu_barrier(void);
#define rcu_read_lock() (P2PSIM_HERE(), rcu_read_lock())
#define rcu_read_unlock() (P2PSIM_HERE(), rcu_read_unlock())
#define synchronize_rcu() (P2PSIM_HERE(), synchronize_rcu())
#define rcu_barrier() (P2PSIM_HERE(), rcu_barrier())
#define rcu_dereference(p) smp_load_acquire(&(p))
/* Without an order: the value is not followed, or writers are kept out, which `c` says (CONTRACT when it is false). */
#define rcu_access_pointer(p) READ_ONCE(p)
#define rcu_dereference_raw(p) rcu_dereference(p)
#define rcu_dereference_check(p, c) rcu_dereference(p)
#define rcu_dereference_protected(p, c)                                                                                \
	__extension__({                                                                                                \
		(void)WARN_ON(!(c));                                                                                   \
		(p);                                                                                                   \
	})
#define RCU_INIT_POINTER(p, v) WRITE_ONCE(p, v)
#define rcu_assign_pointer(p, v) smp_store_release(&(p), v)

#endif
