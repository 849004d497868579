/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/rwsem.h, 6.1 (reduced: no optimistic spinning; a waiting writer stops new readers, as the
 * kernel's queue does, so a recursive down_read() can deadlock).
 * Steps: a reader's down is one (it reads the semaphore); a writer's down is one when it is free, else two (queue, take).
 */
#ifndef P2PSIM_LINUX_RWSEM_H
#define P2PSIM_LINUX_RWSEM_H

#include <p2psim/linux/kernel.h>
#include <p2psim/lock.h>

struct rw_semaphore {
	struct p2psim_lock lock;
};

#define __RWSEM_INITIALIZER(r) { .lock = { .obj = { .name = #r } } }
#define DECLARE_RWSEM(r) struct rw_semaphore r = __RWSEM_INITIALIZER(r)

P2PSIM_EXPORT void __init_rwsem(struct rw_semaphore *sem, const char *name);
#define init_rwsem(r) __init_rwsem((r), #r)

P2PSIM_EXPORT void down_read(struct rw_semaphore *sem);
P2PSIM_EXPORT int __must_check down_read_killable(struct rw_semaphore *sem);
P2PSIM_EXPORT int down_read_trylock(struct rw_semaphore *sem);
P2PSIM_EXPORT void up_read(struct rw_semaphore *sem);
P2PSIM_EXPORT void down_write(struct rw_semaphore *sem);
P2PSIM_EXPORT void down_write_nested(struct rw_semaphore *sem, int subclass);
P2PSIM_EXPORT int __must_check down_write_killable(struct rw_semaphore *sem);
P2PSIM_EXPORT int down_write_trylock(struct rw_semaphore *sem);
P2PSIM_EXPORT void up_write(struct rw_semaphore *sem);
/* The writer becomes a reader without letting another writer in. */
P2PSIM_EXPORT void downgrade_write(struct rw_semaphore *sem);
P2PSIM_EXPORT bool rwsem_is_locked(struct rw_semaphore *sem);
/* Held by the current task for writing? */
P2PSIM_EXPORT bool rwsem_is_write_held(struct rw_semaphore *sem);

#define down_read(s) (P2PSIM_HERE(), down_read(s))
#define down_read_killable(s) (P2PSIM_HERE(), down_read_killable(s))
#define down_read_trylock(s) (P2PSIM_HERE(), down_read_trylock(s))
#define up_read(s) (P2PSIM_HERE(), up_read(s))
#define down_write(s) (P2PSIM_HERE(), down_write(s))
#define down_write_nested(s, c) (P2PSIM_HERE(), down_write_nested(s, c))
#define down_write_killable(s) (P2PSIM_HERE(), down_write_killable(s))
#define down_write_trylock(s) (P2PSIM_HERE(), down_write_trylock(s))
#define up_write(s) (P2PSIM_HERE(), up_write(s))
#define downgrade_write(s) (P2PSIM_HERE(), downgrade_write(s))

#endif
