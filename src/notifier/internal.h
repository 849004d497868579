/* SPDX-License-Identifier: MIT */
/*
 * What the files of the notifier layer share.
 *
 *	list.c		struct mmu_notifier: registration, lifetime, its callbacks, the end of the mm
 *	interval.c	struct mmu_interval_notifier: the sequence protocol (N1..N12)
 *	invalidate.c	start and end: who is told, in which order, and what a refusal undoes
 *	book.c		what the oracles keep: invalidations under way and past, callbacks entered, subscribers known
 *	check.c		the sentences of forgotten ends and leaks, and the walker
 *	interval_tree.c	the tree
 *	driver_line.h	included last by all of them: keeps the driver's line in violations
 *
 * Nothing here is seen by the simulated machine but struct mmu_notifier_subscriptions.
 */
#ifndef P2PSIM_NOTIFIER_INTERNAL_H
#define P2PSIM_NOTIFIER_INTERNAL_H

#include <p2psim/check.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/srcu.h>
#include <p2psim/linux/wait.h>
#include <p2psim/notifier.h>
#include <p2psim/task.h>
#include <p2psim/trace.h>

#include "core/layer.h"

/* Up to this many subscribers of each sort an mm is watched for one that is freed while subscribed. */
#define NOTIFIER_KNOWN_MAX 64

struct notifier_known {
	void *sub[NOTIFIER_KNOWN_MAX];
	unsigned int count;
	bool overflowed;		/* there were more: nobody is watched until all are gone */
};

/*
 * One for each mm that has, or had, a subscriber.  Mirrors: mm/mmu_notifier.c, 6.1.
 * list: changed under lock, read under SRCU.  The rest under lock; invalidate_seq is read without it by those who wait;
 * itree is read without it while invalidate_seq is odd (N6).  has_itree: written while no invalidation is under way.
 */
struct mmu_notifier_subscriptions {
	struct hlist_head list;
	bool has_itree;
	spinlock_t lock;
	unsigned long invalidate_seq;
	unsigned long active_invalidate_ranges;
	struct rb_root_cached itree;
	wait_queue_head_t wq;
	struct hlist_head deferred_list;

	/* p2psim's own */
	struct p2psim_object obj;	/* what steps on invalidate_seq and list name */
	struct notifier_known intervals, listed;
};

/* Where a subscriber stands.  Odd values: a callback may be called. */
enum notifier_state {
	NOTIFIER_NONE = 0,
	NOTIFIER_LISTED = 0x4e01,	/* list: hashed */
	NOTIFIER_RELEASED = 0x4e02,	/* list: taken off by the end of the mm */
	NOTIFIER_INSERTED = 0x4e03,	/* interval: in the tree */
	NOTIFIER_INSERTING = 0x4e04,	/* interval: on the deferred list, to be inserted */
	NOTIFIER_REMOVING = 0x4e05,	/* interval: in the tree and on the deferred list, to be removed */
	NOTIFIER_GONE = 0x4e06,
};

/* An invalidation under way. */
struct notifier_running {
	struct list_head entry;
	const struct mmu_notifier_range *range;	/* compared, never followed */
	struct task_struct *task;		/* who started it */
	struct p2psim_invalidation what;
};

#define NOTIFIER_REFUSED_MAX 8

/* The book of one mm: made at its first invalidation or registration. */
struct notifier_book {
	struct list_head entry;
	struct mm_struct *mm;
	bool all_locks;			/* a registration keeps invalidations out */
	struct list_head running;	/* struct notifier_running, oldest first */
	unsigned int running_count;
	struct p2psim_invalidation past[P2PSIM_INVALIDATIONS_KEPT];
	unsigned int past_count;	/* so far */
	struct {
		const struct mmu_notifier_range *range;
		uint64_t step;
	} refused[NOTIFIER_REFUSED_MAX]; /* ended by -EAGAIN: there is no end to come */
	unsigned int refused_count;	/* so far */
};

#define NOTIFIER_CALLBACKS_MAX 128

/* A callback that a task is inside of. */
struct notifier_callback {
	struct task_struct *task;	/* NULL: this slot is free */
	const void *sub;
	struct mm_struct *mm;
	unsigned long cur_seq;
	unsigned int locks_held;	/* at its entry */
	bool seq_is_set;
};

/* The layer's slot in the world. */
struct notifier_world {
	struct srcu_struct srcu;	/* one for all mms, as in the kernel */
	bool srcu_is_ready;
	struct list_head books;
	struct list_head spare_books, spare_running;
	struct notifier_callback callbacks[NOTIFIER_CALLBACKS_MAX];
	unsigned int callbacks_top;	/* all slots from here on are free */
	bool blind;			/* out of room for the book: rules that need it are not checked */
};

/* ---- book.c ---- */

/* NULL: the OS thread is in no world, or its arena is full. */
struct notifier_world *notifier_world(void);
struct notifier_book *notifier_book(struct mm_struct *mm, bool make);
void notifier_book_drop(struct mm_struct *mm);
void notifier_book_begin(struct mmu_notifier_range *range);
void notifier_book_told(struct mmu_notifier_range *range);
void notifier_book_refused(struct mmu_notifier_range *range);
/* Is this the end of a start?  False after saying what is wrong. */
bool notifier_book_was_started(const struct mmu_notifier_range *range);
/* It does not run any more; it keeps registrations out until it is closed. */
void notifier_book_end(const struct mmu_notifier_range *range);
void notifier_book_close(const struct mmu_notifier_range *range);

/* BALANCE, CONTRACT of callbacks: NULL when there is no slot. */
struct notifier_callback *notifier_callback_enter(const void *sub, struct mm_struct *mm, unsigned long cur_seq);
void notifier_callback_leave(struct notifier_callback *callback, uint32_t id, const char *name);
/* The callback of `sub` (NULL: of anybody) that the current task is inside of. */
struct notifier_callback *notifier_callback_here(const void *sub);
/* CONTRACT, and false, when the current task may not call `call`: in a callback, or in a start..end section of mm. */
bool notifier_may_wait(struct mm_struct *mm, uint32_t id, const char *call);

void notifier_known_add(struct notifier_known *known, void *sub);
void notifier_known_del(struct notifier_known *known, const void *sub);
/* Takes out one that lies in freed memory; NULL = none. */
void *notifier_known_take_freed(struct notifier_known *known);
/* Is it subscribed to any mm?  (Not known of mms with more subscribers than are watched.) */
bool notifier_is_known(const void *sub);
/* UAF, CONTRACT: false, after saying so, unless `sub` is a live object of this execution that was registered. */
bool notifier_is_usable(const void *sub, const struct p2psim_object *obj, const unsigned int *state, const char *call);

static inline const char *notifier_name(uint32_t id)
{
	return p2psim_world_object_name(p2psim_world_current(), id);
}

/* ---- list.c ---- */

/* mmap_lock held for writing.  subscription NULL: makes room for intervals. */
int notifier_register(struct mmu_notifier *subscription, struct mm_struct *mm);
int notifier_list_start(struct mmu_notifier_subscriptions *subs, const struct mmu_notifier_range *range);
void notifier_list_end(struct mmu_notifier_subscriptions *subs, const struct mmu_notifier_range *range, bool only_end);

/* ---- interval.c ---- */

void notifier_intervals_init(struct mmu_notifier_subscriptions *subs);
/* 0, or -EAGAIN with the invalidation ended already. */
int notifier_intervals_start(struct mmu_notifier_subscriptions *subs, const struct mmu_notifier_range *range);
void notifier_intervals_end(struct mmu_notifier_subscriptions *subs);
/* mm_users is 0. */
void notifier_intervals_release(struct mmu_notifier_subscriptions *subs, struct mm_struct *mm);

static inline bool notifier_is_invalidating(const struct mmu_notifier_subscriptions *subs)
{
	return subs->invalidate_seq & 1;
}

/* ---- check.c ---- */

void notifier_check_quiescent(void *state);

#endif
