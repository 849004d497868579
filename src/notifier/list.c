/* SPDX-License-Identifier: MIT */
/*
 * The list: subscribers of a whole mm, their registration and their end.
 *
 *	           register / first get                mm ends: release()
 *	(nobody) ------------------------> on the list ------------------> off the list
 *	                                       |                                |
 *	     unregister: release(), SRCU wait  |        unregister: SRCU wait   |
 *	     last put: SRCU callback frees     v                                v
 *	                                     gone <-----------------------------'
 *
 * The list is changed under subs->lock and read under SRCU: a notifier taken off stays readable, its `next` too,
 * until all who were reading are through.  So a callback may still run after ->release() and after the notifier is
 * off the list, but not after mmu_notifier_unregister() has returned.
 *
 * An invalidation that began before a registration must not end after it: the newcomer would hear an end without a
 * start.  So a registration waits until none is under way and keeps new ones out meanwhile.  The kernel gets this from
 * mmap_lock and all reverse-map locks of the mm (mm_take_all_locks()), which are above this layer; here it is a
 * guarded step and a flag that starts look at.
 *
 * Compared with the kernel: a notifier that is freed while it is on the list is found (UAF) instead of followed.
 */
#include <p2psim/linux-5.2/mmu_notifier.h>
#include <p2psim/linux/refcount.h>
#include <p2psim/linux/sched/mm.h>

#include "notifier/internal.h"
#include "notifier/driver_line.h"

const struct p2psim_lock_map __mmu_notifier_invalidate_range_start_map = P2PSIM_LOCK_MAP_INIT("mmu_notifier");

static uint32_t sub_id(struct mmu_notifier *sub)
{
	return p2psim_object_id(&sub->obj);
}

static struct mmu_notifier *sub_of(struct hlist_node *node)
{
	return hlist_entry_safe(node, struct mmu_notifier, hlist);
}

/* ---- Walking and changing the list ---- */

/* The list leads through freed memory: it is linked anew from those that live. */
static void bury_freed(struct mmu_notifier_subscriptions *subs)
{
	bool found = false;
	unsigned int i;

	while (notifier_known_take_freed(&subs->listed)) {
		p2psim_violate(P2PSIM_UAF, 0, p2psim_object_id(&subs->obj), 0,
			       "a notifier was freed while it was registered");
		found = true;
	}
	if (!found)
		return;
	INIT_HLIST_HEAD(&subs->list);
	for (i = 0; i < subs->listed.count; i++)
		hlist_add_head(&((struct mmu_notifier *)subs->listed.sub[i])->hlist, &subs->list);
}

/* With subs->lock held.  Leaves `next` to those who stand on it. */
static void take_off(struct mmu_notifier_subscriptions *subs, struct mmu_notifier *sub, enum notifier_state state)
{
	struct hlist_node *next;

	if (!hlist_unhashed(&sub->hlist)) {
		p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&subs->obj), true, "notifier:hash");
		bury_freed(subs);
		next = sub->hlist.next;
		hlist_del_init(&sub->hlist);
		sub->hlist.next = next;
		notifier_known_del(&subs->listed, sub);
	}
	sub->state = state;
}

static void put_on(struct mmu_notifier_subscriptions *subs, struct mmu_notifier *sub)
{
	p2psim_step_on(P2PSIM_STEP_WRITE, p2psim_object_id(&subs->obj), true, "notifier:hash");
	bury_freed(subs);
	hlist_add_head(&sub->hlist, &subs->list);
	sub->state = NOTIFIER_LISTED;
	notifier_known_add(&subs->listed, sub);
}

static struct mmu_notifier *first(struct mmu_notifier_subscriptions *subs)
{
	p2psim_step_on(P2PSIM_STEP_READ, p2psim_object_id(&subs->obj), false, "notifier:list");
	bury_freed(subs);
	return sub_of(subs->list.first);
}

static struct mmu_notifier *next(struct mmu_notifier_subscriptions *subs, struct mmu_notifier *sub)
{
	bool sub_is_freed;

	p2psim_step_on(P2PSIM_STEP_READ, p2psim_object_id(&subs->obj), false, "notifier:list");
	sub_is_freed = p2psim_ptr_is_freed(sub);
	bury_freed(subs);
	return sub_is_freed ? NULL : sub_of(sub->hlist.next);
}

#define for_each_listed(sub, subs) for ((sub) = first(subs); (sub); (sub) = next((subs), (sub)))

static int list_read_lock(void)
{
	return (srcu_read_lock)(&notifier_world()->srcu);
}

static void list_read_unlock(int idx)
{
	(srcu_read_unlock)(&notifier_world()->srcu, idx);
}

/* Is anybody on the list?  One step that says so. */
static bool is_empty(struct mmu_notifier_subscriptions *subs)
{
	p2psim_step_on(P2PSIM_STEP_READ, p2psim_object_id(&subs->obj), false, "notifier:list");
	return hlist_empty(&subs->list);
}

static struct mmu_notifier_subscriptions *somebody_listed(struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subs = mm->notifier_subscriptions;

	return subs && !is_empty(subs) ? subs : NULL;
}

/* ---- Callbacks ---- */

/* The step of entering a callback; false if the notifier is freed by then: next() says so. */
static bool step_enter(struct mmu_notifier *sub)
{
	p2psim_step_on(P2PSIM_STEP_CB_ENTER, sub_id(sub), false, "notifier:callback");
	return !p2psim_ptr_is_freed(sub);
}

/* Around every callback: `nonblock` says why it must not sleep, NULL = it may. */
static struct notifier_callback *enter(struct mmu_notifier *sub, struct mm_struct *mm, const char *name,
				       const char *nonblock)
{
	p2psim_enter("%o.%s()", sub_id(sub), P2PSIM_STR(name));
	if (nonblock)
		p2psim_nonblock_start(nonblock);
	return notifier_callback_enter(sub, mm, 0);
}

static void leave(struct notifier_callback *callback, uint32_t id, const char *name, const char *nonblock)
{
	if (nonblock)
		p2psim_nonblock_end();
	notifier_callback_leave(callback, id, name);
	p2psim_step_on(P2PSIM_STEP_CB_EXIT, id, false, "notifier:callback-done");
}

/* Calls sub->ops->op(sub, ...) if there is one; the value is its result, 0 without it. */
#define CALL(sub, mm, nonblock, op, ...)                                                                               \
	__extension__({                                                                                                \
		int call_result_ = 0;                                                                                  \
		if ((sub)->ops->op && step_enter(sub)) {                                                               \
			uint32_t call_id_ = sub_id(sub);                                                               \
			struct notifier_callback *call_ = enter((sub), (mm), #op, (nonblock));                         \
			call_result_ = (sub)->ops->op((sub), ##__VA_ARGS__);                                           \
			leave(call_, call_id_, #op, (nonblock));                                                       \
			p2psim_leave(call_result_ < 0 ? "%o." #op "() = %e" : "%o." #op "() = %d", call_id_,           \
				     (uint64_t)(int64_t)call_result_);                                                 \
		}                                                                                                      \
		call_result_;                                                                                          \
	})
#define CALL_VOID(sub, mm, nonblock, op, ...)                                                                          \
	do {                                                                                                           \
		if ((sub)->ops->op && step_enter(sub)) {                                                               \
			uint32_t call_id_ = sub_id(sub);                                                               \
			struct notifier_callback *call_ = enter((sub), (mm), #op, (nonblock));                         \
			(sub)->ops->op((sub), ##__VA_ARGS__);                                                          \
			leave(call_, call_id_, #op, (nonblock));                                                       \
			p2psim_leave("%o." #op "()", call_id_);                                                        \
		}                                                                                                      \
	} while (0)

static const char under_ptl[] = "a notifier callback that may run under a page-table lock";

static const char *why_nonblock(const struct mmu_notifier_range *range)
{
	return mmu_notifier_range_blockable(range) ? NULL : "a non-blockable invalidation";
}

/* Only -EAGAIN, only of a non-blockable range, only without an invalidate_range_end. */
static void judge_start(struct mmu_notifier *sub, const struct mmu_notifier_range *range, int error)
{
	uint32_t id = sub_id(sub), mm_id = range->mm->obj.id;
	const char *name = notifier_name(id);

	if (mmu_notifier_range_blockable(range))
		p2psim_violate(P2PSIM_CONTRACT, 0, id, mm_id,
			       "%s.invalidate_range_start() of a blockable range returned %d", name, error);
	else if (error != -EAGAIN)
		p2psim_violate(P2PSIM_CONTRACT, 0, id, mm_id,
			       "%s.invalidate_range_start() returned %d, which is not -EAGAIN", name, error);
	else if (sub->ops->invalidate_range_end && !sub->may_refuse)
		p2psim_violate(P2PSIM_CONTRACT, 0, id, mm_id,
			       "%s.invalidate_range_start() returned -EAGAIN, and it has an invalidate_range_end()",
			       name);
}

/* Those that were told before and after the one that refused expect an end; those that refuse have none. */
static void unwind_start(struct mmu_notifier_subscriptions *subs, const struct mmu_notifier_range *range)
{
	struct mmu_notifier *sub;

	for_each_listed(sub, subs)
		CALL_VOID(sub, range->mm, why_nonblock(range), invalidate_range_end, range);
}

int notifier_list_start(struct mmu_notifier_subscriptions *subs, const struct mmu_notifier_range *range)
{
	struct mmu_notifier *sub;
	int idx, error, result = 0;

	if (is_empty(subs))
		return 0;
	idx = list_read_lock();
	for_each_listed(sub, subs) {
		error = CALL(sub, range->mm, why_nonblock(range), invalidate_range_start, range);
		if (!error)
			continue;
		if (!p2psim_ptr_is_freed(sub))
			judge_start(sub, range, error);
		result = error;
	}
	if (result)
		unwind_start(subs, range);
	list_read_unlock(idx);
	return result;
}

void notifier_list_end(struct mmu_notifier_subscriptions *subs, const struct mmu_notifier_range *range, bool only_end)
{
	struct mmu_notifier *sub;
	int idx;

	if (is_empty(subs))
		return;
	idx = list_read_lock();
	for_each_listed(sub, subs) {
		if (!only_end)
			CALL_VOID(sub, range->mm, under_ptl, invalidate_range, range->mm, range->start, range->end);
		if (!p2psim_ptr_is_freed(sub))
			CALL_VOID(sub, range->mm, why_nonblock(range), invalidate_range_end, range);
	}
	list_read_unlock(idx);
}

void mmu_notifier_invalidate_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct mmu_notifier_subscriptions *subs = somebody_listed(mm);
	struct mmu_notifier *sub;
	int idx;

	if (!subs)
		return;
	idx = list_read_lock();
	for_each_listed(sub, subs)
		CALL_VOID(sub, mm, under_ptl, invalidate_range, mm, start, end);
	list_read_unlock(idx);
}

static bool is_announced(struct mm_struct *mm, unsigned long address)
{
	struct notifier_book *book = notifier_book(mm, false);
	struct notifier_running *running;

	if (!book || notifier_world()->blind)
		return !!book;
	list_for_each_entry(running, &book->running, entry)
		if (running->what.start <= address && address < running->what.end)
			return true;
	return false;
}

void mmu_notifier_change_pte(struct mm_struct *mm, unsigned long address, pte_t pte)
{
	struct mmu_notifier_subscriptions *subs = somebody_listed(mm);
	struct mmu_notifier *sub;
	int idx;

	if (!subs)
		return;
	if (!is_announced(mm, address))
		p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0,
			       "mmu_notifier_change_pte() of 0x%lx outside an invalidation of it", address);
	idx = list_read_lock();
	for_each_listed(sub, subs)
		CALL_VOID(sub, mm, under_ptl, change_pte, mm, address, pte);
	list_read_unlock(idx);
}

int mmu_notifier_clear_flush_young(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct mmu_notifier_subscriptions *subs = somebody_listed(mm);
	struct mmu_notifier *sub;
	int idx, young = 0;

	if (!subs)
		return 0;
	idx = list_read_lock();
	for_each_listed(sub, subs)
		young |= CALL(sub, mm, under_ptl, clear_flush_young, mm, start, end);
	list_read_unlock(idx);
	return young;
}

int mmu_notifier_clear_young(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct mmu_notifier_subscriptions *subs = somebody_listed(mm);
	struct mmu_notifier *sub;
	int idx, young = 0;

	if (!subs)
		return 0;
	idx = list_read_lock();
	for_each_listed(sub, subs)
		young |= CALL(sub, mm, under_ptl, clear_young, mm, start, end);
	list_read_unlock(idx);
	return young;
}

int mmu_notifier_test_young(struct mm_struct *mm, unsigned long address)
{
	struct mmu_notifier_subscriptions *subs = somebody_listed(mm);
	struct mmu_notifier *sub;
	int idx, young = 0;

	if (!subs)
		return 0;
	idx = list_read_lock();
	for (sub = first(subs); sub && !young; sub = next(subs, sub))
		young = CALL(sub, mm, under_ptl, test_young, mm, address);
	list_read_unlock(idx);
	return young;
}

/* ---- Registration ---- */

static bool none_is_under_way(void *book)
{
	return !((struct notifier_book *)book)->running_count;
}

static void take_all_locks(struct mm_struct *mm, struct notifier_book *book)
{
	p2psim_step_guarded(P2PSIM_STEP_SEQ_WRITE, p2psim_object_id(&mm->obj), true, "notifier:take-all-locks",
			    none_is_under_way, book);
	book->all_locks = true;
}

static void drop_all_locks(struct mm_struct *mm, struct notifier_book *book)
{
	p2psim_step_range(P2PSIM_STEP_SEQ_WRITE, p2psim_object_id(&mm->obj), true, UINT64_MAX, UINT64_MAX,
			  "notifier:drop-all-locks");
	book->all_locks = false;
}

/*
 * Reclaim, which an allocation may enter, invalidates.  Said to the lock graph at every registration, so that a
 * callback that allocates with GFP_KERNEL, or a driver's lock around such an allocation, is found without reclaim
 * having run.
 */
static void teach_lock_graph(void)
{
	p2psim_lock_map_acquire(&p2psim_fs_reclaim_map, P2PSIM_LOCK_EXCLUSIVE);
	lock_map_acquire(&__mmu_notifier_invalidate_range_start_map);
	lock_map_release(&__mmu_notifier_invalidate_range_start_map);
	lock_map_release(&p2psim_fs_reclaim_map);
}

static struct mmu_notifier_subscriptions *new_subscriptions(void)
{
	struct mmu_notifier_subscriptions *subs = kzalloc(sizeof(*subs), GFP_KERNEL);

	if (!subs)
		return NULL;
	INIT_HLIST_HEAD(&subs->list);
	__spin_lock_init(&subs->lock, "mmu_notifier subscriptions");
	p2psim_object_init(&subs->obj, "notifiers");
	notifier_intervals_init(subs);
	return subs;
}

static int may_register(struct mm_struct *mm)
{
	if (!rwsem_is_write_held(&mm->mmap_lock))
		p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0,
			       "a notifier is registered without mmap_lock held for writing");
	if (atomic_read(&mm->mm_users) > 0)
		return 0;
	p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0,
		       "a notifier is registered with an address space that is gone: mmget() first");
	return -EINVAL;
}

/* With all locks taken: nobody looks. */
static void subscribe(struct mmu_notifier *sub, struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subs = mm->notifier_subscriptions;

	if (!sub) {
		subs->has_itree = true;
		return;
	}
	mmgrab(mm);
	sub->mm = mm;
	sub->users = 1;
	p2psim_object_init(&sub->obj, "notifier");
	spin_lock(&subs->lock);
	put_on(subs, sub);
	spin_unlock(&subs->lock);
}

static void ready_srcu(struct notifier_world *world)
{
	if (!world->srcu_is_ready)
		__init_srcu_struct(&world->srcu, "mmu_notifier srcu");
	world->srcu_is_ready = true;
}

int notifier_register(struct mmu_notifier *sub, struct mm_struct *mm)
{
	struct notifier_book *book = notifier_book(mm, true);
	struct mmu_notifier_subscriptions *made = NULL;
	int error = may_register(mm);

	if (error || !book)
		return error ? error : -ENOMEM;
	ready_srcu(notifier_world());
	teach_lock_graph();
	if (sub && notifier_is_known(sub)) {
		p2psim_violate(P2PSIM_CONTRACT, 0, sub_id(sub), mm->obj.id, "%s is registered twice",
			       notifier_name(sub_id(sub)));
		return -EINVAL;
	}
	if (!mm->notifier_subscriptions) {
		made = new_subscriptions();
		if (!made)
			return -ENOMEM;
	}
	if (fatal_signal_pending(current)) {
		kfree(made);
		return -EINTR;
	}
	take_all_locks(mm, book);
	if (made)
		mm->notifier_subscriptions = made;
	subscribe(sub, mm);
	drop_all_locks(mm, book);
	return 0;
}

int __mmu_notifier_register(struct mmu_notifier *subscription, struct mm_struct *mm)
{
	return notifier_register(subscription, mm);
}

int mmu_notifier_register(struct mmu_notifier *subscription, struct mm_struct *mm)
{
	int error;

	(down_write)(&mm->mmap_lock);
	error = notifier_register(subscription, mm);
	(up_write)(&mm->mmap_lock);
	return error;
}

static bool is_usable(struct mmu_notifier *sub, const char *call)
{
	return notifier_is_usable(sub, &sub->obj, &sub->state, call);
}

void mmu_notifier_unregister(struct mmu_notifier *subscription, struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subs = mm->notifier_subscriptions;
	int idx;

	if (!is_usable(subscription, "mmu_notifier_unregister") ||
	    !notifier_may_wait(mm, sub_id(subscription), "mmu_notifier_unregister"))
		return;
	p2psim_step_on(P2PSIM_STEP_READ, p2psim_object_id(&subs->obj), false, "notifier:list");
	if (!hlist_unhashed(&subscription->hlist)) {
		idx = list_read_lock();
		CALL_VOID(subscription, mm, NULL, release, mm);
		list_read_unlock(idx);
	}
	spin_lock(&subs->lock);
	take_off(subs, subscription, NOTIFIER_GONE);
	spin_unlock(&subs->lock);
	(synchronize_srcu)(&notifier_world()->srcu);
	mmdrop(mm);
}

void mmu_notifier_unregister_no_release(struct mmu_notifier *subscription, struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subs = mm->notifier_subscriptions;

	if (!is_usable(subscription, "mmu_notifier_unregister_no_release"))
		return;
	spin_lock(&subs->lock);
	take_off(subs, subscription, NOTIFIER_GONE);
	spin_unlock(&subs->lock);
	mmdrop(mm);
}

void mmu_notifier_call_srcu(struct callback_head *rcu, void (*func)(struct callback_head *rcu))
{
	ready_srcu(notifier_world());
	call_srcu(&notifier_world()->srcu, rcu, func);
}

/* One more user of the notifier with these ops, if there is one. */
static struct mmu_notifier *find_and_get(struct mmu_notifier_subscriptions *subs, const struct mmu_notifier_ops *ops)
{
	struct mmu_notifier *sub;

	spin_lock(&subs->lock);
	bury_freed(subs);
	for (sub = sub_of(subs->list.first); sub; sub = sub_of(sub->hlist.next))
		if (sub->ops == ops)
			break;
	if (sub && sub->users == UINT_MAX)
		sub = ERR_PTR(-EOVERFLOW);
	else if (sub)
		sub->users++;
	spin_unlock(&subs->lock);
	return sub;
}

struct mmu_notifier *mmu_notifier_get_locked(const struct mmu_notifier_ops *ops, struct mm_struct *mm)
{
	struct mmu_notifier *sub = NULL;
	int error;

	if (!rwsem_is_write_held(&mm->mmap_lock))
		p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0,
			       "mmu_notifier_get_locked() without mmap_lock held for writing");
	if (mm->notifier_subscriptions)
		sub = find_and_get(mm->notifier_subscriptions, ops);
	if (sub)
		return sub;
	sub = ops->alloc_notifier(mm);
	if (!sub) {
		p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0,
			       "alloc_notifier() returned NULL: ERR_PTR(-ENOMEM) is meant");
		return ERR_PTR(-ENOMEM);
	}
	if (IS_ERR(sub))
		return sub;
	sub->ops = ops;
	error = notifier_register(sub, mm);
	if (!error)
		return sub;
	ops->free_notifier(sub);
	return ERR_PTR(error);
}

struct mmu_notifier *mmu_notifier_get(const struct mmu_notifier_ops *ops, struct mm_struct *mm)
{
	struct mmu_notifier *sub;

	(down_write)(&mm->mmap_lock);
	sub = mmu_notifier_get_locked(ops, mm);
	(up_write)(&mm->mmap_lock);
	return sub;
}

static void free_after_grace_period(struct rcu_head *head)
{
	struct mmu_notifier *sub = container_of(head, struct mmu_notifier, rcu);
	struct mm_struct *mm = sub->mm;

	p2psim_nonblock_start("an SRCU callback");
	sub->ops->free_notifier(sub);
	p2psim_nonblock_end();
	mmdrop(mm);
}

void mmu_notifier_put(struct mmu_notifier *subscription)
{
	struct mmu_notifier_subscriptions *subs;
	bool last = false;

	if (!is_usable(subscription, "mmu_notifier_put"))
		return;
	subs = subscription->mm->notifier_subscriptions;
	spin_lock(&subs->lock);
	if (!subscription->users) {
		p2psim_violate(P2PSIM_BALANCE, 0, sub_id(subscription), 0, "mmu_notifier_put() of %s without a get",
			       notifier_name(sub_id(subscription)));
	} else if (!--subscription->users) {
		take_off(subs, subscription, NOTIFIER_GONE);
		last = true;
	}
	spin_unlock(&subs->lock);
	if (last)
		call_srcu(&notifier_world()->srcu, &subscription->rcu, free_after_grace_period);
}

void mmu_notifier_synchronize(void)
{
	struct notifier_world *world = p2psim_layer_peek(P2PSIM_LAYER_NOTIFIER);

	if (world && world->srcu_is_ready)
		(srcu_barrier)(&world->srcu);
}

/* ---- The end of the mm ---- */

/* Calls release() of all, then takes them off: nobody may be left by the time that pages are freed. */
static void release_listed(struct mmu_notifier_subscriptions *subs, struct mm_struct *mm)
{
	struct mmu_notifier *sub;
	int idx = list_read_lock();

	for_each_listed(sub, subs)
		CALL_VOID(sub, mm, NULL, release, mm);
	spin_lock(&subs->lock);
	while (subs->list.first)
		take_off(subs, sub_of(subs->list.first), NOTIFIER_RELEASED);
	spin_unlock(&subs->lock);
	list_read_unlock(idx);
	(synchronize_srcu)(&notifier_world()->srcu);
}

void mmu_notifier_release(struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subs = mm->notifier_subscriptions;

	if (!subs)
		return;
	if (subs->has_itree)
		notifier_intervals_release(subs, mm);
	if (somebody_listed(mm))
		release_listed(subs, mm);
}

void mmu_notifier_subscriptions_destroy(struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subs = mm->notifier_subscriptions;

	notifier_book_drop(mm);
	mm->notifier_subscriptions = NULL;
	if (!subs)
		return;
	if (!hlist_empty(&subs->list) || !RB_EMPTY_ROOT(&subs->itree.rb_root))
		p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0, "%s is freed with a notifier left", mm->obj.name);
	kfree(subs);
}
