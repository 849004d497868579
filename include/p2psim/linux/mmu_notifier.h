/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/mmu_notifier.h, 6.1 (same, but for what is marked).
 *
 * How a device that keeps its own copy of page-table entries hears that the CPU's change.  Whoever changes them
 * announces it, and everything between start and end is *the invalidation* of [start, end):
 *
 *	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, vma, mm, start, end);
 *	mmu_notifier_invalidate_range_start(&range);	every subscriber drops its copy before this returns
 *	... change the page tables ...
 *	mmu_notifier_invalidate_range_end(&range);	pages may be freed now
 *
 * There are two sorts of subscriber.  A `struct mmu_notifier` hears everything of its mm (the "list").  A `struct
 * mmu_interval_notifier` hears what touches its interval, and carries the collision-retry sequence that lets a reader
 * of page tables find out, under its own lock, whether an invalidation came in between:
 *
 *	again:
 *		seq = mmu_interval_read_begin(&sub);		waits while an invalidation of sub is under way
 *		... read page tables (hmm_range_fault()) ...
 *		lock
 *		if (mmu_interval_read_retry(&sub, seq)) {
 *			unlock
 *			goto again;
 *		}
 *		... put into the device's page table what was read ...
 *		unlock
 *
 *	bool invalidate(sub, range, cur_seq)
 *	{
 *		if (mmu_notifier_range_blockable(range))
 *			lock
 *		else if (!trylock)
 *			return false;
 *		mmu_interval_set_seq(sub, cur_seq);		unconditionally, under the same lock
 *		... drop what the device has of the range ...
 *		unlock
 *		return true;
 *	}
 *
 * The invariants N1..N12 and the picture are in src/notifier/interval.c.
 *
 * Lock order: mmap_lock > reverse-map locks > [invalidate start] > the driver's lock > page-table lock.  The bracket
 * is the pseudo-lock "mmu_notifier": callbacks run inside it, mmu_interval_read_begin() and
 * mmu_interval_notifier_remove() take it, and "fs_reclaim" comes before it, because reclaim invalidates.  Hence a
 * callback must not allocate with GFP_KERNEL, take mmap_lock, or call those two; nor may they be called with a lock
 * that a callback takes.
 *
 * Steps have these labels, for directed stops (each stands *before* what it names):
 *
 *	notifier:start			an invalidation begins (nobody has been told)
 *	notifier:end			an invalidation is about to end
 *	notifier:done			it has ended, or was refused: everybody has been told
 *	notifier:take-all-locks		a first registration waits until no invalidation of the mm is under way
 *	notifier:drop-all-locks
 *	notifier:list			the list of subscribers is read (once a hop)
 *	notifier:hash			a subscriber enters or leaves that list
 *	notifier:callback		a callback of the list is entered
 *	notifier:callback-done		... has returned
 *	notifier:invalidate		an interval callback is entered
 *	notifier:invalidate-done	... has returned
 *	notifier:deferred		one queued insert or remove is carried out, seq being even already
 *	notifier:removed		mmu_interval_notifier_remove() is about to return
 *	seq:start			the sequence becomes odd
 *	seq:end				the sequence becomes even
 *	seq:wait			a reader or remover that waits looks at the sequence
 *	seq:read_begin			mmu_interval_read_begin() reads the subscription's sequence
 *	seq:read_retry, seq:check_retry	it is compared
 *	seq:set_seq			it is written
 */
#ifndef P2PSIM_LINUX_MMU_NOTIFIER_H
#define P2PSIM_LINUX_MMU_NOTIFIER_H

#include <p2psim/linux/err.h>
#include <p2psim/linux/interval_tree.h>
#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/srcu.h>
#include <p2psim/lock.h>

P2PSIM_BEGIN_DECLS

struct mmu_notifier;
struct mmu_notifier_range;
struct mmu_interval_notifier;

/* Why: the operation behind an invalidation. */
enum mmu_notifier_event {
	MMU_NOTIFY_UNMAP = 0,		/* munmap(), mremap(): the addresses go */
	MMU_NOTIFY_CLEAR,		/* the entries go, the VMA stays: COW, reclaim, DONTNEED, a driver's revoke */
	MMU_NOTIFY_PROTECTION_VMA,	/* mprotect(): vma has the new flags */
	MMU_NOTIFY_PROTECTION_PAGE,	/* pages become read-only: fork, write-back */
	MMU_NOTIFY_SOFT_DIRTY,		/* soft-dirty tracking; the mapping stays */
	MMU_NOTIFY_RELEASE,		/* the mm ends; interval notifiers only */
	MMU_NOTIFY_MIGRATE,		/* migrate_vma_*(); `owner` says whose */
	MMU_NOTIFY_EXCLUSIVE,		/* make_device_exclusive_range(); `owner` as for MIGRATE, NULL = the CPU's */
};

#define MMU_NOTIFIER_RANGE_BLOCKABLE (1 << 0)

/* What range_init() leaves in `owner`: 6.1 leaves it undefined, so test `event` before `owner`. */
#define P2PSIM_NOTIFIER_NO_OWNER ((void *)~(uintptr_t)0x5a5a)

/* One invalidation.  Lives on the stack of who makes it, the same object for start and end. */
struct mmu_notifier_range {
	struct vm_area_struct *vma;	/* may be NULL; not to be trusted outside PROTECTION_VMA */
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	unsigned int flags;		/* MMU_NOTIFIER_RANGE_* */
	enum mmu_notifier_event event;
	void *owner;
};

/* The list's callbacks; each may be NULL.  All but the last two run in an SRCU read side. */
struct mmu_notifier_ops {
	/*
	 * The address space ends, or mmu_notifier_unregister() was called: drop everything, for good.
	 * Context: no mmap_lock; may sleep; other callbacks may run at the same time.
	 */
	void (*release)(struct mmu_notifier *subscription, struct mm_struct *mm);
	/*
	 * The accessed bits of [start, end) are read (and cleared): non-zero = the device has used it.
	 * Context: page-table lock, no sleep.
	 */
	int (*clear_flush_young)(struct mmu_notifier *subscription, struct mm_struct *mm, unsigned long start,
				 unsigned long end);
	int (*clear_young)(struct mmu_notifier *subscription, struct mm_struct *mm, unsigned long start,
			   unsigned long end);
	int (*test_young)(struct mmu_notifier *subscription, struct mm_struct *mm, unsigned long address);
	/* `address` is about to get `pte`.  Context: page-table lock, between start and end, no sleep. */
	void (*change_pte)(struct mmu_notifier *subscription, struct mm_struct *mm, unsigned long address, pte_t pte);
	/*
	 * Drop what the device has of the range; nothing new in it until the end.
	 * Return: 0; -EAGAIN if the range is not blockable and this would have to sleep (then the notifier must have no
	 * invalidate_range_end: it is called on all that have one).  Anything else is a CONTRACT violation.
	 */
	int (*invalidate_range_start)(struct mmu_notifier *subscription, const struct mmu_notifier_range *range);
	void (*invalidate_range_end)(struct mmu_notifier *subscription, const struct mmu_notifier_range *range);
	/*
	 * Pages of [start, end), a part of the invalidation, are about to be freed: for tables shared with an IOMMU.
	 * Context: perhaps a page-table lock, no sleep.
	 */
	void (*invalidate_range)(struct mmu_notifier *subscription, struct mm_struct *mm, unsigned long start,
				 unsigned long end);
	/* mmu_notifier_get(): makes one, or ERR_PTR().  Context: mmap_lock held for writing; may sleep. */
	struct mmu_notifier *(*alloc_notifier)(struct mm_struct *mm);
	/* After the last mmu_notifier_put() and a grace period.  Context: SRCU callback, no sleep. */
	void (*free_notifier)(struct mmu_notifier *subscription);
};

/* A subscriber of everything.  Embedded in the driver's object; zero it or not, registration fills it. */
struct mmu_notifier {
	struct hlist_node hlist;	/* subscriptions' lock; read under SRCU */
	const struct mmu_notifier_ops *ops;
	struct mm_struct *mm;
	struct rcu_head rcu;
	unsigned int users;		/* subscriptions' lock; of get/put */

	/* p2psim's own */
	struct p2psim_object obj;	/* p2psim_object_rename() it after registration: the name in reports */
	unsigned int state;
	bool may_refuse;		/* as before 5.7: its start may say -EAGAIN although it has an end, which follows */
};

struct mmu_interval_notifier_ops {
	/*
	 * The range touches the interval: lock, mmu_interval_set_seq(cur_seq), drop it.
	 * Only a MIGRATE or EXCLUSIVE of the driver's own (range->owner) may be ignored, without set_seq, by
	 * returning true.
	 * Return: true; false if the range is not blockable and this would have to sleep.
	 */
	bool (*invalidate)(struct mmu_interval_notifier *interval_sub, const struct mmu_notifier_range *range,
			   unsigned long cur_seq);
};

/* A subscriber of one interval.  Embedded in the driver's object; must live until remove() has returned. */
struct mmu_interval_notifier {
	struct interval_tree_node interval_tree; /* subscriptions' lock while seq is even; frozen while odd (N6) */
	const struct mmu_interval_notifier_ops *ops;
	struct mm_struct *mm;
	struct hlist_node deferred_item;	/* subscriptions' lock */
	unsigned long invalidate_seq;		/* written under the driver's lock; always odd (N2) */

	/* p2psim's own */
	struct p2psim_object obj;	/* p2psim_object_rename() it after insert: "nic0" gives "nic0.invalidate()" */
	unsigned int state;		/* subscriptions' lock */
	unsigned long first_seq;	/* what insert gave it */
	unsigned long reads;		/* how many read_begin() there were */
};

/* ---- Registration (src/notifier/list.c) ---- */

/* Is there, or was there ever, a subscriber?  Invalidations of other mms cost two steps and nothing else. */
static inline int mm_has_notifiers(struct mm_struct *mm)
{
	return mm->notifier_subscriptions != NULL;
}

/* For whoever makes and frees mm_structs: before the first use; after the last mmdrop(). */
static inline void mmu_notifier_subscriptions_init(struct mm_struct *mm)
{
	mm->notifier_subscriptions = NULL;
}
/* Context: mm_count is 0.  CONTRACT if a subscriber is left. */
P2PSIM_EXPORT void mmu_notifier_subscriptions_destroy(struct mm_struct *mm);

/*
 * Adds a subscriber with ops set.  Takes mmgrab(): the struct stays, the address space may go; mmget_not_zero(mn->mm)
 * before touching that.
 * Context: the caller has mm_users (CONTRACT, -EINVAL otherwise).  Takes mmap_lock for writing, and waits until no
 * invalidation of the mm is under way (the kernel takes all reverse-map locks).  __mmu_notifier_register() and the
 * _locked ones: the caller holds mmap_lock for writing.
 * Return: 0, -ENOMEM, -EINTR when a fatal signal is pending.
 */
P2PSIM_EXPORT int mmu_notifier_register(struct mmu_notifier *subscription, struct mm_struct *mm);
P2PSIM_EXPORT int __mmu_notifier_register(struct mmu_notifier *subscription, struct mm_struct *mm);
/*
 * Calls ->release() if exit has not, waits for an SRCU grace period: no callback runs after it, the object may be
 * freed.
 * Context: may sleep; not from a callback (CONTRACT) nor with a lock that a callback takes.
 */
P2PSIM_EXPORT void mmu_notifier_unregister(struct mmu_notifier *subscription, struct mm_struct *mm);

/*
 * One subscriber per (mm, ops), counted: the first get makes it by ops->alloc_notifier().
 * Return: it; ERR_PTR(-ENOMEM), (-EINTR), (-EOVERFLOW: 2^32 - 1 users), or what alloc_notifier() said.
 */
P2PSIM_EXPORT struct mmu_notifier *mmu_notifier_get(const struct mmu_notifier_ops *ops, struct mm_struct *mm);
P2PSIM_EXPORT struct mmu_notifier *mmu_notifier_get_locked(const struct mmu_notifier_ops *ops, struct mm_struct *mm);
/* The last put takes it off the list and frees it after a grace period; ->release() is not called. */
P2PSIM_EXPORT void mmu_notifier_put(struct mmu_notifier *subscription);
/* Waits until all that was put is freed: before the ops go away with their module. */
P2PSIM_EXPORT void mmu_notifier_synchronize(void);

/*
 * The end of the address space: interval notifiers get RELEASE over everything and stay; those of the list get
 * release() and are taken off.  Context: exit_mmap(), mm_users 0, no mmap_lock; before anything is unmapped.
 */
P2PSIM_EXPORT void mmu_notifier_release(struct mm_struct *mm);

/* ---- Invalidations (src/notifier/invalidate.c) ---- */

static inline void mmu_notifier_range_init(struct mmu_notifier_range *range, enum mmu_notifier_event event,
					   unsigned int flags, struct vm_area_struct *vma, struct mm_struct *mm,
					   unsigned long start, unsigned long end)
{
	range->vma = vma;
	range->event = event;
	range->mm = mm;
	range->start = start;
	range->end = end;
	range->flags = flags;
	range->owner = P2PSIM_NOTIFIER_NO_OWNER;
}

static inline void mmu_notifier_range_init_owner(struct mmu_notifier_range *range, enum mmu_notifier_event event,
						 unsigned int flags, struct vm_area_struct *vma, struct mm_struct *mm,
						 unsigned long start, unsigned long end, void *owner)
{
	mmu_notifier_range_init(range, event, flags, vma, mm, start, end);
	range->owner = owner;
}

static inline bool mmu_notifier_range_blockable(const struct mmu_notifier_range *range)
{
	return range->flags & MMU_NOTIFIER_RANGE_BLOCKABLE;
}

/* True if the range only lost its write permission: PROTECTION_VMA and the VMA can still be read. */
P2PSIM_EXPORT bool mmu_notifier_range_update_to_read_only(const struct mmu_notifier_range *range);

/*
 * Tells everybody, interval notifiers in ascending order first, then the list, the latest registered first.
 * Context: a lock that keeps [start, end) as it is: mmap_lock or a reverse-map lock; no spinlock; may sleep.
 * BALANCE when `range` is started already; end() must follow.
 */
P2PSIM_EXPORT void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range);
/*
 * The same without sleeping: clears BLOCKABLE.
 * Return: 0; -EAGAIN: somebody would have to sleep, all is undone, and end() must NOT be called (BALANCE).
 */
P2PSIM_EXPORT int __must_check mmu_notifier_invalidate_range_start_nonblock(struct mmu_notifier_range *range);
/* BALANCE without start; RANGE if start and end of the range are not what they were then. */
P2PSIM_EXPORT void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range);
/* The same for who has called mmu_notifier_invalidate_range() itself: skips that callback. */
P2PSIM_EXPORT void mmu_notifier_invalidate_range_only_end(struct mmu_notifier_range *range);

/* The rest calls one callback of everybody on the list.  Context: perhaps a page-table lock; does not sleep. */
P2PSIM_EXPORT void mmu_notifier_invalidate_range(struct mm_struct *mm, unsigned long start, unsigned long end);
/* CONTRACT outside an invalidation that covers `address`. */
P2PSIM_EXPORT void mmu_notifier_change_pte(struct mm_struct *mm, unsigned long address, pte_t pte);
/* The OR of what all say. */
P2PSIM_EXPORT int mmu_notifier_clear_flush_young(struct mm_struct *mm, unsigned long start, unsigned long end);
P2PSIM_EXPORT int mmu_notifier_clear_young(struct mm_struct *mm, unsigned long start, unsigned long end);
P2PSIM_EXPORT int mmu_notifier_test_young(struct mm_struct *mm, unsigned long address);

/* ---- Interval notifiers (src/notifier/interval.c) ---- */

/*
 * Subscribes to [start, start + length) of mm.  During an invalidation the newcomer counts as being invalidated: its
 * first read_begin() waits.  Takes mmgrab().
 * Context: the caller has mm_users.  insert() takes mmap_lock for writing when it is the first of its mm;
 * insert_locked(): the caller holds it for writing.
 * Return: 0; -EOVERFLOW: length 0 or past the end of addresses; -EINVAL with CONTRACT: mm_users 0, no callback, or
 * inserted already; -ENOMEM, -EINTR as mmu_notifier_register().
 */
P2PSIM_EXPORT int mmu_interval_notifier_insert(struct mmu_interval_notifier *interval_sub, struct mm_struct *mm,
					       unsigned long start, unsigned long length,
					       const struct mmu_interval_notifier_ops *ops);
P2PSIM_EXPORT int mmu_interval_notifier_insert_locked(struct mmu_interval_notifier *interval_sub, struct mm_struct *mm,
						      unsigned long start, unsigned long length,
						      const struct mmu_interval_notifier_ops *ops);
/*
 * Unsubscribes; waits for the end of the invalidations under way.  No callback runs after it, the object may be freed.
 * Context: may sleep; not from a callback or inside one's own start..end (CONTRACT), nor with a lock a callback takes.
 */
P2PSIM_EXPORT void mmu_interval_notifier_remove(struct mmu_interval_notifier *interval_sub);

/*
 * Begins to read page tables.  Sleeps while an invalidation of this subscription is under way, and, because all ranges
 * of an mm share one sequence, until every other one that overlaps in time has ended too.
 * Context: may sleep; not from a callback or inside one's own start..end (CONTRACT), nor with a lock a callback takes.
 * Return: the token for read_retry(); always odd.
 */
P2PSIM_EXPORT unsigned long mmu_interval_read_begin(struct mmu_interval_notifier *interval_sub);
/*
 * True: an invalidation came since read_begin() gave `seq`; throw away what was read.
 * Context: the driver's lock, the one that its callback takes (CONTRACT without any).
 */
P2PSIM_EXPORT bool mmu_interval_read_retry(struct mmu_interval_notifier *interval_sub, unsigned long seq);
/* The same without the lock: may be believed only when true. */
P2PSIM_EXPORT bool mmu_interval_check_retry(struct mmu_interval_notifier *interval_sub, unsigned long seq);
/*
 * Makes readers retry.
 * Context: inside ->invalidate() of this subscription, with its cur_seq, under the driver's lock; CONTRACT otherwise.
 */
P2PSIM_EXPORT void mmu_interval_set_seq(struct mmu_interval_notifier *interval_sub, unsigned long cur_seq);

/* The pseudo-lock "mmu_notifier", inside which callbacks run: for drivers that teach the lock graph an order. */
extern P2PSIM_EXPORT const struct p2psim_lock_map __mmu_notifier_invalidate_range_start_map;

/* Remember the driver's line for reports. */
#define mmu_notifier_register(sub, mm) (P2PSIM_HERE(), mmu_notifier_register((sub), (mm)))
#define __mmu_notifier_register(sub, mm) (P2PSIM_HERE(), __mmu_notifier_register((sub), (mm)))
#define mmu_notifier_unregister(sub, mm) (P2PSIM_HERE(), mmu_notifier_unregister((sub), (mm)))
#define mmu_notifier_get(ops, mm) (P2PSIM_HERE(), mmu_notifier_get((ops), (mm)))
#define mmu_notifier_get_locked(ops, mm) (P2PSIM_HERE(), mmu_notifier_get_locked((ops), (mm)))
#define mmu_notifier_put(sub) (P2PSIM_HERE(), mmu_notifier_put(sub))
#define mmu_notifier_invalidate_range_start(range) (P2PSIM_HERE(), mmu_notifier_invalidate_range_start(range))
#define mmu_notifier_invalidate_range_start_nonblock(range)                                                            \
	(P2PSIM_HERE(), mmu_notifier_invalidate_range_start_nonblock(range))
#define mmu_notifier_invalidate_range_end(range) (P2PSIM_HERE(), mmu_notifier_invalidate_range_end(range))
#define mmu_notifier_invalidate_range_only_end(range) (P2PSIM_HERE(), mmu_notifier_invalidate_range_only_end(range))
#define mmu_interval_notifier_insert(sub, mm, start, length, ops)                                                      \
	(P2PSIM_HERE(), mmu_interval_notifier_insert((sub), (mm), (start), (length), (ops)))
#define mmu_interval_notifier_insert_locked(sub, mm, start, length, ops)                                               \
	(P2PSIM_HERE(), mmu_interval_notifier_insert_locked((sub), (mm), (start), (length), (ops)))
#define mmu_interval_notifier_remove(sub) (P2PSIM_HERE(), mmu_interval_notifier_remove(sub))
#define mmu_interval_read_begin(sub) (P2PSIM_HERE(), mmu_interval_read_begin(sub))
#define mmu_interval_read_retry(sub, seq) (P2PSIM_HERE(), mmu_interval_read_retry((sub), (seq)))
#define mmu_interval_check_retry(sub, seq) (P2PSIM_HERE(), mmu_interval_check_retry((sub), (seq)))
#define mmu_interval_set_seq(sub, seq) (P2PSIM_HERE(), mmu_interval_set_seq((sub), (seq)))

P2PSIM_END_DECLS

#endif
