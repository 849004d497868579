/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/spinlock.h, 6.1 (reduced: handlers run as tasks, so that _irq and _irqsave keep nobody away; they tell
 * the lock graph, see <p2psim/linux/irqflags.h>).  Nobody may sleep while holding one.  Each call is one step.
 */
#ifndef P2PSIM_LINUX_SPINLOCK_H
#define P2PSIM_LINUX_SPINLOCK_H

#include <p2psim/linux/irqflags.h>
#include <p2psim/linux/kernel.h>
#include <p2psim/linux/rwlock.h>
#include <p2psim/lock.h>

typedef struct spinlock {
	struct p2psim_lock lock;
} spinlock_t;

#define __SPIN_LOCK_UNLOCKED(s) { .lock = { .obj = { .name = #s } } }
#define DEFINE_SPINLOCK(s) spinlock_t s = __SPIN_LOCK_UNLOCKED(s)

P2PSIM_EXPORT void __spin_lock_init(spinlock_t *lock, const char *name);
#define spin_lock_init(s) __spin_lock_init((s), #s)
P2PSIM_EXPORT void spin_lock(spinlock_t *lock);
P2PSIM_EXPORT int spin_trylock(spinlock_t *lock);
P2PSIM_EXPORT void spin_unlock(spinlock_t *lock);
P2PSIM_EXPORT bool spin_is_locked(spinlock_t *lock);

#define spin_lock(s) (P2PSIM_HERE(), spin_lock(s))
#define spin_trylock(s) (P2PSIM_HERE(), spin_trylock(s))
#define spin_unlock(s) (P2PSIM_HERE(), spin_unlock(s))
#define spin_lock_irq(s) (local_irq_disable(), spin_lock(s))
#define spin_unlock_irq(s) (spin_unlock(s), local_irq_enable())
#define spin_lock_bh(s) spin_lock(s)
#define spin_unlock_bh(s) spin_unlock(s)
#define spin_lock_irqsave(s, flags) (local_irq_save(flags), spin_lock(s))
#define spin_unlock_irqrestore(s, flags) (spin_unlock(s), local_irq_restore(flags))
#define assert_spin_locked(s) (P2PSIM_HERE(), p2psim_assert_held(&(s)->lock))
P2PSIM_EXPORT void p2psim_assert_held(struct p2psim_lock *lock);

#endif
