/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/mmap_lock.h, 6.1 (same).
 *
 * mmap_lock protects the VMA tree and the fields of VMAs.  For writing: mmap, mprotect, mremap, fork (parent), notifier
 * registration.  For reading: page faults, GUP, hmm_range_fault(), find_vma().  munmap() takes it for writing and
 * downgrades before it touches page tables.  Reverse-map walks (reclaim, truncate) and exit's release do not hold it.
 */
#ifndef P2PSIM_LINUX_MMAP_LOCK_H
#define P2PSIM_LINUX_MMAP_LOCK_H

#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/rwsem.h>

#define mmap_init_lock(mm) __init_rwsem(&(mm)->mmap_lock, "mmap_lock")
#define mmap_read_lock(mm) down_read(&(mm)->mmap_lock)
#define mmap_read_lock_killable(mm) down_read_killable(&(mm)->mmap_lock)
#define mmap_read_trylock(mm) (down_read_trylock(&(mm)->mmap_lock) != 0)
#define mmap_read_unlock(mm) up_read(&(mm)->mmap_lock)
#define mmap_write_lock(mm) down_write(&(mm)->mmap_lock)
#define mmap_write_lock_nested(mm, subclass) down_write_nested(&(mm)->mmap_lock, (subclass))
#define mmap_write_lock_killable(mm) down_write_killable(&(mm)->mmap_lock)
#define mmap_write_trylock(mm) (down_write_trylock(&(mm)->mmap_lock) != 0)
#define mmap_write_unlock(mm) up_write(&(mm)->mmap_lock)
#define mmap_write_downgrade(mm) downgrade_write(&(mm)->mmap_lock)

/* CONTRACT when the current task does not hold it (for writing). */
P2PSIM_EXPORT void p2psim_mmap_assert_locked(struct mm_struct *mm, bool write);
#define mmap_assert_locked(mm) (P2PSIM_HERE(), p2psim_mmap_assert_locked((mm), false))
#define mmap_assert_write_locked(mm) (P2PSIM_HERE(), p2psim_mmap_assert_locked((mm), true))

#endif
