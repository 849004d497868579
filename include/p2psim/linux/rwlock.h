/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/rwlock.h, rwlock_types.h, 6.1 (reduced as spinlock.h).  A waiting writer stops new readers,
 * as the kernel's queue does, so that a recursive read_lock() can deadlock.  Nobody may sleep while holding one.  Steps as of
 * an rwsem.
 */
#ifndef P2PSIM_LINUX_RWLOCK_H
#define P2PSIM_LINUX_RWLOCK_H

#include <p2psim/linux/irqflags.h>
#include <p2psim/linux/kernel.h>
#include <p2psim/lock.h>

typedef struct {
	struct p2psim_lock lock;
} rwlock_t;

#define __RW_LOCK_UNLOCKED(l) { .lock = { .obj = { .name = #l } } }
#define DEFINE_RWLOCK(l) rwlock_t l = __RW_LOCK_UNLOCKED(l)

P2PSIM_EXPORT void __rwlock_init(rwlock_t *lock, const char *name);
#define rwlock_init(l) __rwlock_init((l), #l)
P2PSIM_EXPORT void read_lock(rwlock_t *lock);
P2PSIM_EXPORT int read_trylock(rwlock_t *lock);
P2PSIM_EXPORT void read_unlock(rwlock_t *lock);
P2PSIM_EXPORT void write_lock(rwlock_t *lock);
P2PSIM_EXPORT int write_trylock(rwlock_t *lock);
P2PSIM_EXPORT void write_unlock(rwlock_t *lock);

#define read_lock(l) (P2PSIM_HERE(), read_lock(l))
#define read_trylock(l) (P2PSIM_HERE(), read_trylock(l))
#define read_unlock(l) (P2PSIM_HERE(), read_unlock(l))
#define write_lock(l) (P2PSIM_HERE(), write_lock(l))
#define write_trylock(l) (P2PSIM_HERE(), write_trylock(l))
#define write_unlock(l) (P2PSIM_HERE(), write_unlock(l))
#define read_lock_irq(l) (local_irq_disable(), read_lock(l))
#define read_unlock_irq(l) (read_unlock(l), local_irq_enable())
#define read_lock_bh(l) read_lock(l)
#define read_unlock_bh(l) read_unlock(l)
#define write_lock_irq(l) (local_irq_disable(), write_lock(l))
#define write_unlock_irq(l) (write_unlock(l), local_irq_enable())
#define write_lock_bh(l) write_lock(l)
#define write_unlock_bh(l) write_unlock(l)
#define read_lock_irqsave(l, flags) (local_irq_save(flags), read_lock(l))
#define read_unlock_irqrestore(l, flags) (read_unlock(l), local_irq_restore(flags))
#define write_lock_irqsave(l, flags) (local_irq_save(flags), write_lock(l))
#define write_unlock_irqrestore(l, flags) (write_unlock(l), local_irq_restore(flags))

#endif
