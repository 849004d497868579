/* SPDX-License-Identifier: MIT */
/*
 * Start and end of an invalidation, as the mm calls them.
 *
 *	start(range)			nobody may sleep?	intervals	list
 *	  blocking			may sleep		all		all
 *	  nonblock, nobody refuses	must not		all		all
 *	  nonblock, an interval refuses	must not		up to it	none
 *	  nonblock, the list refuses	must not		all		all; then end() of all that have one
 *
 * Whoever refuses, everything is undone before -EAGAIN is returned (N10): the caller must not call end().
 *
 * Compared with the kernel: when the *list* refuses, the interval half is counted out as well.  Linux 6.1 leaves it
 * counted, so that an mm with both sorts of subscriber has its sequence odd for good.
 */
#include "notifier/internal.h"
#include "notifier/driver_line.h"

bool mmu_notifier_range_update_to_read_only(const struct mmu_notifier_range *range)
{
	return range->event == MMU_NOTIFY_PROTECTION_VMA && range->vma && (range->vma->vm_flags & VM_READ);
}

static bool no_registration(void *book)
{
	return !((struct notifier_book *)book)->all_locks;
}

/* The step of beginning: waits out a registration, which holds what the caller's lock stands for. */
static void step_start(struct mm_struct *mm)
{
	struct notifier_book *book;

	p2psim_step_range(P2PSIM_STEP_SEQ_READ, p2psim_object_id(&mm->obj), false, UINT64_MAX, UINT64_MAX,
			  "notifier:start");
	book = notifier_book(mm, true);
	if (book && book->all_locks)
		p2psim_step_guarded(P2PSIM_STEP_SEQ_READ, p2psim_object_id(&mm->obj), false, "notifier:start",
				    no_registration, book);
}

/* The step of being through: a registration may go on. */
static void step_done(struct mm_struct *mm)
{
	if (mm_has_notifiers(mm))
		p2psim_step_range(P2PSIM_STEP_SEQ_READ, p2psim_object_id(&mm->obj), false, UINT64_MAX, UINT64_MAX,
				  "notifier:done");
}

static int tell_everybody(struct mmu_notifier_subscriptions *subs, struct mmu_notifier_range *range)
{
	int error = 0;

	if (subs->has_itree)
		error = notifier_intervals_start(subs, range);
	else
		p2psim_note("invalidate_start %s", P2PSIM_STR(p2psim_notifier_event_name(range->event)));
	if (error)
		return error;
	error = notifier_list_start(subs, range);
	if (error && subs->has_itree)
		notifier_intervals_end(subs);
	return error;
}

static int start(struct mmu_notifier_range *range)
{
	struct mm_struct *mm = range->mm;
	int error = 0;

	step_start(mm);
	notifier_book_begin(range);
	lock_map_acquire(&__mmu_notifier_invalidate_range_start_map);
	if (mm_has_notifiers(mm))
		error = tell_everybody(mm->notifier_subscriptions, range);
	lock_map_release(&__mmu_notifier_invalidate_range_start_map);
	if (error) {
		p2psim_note("invalidate_start() = %e", (uint64_t)(int64_t)error);
		step_done(mm);
		notifier_book_refused(range);
	} else {
		notifier_book_told(range);
	}
	return error;
}

void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range)
{
	(might_sleep)();
	range->flags |= MMU_NOTIFIER_RANGE_BLOCKABLE;
	start(range);
}

int mmu_notifier_invalidate_range_start_nonblock(struct mmu_notifier_range *range)
{
	range->flags &= ~MMU_NOTIFIER_RANGE_BLOCKABLE;
	return start(range);
}

static void tell_everybody_end(struct mmu_notifier_subscriptions *subs, const struct mmu_notifier_range *range,
			       bool only_end)
{
	lock_map_acquire(&__mmu_notifier_invalidate_range_start_map);
	if (subs->has_itree)
		notifier_intervals_end(subs);
	else
		p2psim_note("invalidate_end");
	notifier_list_end(subs, range, only_end);
	lock_map_release(&__mmu_notifier_invalidate_range_start_map);
}

static void end(struct mmu_notifier_range *range, bool only_end)
{
	struct mm_struct *mm = range->mm;

	p2psim_step_range(P2PSIM_STEP_SEQ_READ, p2psim_object_id(&mm->obj), false, UINT64_MAX, UINT64_MAX,
			  "notifier:end");
	if (!notifier_book_was_started(range))
		return;
	if (mm->invalidated)
		mm->invalidated(mm, range);
	notifier_book_end(range);
	if (mm_has_notifiers(mm))
		tell_everybody_end(mm->notifier_subscriptions, range, only_end);
	step_done(mm);
	notifier_book_close(range);
}

void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range)
{
	if (mmu_notifier_range_blockable(range))
		(might_sleep)();
	end(range, false);
}

void mmu_notifier_invalidate_range_only_end(struct mmu_notifier_range *range)
{
	end(range, true);
}
