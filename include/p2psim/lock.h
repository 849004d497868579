/* SPDX-License-Identifier: MIT */
/*
 * What all locks have in common, and the lock graph ("lockdep") that watches them.
 *
 * Classes are keyed by the lock's *name* (mutex_init(&nic->lock) names it "&nic->lock") and the nesting subclass.
 * Every acquisition adds an edge from each class held to the class taken; a cycle is a LOCKGRAPH violation even if this
 * run did not hang.  Pseudo-locks (a section that others must not enter in reverse order: "mmu_notifier",
 * "fs_reclaim", a fence) are p2psim_lock_map objects without exclusion.
 */
#ifndef P2PSIM_LOCK_H
#define P2PSIM_LOCK_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct p2psim_lock {
	struct p2psim_object obj;	/* obj.name names the class */
	uint32_t lock_class;		/* of this execution; 0 = not seen yet */
	uint32_t readers;		/* rwsem: how many hold it for reading */
	uint32_t writers_queued;	/* rwsem: writers that wait; they stop new readers */
	struct task_struct *owner;	/* who holds it exclusively */
	const struct p2psim_site *site;	/* where it was taken last */
};

enum p2psim_lock_how {
	P2PSIM_LOCK_EXCLUSIVE = 0,
	P2PSIM_LOCK_SHARED = 1 << 0,
	P2PSIM_LOCK_TRY = 1 << 1,	/* cannot wait: adds no edge towards itself */
};

/* The graph alone, for locks of one's own: taken, released.  subclass as in mutex_lock_nested(). */
P2PSIM_EXPORT void p2psim_lockdep_acquire(struct p2psim_lock *lock, unsigned int subclass, unsigned int how);
P2PSIM_EXPORT void p2psim_lockdep_release(struct p2psim_lock *lock);
/* Does the current task hold it, in any way? */
P2PSIM_EXPORT bool p2psim_lock_is_held(const struct p2psim_lock *lock);
/* How many locks the current task holds, pseudo-locks included. */
P2PSIM_EXPORT unsigned int p2psim_locks_held(void);

/*
 * A pseudo-lock: a section that must not be entered in reverse order, without exclusion.  Never written to, so that one
 * static object serves all worlds of the process.
 */
struct p2psim_lock_map {
	const char *name;
};
#define P2PSIM_LOCK_MAP_INIT(map_name) { .name = (map_name) }
P2PSIM_EXPORT void p2psim_lock_map_acquire(const struct p2psim_lock_map *map, unsigned int how);
P2PSIM_EXPORT void p2psim_lock_map_release(const struct p2psim_lock_map *map);
#define lock_map_acquire(map) (P2PSIM_HERE(), p2psim_lock_map_acquire((map), P2PSIM_LOCK_EXCLUSIVE))
#define lock_map_acquire_read(map) (P2PSIM_HERE(), p2psim_lock_map_acquire((map), P2PSIM_LOCK_SHARED))
#define lock_map_release(map) p2psim_lock_map_release(map)
/* Entered by every allocation that may reclaim. */
extern P2PSIM_EXPORT const struct p2psim_lock_map p2psim_fs_reclaim_map;

/*
 * A section in which nobody may sleep, other than under a spinlock: a non-blockable invalidation.  Nests.
 * `why` (static) is part of the sentence when somebody does.
 */
P2PSIM_EXPORT void p2psim_nonblock_start(const char *why);
P2PSIM_EXPORT void p2psim_nonblock_end(void);
/* Inside one, or with a spinlock held. */
P2PSIM_EXPORT bool p2psim_in_atomic(void);
#define non_block_start() p2psim_nonblock_start("a non-blockable section")
#define non_block_end() p2psim_nonblock_end()

P2PSIM_END_DECLS

#endif
