/* SPDX-License-Identifier: MIT */
/*
 * Interval notifiers: the collision-retry sequence.
 *
 * A reader wants to copy page-table entries into a device and cannot hold a lock that keeps the CPU's tables still.
 * So it works as the reader of a seqlock does: take the sequence, read, and, with the driver's lock held, look
 * whether the sequence moved; the writers are the invalidations.  Unlike a seqlock, a reader *sleeps* while a writer
 * is inside, there may be many writers at once, over different ranges, and each reader cares only for those that
 * touch its interval.
 *
 *   reader (importer)                       an invalidation
 *   -----------------                       ---------------
 *   read_begin()            = sub.seq
 *     [Required: not being invalidated]
 *   reads page tables
 *                                           start: seq becomes odd
 *                                             invalidate(): driver's lock
 *                                               set_seq: sub.seq = seq
 *                                               drops what was installed
 *   driver's lock
 *   read_retry(): sub.seq moved -> again
 *                                           pages change
 *                                           end: seq becomes even, wakes
 *   read_begin() may return from here on
 *
 * Had the reader come to its lock before invalidate(), it would have installed, and invalidate() would have found and
 * dropped what it installed: both take the driver's lock.  Had it begun after invalidate() but before the end,
 * sub.seq == seq makes it sleep until the end.  A sequence that only grows leaves nothing to confuse: a whole
 * invalidation between two looks is seen, which a flag ("valid") misses.
 *
 * State of an mm, as (active, seq), and who moves it:
 *
 *            start(nobody touched)                 insert, or start(somebody touched)
 *	(0, even) ----------------> (n > 0, even) -----------------------------------> (n > 0, odd)
 *	    ^  \_________________________/ last end: nothing to do                          |
 *	    |                                                                               |
 *	    `--------------- last end: seq + 1, the deferred list, wake up ----------------'
 *
 * A start that touches somebody at rest goes both upper arrows at once.  What inserting and removing does in each:
 *
 *	active, seq	insert						remove
 *	0, even		into the tree, sub.seq = seq - 1		out of the tree
 *	n, even		into the tree, seq + 1, sub.seq = seq		out of the tree
 *	n, odd		deferred, sub.seq = seq				deferred, waits; or, its insert being
 *									deferred still, off the list
 *
 * Invariants.  "At rest" is: subs->lock is free.
 *
 *	N1.  active == 0 at rest implies that seq is even.
 *	N2.  seq never decreases.  A subscription's sequence is always odd, never decreases, is never above the mm's.
 *	N3.  read_begin() does not return a sequence that equals the mm's: it returned before the invalidation began, or
 *	     after all that overlapped in time with it have ended (that is the collateral wait).
 *	N4.  From the return of start to the call of end, seq is odd for every subscription that the range touches, and
 *	     those that did not ignore it have sub.seq == seq.
 *	N5.  read_retry() is true if a set_seq of the subscription came after the read_begin(): no collision is lost,
 *	     were it followed by its end and by any number of others (no ABA).
 *	N6.  While seq is odd, no subscription enters or leaves the tree.
 *	N7.  At rest, the deferred list is empty if seq is even.  Each item of it is carried out exactly once, after
 *	     seq has become even and before anybody that waits for that can go on.
 *	N8.  After remove() has returned no callback of the subscription runs, nor ever will.
 *	N9.  Intervals hear of a range before the list does, in ascending order of their start.
 *	N10. Every start that did not fail has exactly one end; one that failed has none, and left nothing counted.
 *	N11. A callback sleeps only if the range is blockable; only a non-blockable one may be refused.
 *	N12. An invalidation that touches nobody changes no sequence and wakes nobody.
 *
 * The sequence wraps around harmlessly: what is compared is equality, and an idle mm's is even.
 *
 * Compared with the kernel: a subscription freed while it is inserted is found (UAF) instead of followed; callbacks
 * of a non-blockable range are watched for sleeping as those of the list are; RELEASE too runs inside the
 * pseudo-lock.
 *
 * Steps: those of subs->lock; SEQ_WRITE and SEQ_READ on the mm's sequence, which a reader that waits
 * looks at without the lock; SEQ_WRITE and SEQ_READ on the subscription's, which the driver's lock protects; CB_ENTER
 * and CB_EXIT.
 */
#include <p2psim/linux/refcount.h>
#include <p2psim/linux/sched/mm.h>

#include "notifier/internal.h"
#include "notifier/driver_line.h"

static struct mmu_interval_notifier *sub_of(struct interval_tree_node *node)
{
	return node ? container_of(node, struct mmu_interval_notifier, interval_tree) : NULL;
}

static uint32_t sub_id(struct mmu_interval_notifier *sub)
{
	return p2psim_object_id(&sub->obj);
}

void notifier_intervals_init(struct mmu_notifier_subscriptions *subs)
{
	subs->invalidate_seq = 2;
	subs->itree = RB_ROOT_CACHED;
	init_waitqueue_head(&subs->wq);
	INIT_HLIST_HEAD(&subs->deferred_list);
}

/* Into the tree, out of it, or onto the deferred list: with subs->lock held. */

static void plant(struct mmu_notifier_subscriptions *subs, struct mmu_interval_notifier *sub)
{
	interval_tree_insert(&sub->interval_tree, &subs->itree);
	sub->state = NOTIFIER_INSERTED;
}

static void fell(struct mmu_notifier_subscriptions *subs, struct mmu_interval_notifier *sub)
{
	interval_tree_remove(&sub->interval_tree, &subs->itree);
	sub->state = NOTIFIER_GONE;
	notifier_known_del(&subs->intervals, sub);
}

static void defer(struct mmu_notifier_subscriptions *subs, struct mmu_interval_notifier *sub, enum notifier_state state)
{
	hlist_add_head(&sub->deferred_item, &subs->deferred_list);
	sub->state = state;
}

/* ---- Subscriptions freed while subscribed ---- */

/* The tree leads through freed memory: what still lives is planted anew, without following what was there. */
static void replant(struct mmu_notifier_subscriptions *subs)
{
	unsigned int i;

	subs->itree = RB_ROOT_CACHED;
	INIT_HLIST_HEAD(&subs->deferred_list);
	for (i = 0; i < subs->intervals.count; i++) {
		struct mmu_interval_notifier *sub = subs->intervals.sub[i];
		enum notifier_state state = sub->state;

		INIT_HLIST_NODE(&sub->deferred_item);
		if (state != NOTIFIER_INSERTING)
			plant(subs, sub);
		if (state != NOTIFIER_INSERTED)
			defer(subs, sub, state);
	}
}

static void bury_freed(struct mmu_notifier_subscriptions *subs)
{
	bool found = false;

	while (notifier_known_take_freed(&subs->intervals)) {
		p2psim_violate(P2PSIM_UAF, 0, p2psim_object_id(&subs->obj), 0,
			       "an interval notifier was freed while it was inserted");
		found = true;
	}
	if (found)
		replant(subs);
}

/* With subs->lock held.  Others may have gone on meanwhile, though not to the lock: only now look at the tree. */
static void make_odd(struct mmu_notifier_subscriptions *subs)
{
	if (notifier_is_invalidating(subs))
		return;
	p2psim_step_on(P2PSIM_STEP_SEQ_WRITE, p2psim_object_id(&subs->obj), true, "seq:start");
	subs->invalidate_seq |= 1;
	bury_freed(subs);
}

/* ---- The side of the invalidation ---- */

static struct interval_tree_node *first_touched(struct mmu_notifier_subscriptions *subs,
						const struct mmu_notifier_range *range)
{
	if (range->start >= range->end)
		return NULL;
	return interval_tree_iter_first(&subs->itree, range->start, range->end - 1);
}

/* Counts the invalidation in.  Returns the first subscription that it touches; then seq is odd. */
static struct mmu_interval_notifier *count_in(struct mmu_notifier_subscriptions *subs,
					      const struct mmu_notifier_range *range, unsigned long *cur_seq)
{
	const char *event = p2psim_notifier_event_name(range->event);
	struct mmu_interval_notifier *sub;
	unsigned long before;

	spin_lock(&subs->lock);
	bury_freed(subs);
	subs->active_invalidate_ranges++;
	before = subs->invalidate_seq;
	sub = sub_of(first_touched(subs, range));
	if (sub) {
		make_odd(subs);
		sub = sub_of(first_touched(subs, range));
	}
	*cur_seq = subs->invalidate_seq;
	spin_unlock(&subs->lock);
	if (*cur_seq != before)
		p2psim_note("invalidate_start %s [seq %u->%u]", P2PSIM_STR(event), before, *cur_seq);
	else
		p2psim_note("invalidate_start %s [seq %u]", P2PSIM_STR(event), before);
	return sub;
}

/* The tree does not change while seq is odd (N6): no lock. */
static struct mmu_interval_notifier *next_touched(struct mmu_notifier_subscriptions *subs,
						  struct mmu_interval_notifier *sub,
						  const struct mmu_notifier_range *range)
{
	bool sub_is_freed = p2psim_ptr_is_freed(sub);

	bury_freed(subs);
	if (sub_is_freed)
		return NULL;
	return sub_of(interval_tree_iter_next(&sub->interval_tree, range->start, range->end - 1));
}

/* MIGRATE and EXCLUSIVE have an owner, who may ignore them; and once nobody can use the address space nobody reads it. */
static bool may_be_ignored(const struct mmu_notifier_range *range)
{
	if (!range->mm->mm_users.counter)
		return true;
	return (range->event == MMU_NOTIFY_MIGRATE || range->event == MMU_NOTIFY_EXCLUSIVE) && range->owner;
}

/* What is wrong with the answer of invalidate(), if anything. */
static void judge(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range, bool answer,
		  bool seq_is_set)
{
	const char *event = p2psim_notifier_event_name(range->event);
	uint32_t id = sub_id(sub);

	if (!answer && mmu_notifier_range_blockable(range))
		p2psim_violate(P2PSIM_CONTRACT, 0, id, range->mm->obj.id,
			       "%s.invalidate() of a blockable %s returned false", notifier_name(id), event);
	if (answer && !seq_is_set && sub->reads && !may_be_ignored(range))
		p2psim_violate(P2PSIM_CONTRACT, 0, id, range->mm->obj.id,
			       "%s.invalidate() of %s returned without mmu_interval_set_seq(): readers will not notice",
			       notifier_name(id), event);
}

static bool call_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			    unsigned long cur_seq)
{
	bool blockable = mmu_notifier_range_blockable(range), answer, seq_is_set;
	uint32_t id = sub_id(sub);
	struct notifier_callback *callback;

	p2psim_step_on(P2PSIM_STEP_CB_ENTER, id, false, "notifier:invalidate");
	if (p2psim_ptr_is_freed(sub))
		return true; /* next_touched() says so */
	p2psim_enter("%o.invalidate() %s", id, P2PSIM_STR(p2psim_notifier_event_name(range->event)));
	callback = notifier_callback_enter(sub, range->mm, cur_seq);
	if (!blockable)
		p2psim_nonblock_start("a non-blockable invalidation");
	answer = sub->ops->invalidate(sub, range, cur_seq);
	if (!blockable)
		p2psim_nonblock_end();
	seq_is_set = !callback || callback->seq_is_set;
	notifier_callback_leave(callback, id, "invalidate");
	p2psim_step_on(P2PSIM_STEP_CB_EXIT, id, false, "notifier:invalidate-done");
	p2psim_leave("%o.invalidate() = %s", id, P2PSIM_STR(answer ? "true" : "false"));
	if (!p2psim_ptr_is_freed(sub))
		judge(sub, range, answer, seq_is_set);
	return answer;
}

int notifier_intervals_start(struct mmu_notifier_subscriptions *subs, const struct mmu_notifier_range *range)
{
	struct mmu_interval_notifier *sub;
	unsigned long cur_seq;

	for (sub = count_in(subs, range, &cur_seq); sub; sub = next_touched(subs, sub, range)) {
		if (call_invalidate(sub, range, cur_seq) || mmu_notifier_range_blockable(range))
			continue;
		notifier_intervals_end(subs);
		return -EAGAIN;
	}
	return 0;
}

static struct mmu_interval_notifier *first_deferred(const struct mmu_notifier_subscriptions *subs)
{
	return hlist_entry_safe(subs->deferred_list.first, struct mmu_interval_notifier, deferred_item);
}

/* Carries out what was put off; seq is even again, subs->lock held since before it became so (N7). */
static void do_deferred(struct mmu_notifier_subscriptions *subs)
{
	while (subs->deferred_list.first) {
		struct mmu_interval_notifier *sub = first_deferred(subs);

		p2psim_step_on(P2PSIM_STEP_SEQ_WRITE, sub_id(sub), true, "notifier:deferred");
		bury_freed(subs);
		sub = first_deferred(subs);
		if (!sub)
			return;
		hlist_del_init(&sub->deferred_item);
		if (sub->state == NOTIFIER_INSERTING)
			plant(subs, sub);
		else
			fell(subs, sub);
	}
}

void notifier_intervals_end(struct mmu_notifier_subscriptions *subs)
{
	spin_lock(&subs->lock);
	if (--subs->active_invalidate_ranges || !notifier_is_invalidating(subs)) {
		p2psim_note("invalidate_end [seq %u]", subs->invalidate_seq);
		spin_unlock(&subs->lock);
		return;
	}
	bury_freed(subs);
	p2psim_step_on(P2PSIM_STEP_SEQ_WRITE, p2psim_object_id(&subs->obj), true, "seq:end");
	subs->invalidate_seq++;
	do_deferred(subs);
	p2psim_note("invalidate_end [seq %u->%u]", subs->invalidate_seq - 1, subs->invalidate_seq);
	spin_unlock(&subs->lock);
	(wake_up_all)(&subs->wq);
}

void notifier_intervals_release(struct mmu_notifier_subscriptions *subs, struct mm_struct *mm)
{
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_RELEASE, MMU_NOTIFIER_RANGE_BLOCKABLE, NULL, mm, 0, ULONG_MAX);
	notifier_book_begin(&range);
	lock_map_acquire(&__mmu_notifier_invalidate_range_start_map);
	notifier_intervals_start(subs, &range);
	lock_map_release(&__mmu_notifier_invalidate_range_start_map);
	notifier_book_told(&range);
	notifier_book_end(&range);
	notifier_intervals_end(subs);
	notifier_book_close(&range);
}

/* ---- Insert and remove ---- */

/* The second column of the table above. */
static void put_in(struct mmu_notifier_subscriptions *subs, struct mmu_interval_notifier *sub)
{
	if (!subs->active_invalidate_ranges) {
		sub->invalidate_seq = subs->invalidate_seq - 1;
		plant(subs, sub);
	} else if (!notifier_is_invalidating(subs)) {
		make_odd(subs);
		sub->invalidate_seq = subs->invalidate_seq;
		plant(subs, sub);
	} else {
		sub->invalidate_seq = subs->invalidate_seq;
		defer(subs, sub, NOTIFIER_INSERTING);
	}
	sub->first_seq = sub->invalidate_seq;
	notifier_known_add(&subs->intervals, sub);
}

/* Fills *sub; false when it cannot be subscribed for a reason that is the caller's bug. */
static bool prepare(struct mmu_interval_notifier *sub, struct mm_struct *mm, unsigned long start, unsigned long last,
		    const struct mmu_interval_notifier_ops *ops)
{
	if (!ops || !ops->invalidate) {
		p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0,
			       "an interval notifier is inserted without ->invalidate()");
		return false;
	}
	if (notifier_is_known(sub)) {
		p2psim_violate(P2PSIM_CONTRACT, 0, sub_id(sub), mm->obj.id, "%s is inserted twice",
			       notifier_name(sub_id(sub)));
		return false;
	}
	*sub = (struct mmu_interval_notifier){ .ops = ops, .mm = mm };
	sub->interval_tree.start = start;
	sub->interval_tree.last = last;
	p2psim_object_init(&sub->obj, "interval");
	return true;
}

static int insert(struct mmu_interval_notifier *sub, struct mm_struct *mm, unsigned long start, unsigned long length,
		  const struct mmu_interval_notifier_ops *ops)
{
	struct mmu_notifier_subscriptions *subs = mm->notifier_subscriptions;
	unsigned long last;
	bool prepared;

	if (!length || __builtin_add_overflow(start, length - 1, &last))
		return -EOVERFLOW;
	if (atomic_read(&mm->mm_users) <= 0) {
		p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0,
			       "an interval notifier is inserted into an address space that is gone: mmget() first");
		return -EINVAL;
	}
	mmgrab(mm);
	spin_lock(&subs->lock);
	bury_freed(subs);
	prepared = prepare(sub, mm, start, last, ops);
	if (prepared) {
		put_in(subs, sub);
		p2psim_note("interval_insert [sub.seq %u]", sub->invalidate_seq);
	}
	spin_unlock(&subs->lock);
	if (!prepared)
		mmdrop(mm);
	return prepared ? 0 : -EINVAL;
}

static bool has_room_for_intervals(struct mm_struct *mm)
{
	/* A first registration writes it while it keeps all invalidations out, between two steps on the same. */
	p2psim_step_range(P2PSIM_STEP_READ, p2psim_object_id(&mm->obj), false, UINT64_MAX, UINT64_MAX, "notifier:list");
	return mm->notifier_subscriptions && mm->notifier_subscriptions->has_itree;
}

int mmu_interval_notifier_insert(struct mmu_interval_notifier *interval_sub, struct mm_struct *mm, unsigned long start,
				 unsigned long length, const struct mmu_interval_notifier_ops *ops)
{
	int error = 0;

	if (!has_room_for_intervals(mm)) {
		(down_write)(&mm->mmap_lock);
		error = notifier_register(NULL, mm);
		(up_write)(&mm->mmap_lock);
	}
	return error ? error : insert(interval_sub, mm, start, length, ops);
}

int mmu_interval_notifier_insert_locked(struct mmu_interval_notifier *interval_sub, struct mm_struct *mm,
					unsigned long start, unsigned long length,
					const struct mmu_interval_notifier_ops *ops)
{
	int error = 0;

	if (!rwsem_is_write_held(&mm->mmap_lock))
		p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0,
			       "mmu_interval_notifier_insert_locked() without mmap_lock held for writing");
	if (!has_room_for_intervals(mm))
		error = notifier_register(NULL, mm);
	return error ? error : insert(interval_sub, mm, start, length, ops);
}

/* The third column of the table above.  Returns the sequence to wait for the end of, or 0. */
static unsigned long take_out(struct mmu_notifier_subscriptions *subs, struct mmu_interval_notifier *sub)
{
	if (!notifier_is_invalidating(subs)) {
		fell(subs, sub);
		return 0;
	}
	if (sub->state == NOTIFIER_INSERTING) {
		hlist_del_init(&sub->deferred_item);
		sub->state = NOTIFIER_GONE;
		notifier_known_del(&subs->intervals, sub);
		return 0;
	}
	defer(subs, sub, NOTIFIER_REMOVING);
	return subs->invalidate_seq;
}

/*
 * Under the lock: whoever makes seq even holds it until the deferred list is done, so that a remover that sees the new
 * sequence knows that its subscription is off the list and may be freed (N7).
 */
static bool seq_has_moved(struct mmu_notifier_subscriptions *subs, unsigned long seq)
{
	bool moved;

	p2psim_step_on(P2PSIM_STEP_SEQ_READ, p2psim_object_id(&subs->obj), false, "seq:wait");
	spin_lock(&subs->lock);
	moved = subs->invalidate_seq != seq;
	spin_unlock(&subs->lock);
	return moved;
}

/* What others must not do while they are in a section or hold a lock that a callback takes: wait for all sections. */
static void might_wait_for_invalidations(void)
{
	lock_map_acquire(&__mmu_notifier_invalidate_range_start_map);
	lock_map_release(&__mmu_notifier_invalidate_range_start_map);
}

void mmu_interval_notifier_remove(struct mmu_interval_notifier *interval_sub)
{
	static const char call[] = "mmu_interval_notifier_remove";
	struct mmu_notifier_subscriptions *subs;
	struct mm_struct *mm;
	unsigned long seq = 0;
	uint32_t id;

	if (!notifier_is_usable(interval_sub, &interval_sub->obj, &interval_sub->state, call))
		return;
	mm = interval_sub->mm;
	subs = mm->notifier_subscriptions;
	id = sub_id(interval_sub);
	if (!notifier_may_wait(mm, id, call))
		return;
	(might_sleep)();
	spin_lock(&subs->lock);
	bury_freed(subs);
	if (p2psim_ptr_is_freed(interval_sub))
		; /* bury_freed() has said so */
	else if (interval_sub->state == NOTIFIER_REMOVING || interval_sub->state == NOTIFIER_GONE)
		p2psim_violate(P2PSIM_UAF, 0, id, 0, "%s is removed twice at once", notifier_name(id));
	else
		seq = take_out(subs, interval_sub);
	spin_unlock(&subs->lock);
	might_wait_for_invalidations();
	if (seq) {
		p2psim_note("interval_remove: waits [seq %u]", seq);
		wait_event(subs->wq, seq_has_moved(subs, seq));
	}
	/* From here on it is the caller's: whoever touched it must have done so before. */
	p2psim_step_on(P2PSIM_STEP_SEQ_WRITE, id, true, "notifier:removed");
	mmdrop(mm);
}

/* ---- The side of the reader ---- */

/* Reads without the lock: seq may become even a moment later, and then there is a wake-up. */
static bool seq_differs(struct mmu_notifier_subscriptions *subs, unsigned long seq)
{
	p2psim_step_on(P2PSIM_STEP_SEQ_READ, p2psim_object_id(&subs->obj), false, "seq:wait");
	return subs->invalidate_seq != seq;
}

/* One step on the subscription's sequence.  False, after saying UAF, if it is gone before it or by then. */
static bool step_on_seq(struct mmu_interval_notifier *sub, bool write, const char *label, const char *call)
{
	if (!notifier_is_usable(sub, &sub->obj, &sub->state, call))
		return false;
	p2psim_step_on(write ? P2PSIM_STEP_SEQ_WRITE : P2PSIM_STEP_SEQ_READ, sub_id(sub), write, label);
	return notifier_is_usable(sub, &sub->obj, &sub->state, call);
}

unsigned long mmu_interval_read_begin(struct mmu_interval_notifier *interval_sub)
{
	static const char call[] = "mmu_interval_read_begin";
	struct mmu_notifier_subscriptions *subs;
	unsigned long seq = 1;
	bool invalidating = false;

	if (!notifier_is_usable(interval_sub, &interval_sub->obj, &interval_sub->state, call))
		return seq;
	subs = interval_sub->mm->notifier_subscriptions;
	if (!notifier_may_wait(interval_sub->mm, interval_sub->obj.id, call))
		return interval_sub->invalidate_seq;
	spin_lock(&subs->lock);
	if (step_on_seq(interval_sub, false, "seq:read_begin", call)) {
		seq = interval_sub->invalidate_seq;
		invalidating = seq == subs->invalidate_seq;
		interval_sub->reads++;
	}
	spin_unlock(&subs->lock);
	might_wait_for_invalidations();
	if (invalidating) {
		p2psim_note("read_begin(): waits [seq %u]", seq);
		wait_event(subs->wq, seq_differs(subs, seq));
	}
	p2psim_note("read_begin() = %u", seq);
	return seq;
}

/* Did read_begin() ever give this one? */
static void check_token(struct mmu_interval_notifier *sub, unsigned long seq, const char *call)
{
	uint32_t id = sub_id(sub);

	if (!sub->reads)
		p2psim_violate(P2PSIM_CONTRACT, 0, id, 0, "%s() of %s without mmu_interval_read_begin()", call,
			       notifier_name(id));
	else if (!(seq & 1) || (long)(seq - sub->first_seq) < 0 || (long)(sub->invalidate_seq - seq) < 0)
		p2psim_violate(P2PSIM_CONTRACT, 0, id, 0, "%s() of %s: no mmu_interval_read_begin() returned %lu", call,
			       notifier_name(id), seq);
}

/* Locks of the current task that could be the driver's: mmap_lock is not. */
static bool holds_no_lock(const struct mmu_interval_notifier *sub)
{
	return p2psim_locks_held() <= p2psim_lock_is_held(&sub->mm->mmap_lock.lock);
}

bool mmu_interval_read_retry(struct mmu_interval_notifier *interval_sub, unsigned long seq)
{
	static const char call[] = "mmu_interval_read_retry";
	bool retry;

	if (!step_on_seq(interval_sub, false, "seq:read_retry", call))
		return true;
	if (holds_no_lock(interval_sub))
		p2psim_violate(P2PSIM_CONTRACT, 0, sub_id(interval_sub), 0,
			       "%s() of %s without the driver's lock: its answer is old when it is used", call,
			       notifier_name(sub_id(interval_sub)));
	check_token(interval_sub, seq, call);
	retry = interval_sub->invalidate_seq != seq;
	if (retry)
		p2psim_note("read_retry() = true -> again");
	else
		p2psim_note("read_retry() = false");
	return retry;
}

bool mmu_interval_check_retry(struct mmu_interval_notifier *interval_sub, unsigned long seq)
{
	static const char call[] = "mmu_interval_check_retry";

	if (!step_on_seq(interval_sub, false, "seq:check_retry", call))
		return true;
	check_token(interval_sub, seq, call);
	return interval_sub->invalidate_seq != seq;
}

/* Called where it may be, with what invalidate() was given? */
static bool may_set_seq(struct mmu_interval_notifier *sub, unsigned long cur_seq)
{
	struct notifier_callback *callback = notifier_callback_here(sub);
	uint32_t id = sub_id(sub);

	if (!callback) {
		if (notifier_world() && notifier_world()->blind)
			return true;
		p2psim_violate(P2PSIM_CONTRACT, 0, id, 0, "mmu_interval_set_seq() of %s outside of its invalidate()",
			       notifier_name(id));
		return false;
	}
	if (callback->cur_seq != cur_seq) {
		p2psim_violate(P2PSIM_CONTRACT, 0, id, 0, "mmu_interval_set_seq(%lu) of %s: invalidate() was given %lu",
			       cur_seq, notifier_name(id), callback->cur_seq);
		return false;
	}
	if (p2psim_locks_held() <= callback->locks_held)
		p2psim_violate(P2PSIM_CONTRACT, 0, id, 0, "mmu_interval_set_seq() of %s without the driver's lock",
			       notifier_name(id));
	callback->seq_is_set = true;
	return true;
}

void mmu_interval_set_seq(struct mmu_interval_notifier *interval_sub, unsigned long cur_seq)
{
	static const char call[] = "mmu_interval_set_seq";

	if (!notifier_is_usable(interval_sub, &interval_sub->obj, &interval_sub->state, call) ||
	    !may_set_seq(interval_sub, cur_seq) || !step_on_seq(interval_sub, true, "seq:set_seq", call))
		return;
	interval_sub->invalidate_seq = cur_seq;
	p2psim_note("set_seq(%u)", cur_seq);
}
