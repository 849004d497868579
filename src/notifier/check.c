/* SPDX-License-Identifier: MIT */
/*
 * What must hold of all subscriptions: at every moment (the walker) and at the end of an execution.
 */
#include "notifier/internal.h"
#include "notifier/driver_line.h"

static struct mmu_interval_notifier *sub_of(const struct rb_node *node)
{
	return container_of((struct rb_node *)node, struct mmu_interval_notifier, interval_tree.rb);
}

static bool is_at_rest(struct mmu_notifier_subscriptions *subs)
{
	return !subs->lock.lock.owner;
}

/* N2, and that everything in the tree belongs there. */
static bool tree_is_valid(const struct mmu_notifier_subscriptions *subs, struct mm_struct *mm)
{
	const struct rb_node *node;

	if (!p2psim_interval_tree_is_valid(&subs->itree))
		return false;
	for (node = rb_first_cached(&subs->itree); node; node = rb_next(node)) {
		const struct mmu_interval_notifier *sub = sub_of(node);

		if (sub->mm != mm || !sub->ops || (sub->state != NOTIFIER_INSERTED && sub->state != NOTIFIER_REMOVING))
			return false;
		if (!(sub->invalidate_seq & 1) || (long)(subs->invalidate_seq - sub->invalidate_seq) < 0)
			return false;
	}
	return true;
}

/* N7, and that each item waits for something. */
static bool deferred_is_valid(const struct mmu_notifier_subscriptions *subs)
{
	const struct mmu_interval_notifier *sub;

	hlist_for_each_entry(sub, &subs->deferred_list, deferred_item)
		if (sub->state != NOTIFIER_INSERTING && sub->state != NOTIFIER_REMOVING)
			return false;
	return hlist_empty(&subs->deferred_list) || notifier_is_invalidating(subs);
}

static bool list_is_valid(const struct mmu_notifier_subscriptions *subs, struct mm_struct *mm)
{
	const struct mmu_notifier *sub;

	hlist_for_each_entry(sub, &subs->list, hlist)
		if (sub->mm != mm || !sub->ops || sub->state != NOTIFIER_LISTED || !sub->users)
			return false;
	return true;
}

static bool nothing_is_freed(const struct notifier_known *known)
{
	unsigned int i;

	for (i = 0; !known->overflowed && i < known->count; i++)
		if (p2psim_ptr_is_freed(known->sub[i]))
			return false;
	return true;
}

bool p2psim_notifier_is_valid(struct mm_struct *mm)
{
	struct mmu_notifier_subscriptions *subs = mm->notifier_subscriptions;

	if (!subs)
		return true;
	if (!nothing_is_freed(&subs->intervals) || !nothing_is_freed(&subs->listed))
		return false;
	if (!is_at_rest(subs)) /* in the middle of a change, which nobody else can see */
		return true;
	if (!subs->active_invalidate_ranges && notifier_is_invalidating(subs)) /* N1 */
		return false;
	return tree_is_valid(subs, mm) && deferred_is_valid(subs) && list_is_valid(subs, mm);
}

unsigned long p2psim_mm_invalidate_seq(struct mm_struct *mm)
{
	return mm->notifier_subscriptions ? mm->notifier_subscriptions->invalidate_seq : 0;
}

/* N10: all that was started has ended. */
static void check_running(struct notifier_book *book)
{
	struct notifier_running *running;

	list_for_each_entry(running, &book->running, entry)
		p2psim_violate(P2PSIM_BALANCE, running->what.step_begin, book->mm->obj.id, 0,
			       "an invalidation [0x%lx, 0x%lx) of %s has no end", running->what.start,
			       running->what.end, book->mm->obj.name);
}

static void check_left(const struct notifier_known *known, struct mm_struct *mm, const char *sort)
{
	if (known->count)
		p2psim_violate(P2PSIM_LEAK, 0, mm->obj.id, 0, "%u %s of %s never removed", known->count,
			       sort, mm->obj.name);
}

void notifier_check_quiescent(void *state)
{
	struct notifier_world *world = state;
	struct notifier_book *book;

	list_for_each_entry(book, &world->books, entry) {
		struct mmu_notifier_subscriptions *subs;

		if (p2psim_ptr_is_freed(book->mm))
			continue; /* its free() forgot mmu_notifier_subscriptions_destroy() */
		check_running(book);
		subs = book->mm->notifier_subscriptions;
		if (!subs)
			continue;
		check_left(&subs->intervals, book->mm, "interval notifier(s)");
		check_left(&subs->listed, book->mm, "notifier(s)");
		p2psim_end_hash_add(subs->invalidate_seq);
	}
}
