/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/mutex.h, 6.1 (reduced: no adaptive spinning, no MCS queue; whoever the scheduler picks gets it).
 * Each call is one step that writes the mutex.
 */
#ifndef P2PSIM_LINUX_MUTEX_H
#define P2PSIM_LINUX_MUTEX_H

#include <p2psim/linux/kernel.h>
#include <p2psim/lock.h>

struct mutex {
	struct p2psim_lock lock;
};

#define __MUTEX_INITIALIZER(m) { .lock = { .obj = { .name = #m } } }
#define DEFINE_MUTEX(m) struct mutex m = __MUTEX_INITIALIZER(m)

P2PSIM_EXPORT void __mutex_init(struct mutex *lock, const char *name);
#define mutex_init(m) __mutex_init((m), #m)
/* Reports BALANCE when it is held. */
P2PSIM_EXPORT void mutex_destroy(struct mutex *lock);

/* Context: may sleep.  A second lock by its holder is a DEADLOCK. */
P2PSIM_EXPORT void mutex_lock(struct mutex *lock);
P2PSIM_EXPORT void mutex_lock_nested(struct mutex *lock, unsigned int subclass);
/* -EINTR when the task was killed while it waited. */
P2PSIM_EXPORT int __must_check mutex_lock_killable(struct mutex *lock);
P2PSIM_EXPORT int __must_check mutex_lock_interruptible(struct mutex *lock);
/* 1 = taken, 0 = somebody holds it.  Never sleeps, but must not be called from atomic context. */
P2PSIM_EXPORT int mutex_trylock(struct mutex *lock);
/* BALANCE when the caller does not hold it. */
P2PSIM_EXPORT void mutex_unlock(struct mutex *lock);
P2PSIM_EXPORT bool mutex_is_locked(struct mutex *lock);

#define mutex_lock(m) (P2PSIM_HERE(), mutex_lock(m))
#define mutex_lock_nested(m, c) (P2PSIM_HERE(), mutex_lock_nested(m, c))
#define mutex_lock_killable(m) (P2PSIM_HERE(), mutex_lock_killable(m))
#define mutex_lock_interruptible(m) (P2PSIM_HERE(), mutex_lock_interruptible(m))
#define mutex_trylock(m) (P2PSIM_HERE(), mutex_trylock(m))
#define mutex_unlock(m) (P2PSIM_HERE(), mutex_unlock(m))

/* CONTRACT when the current task does not hold the lock. */
P2PSIM_EXPORT void p2psim_assert_held(struct p2psim_lock *lock);
#define lockdep_assert_held(l) (P2PSIM_HERE(), p2psim_assert_held(&(l)->lock))
#define lockdep_is_held(l) p2psim_lock_is_held(&(l)->lock)

#endif
