/* SPDX-License-Identifier: MIT */
/*
 * Ranges of 5.2: a bool that driver and invalidation share, and the count that it needed.
 *
 *	driver					invalidation
 *	register: valid, if none is under way
 *	wait_until_valid			start: notifiers++, ranges it touches: invalid, invalidations++
 *	reads page tables: seen = invalidations	  mirrors' callbacks
 *	lock					  page tables change
 *	valid && seen == invalidations?		end: notifiers--, at 0 all ranges are valid
 *	installs
 *	unlock
 *
 * The bool alone (D1) is true again after a start and an end that both fell between reading and looking.
 *
 *	G1  a range holds the address space: release() cannot run while there is one (D7)
 *	G2  it is unregistered exactly once (D9)
 *
 * The kernel keeps `valid` under ranges_lock and lets drivers read it without.  So does this, and each look is a step on
 * struct hmm.
 */
#include <p2psim/check.h>
#include <p2psim/linux/jiffies.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "hmm/legacy.h"

static void look(struct hmm *hmm, bool write, const char *label)
{
	p2psim_step_on(write ? P2PSIM_STEP_WRITE : P2PSIM_STEP_READ, p2psim_object_id(&hmm->obj), write, label);
	hmm52_check_freed(hmm);
}

/* ---- Invalidations ---- */

/* As 5.2 had it: one that ends where the range begins counts, too. */
static bool touches(const struct hmm_range *range, const struct mmu_notifier_range *update)
{
	return update->end >= range->start && update->start < range->end;
}

void hmm52_ranges_begin(struct hmm *hmm, const struct mmu_notifier_range *update)
{
	struct hmm_range *range;

	spin_lock(&hmm->ranges_lock);
	look(hmm, true, "hmm52:start");
	if (!p2psim_quirk_on(P2PSIM_QUIRK_D5_COUNT_AFTER_CALLBACKS))
		hmm->notifiers++;
	list_for_each_entry(range, &hmm->ranges, list) {
		if (!touches(range, update) || p2psim_quirk_on(P2PSIM_QUIRK_D14_NO_RETRY))
			continue;
		range->valid = false;
		range->invalidations++;
	}
	spin_unlock(&hmm->ranges_lock);
}

void hmm52_ranges_count(struct hmm *hmm)
{
	spin_lock(&hmm->ranges_lock);
	look(hmm, true, "hmm52:count");
	hmm->notifiers++;
	spin_unlock(&hmm->ranges_lock);
}

void hmm52_ranges_end(struct hmm *hmm)
{
	struct hmm_range *range;
	bool last;

	spin_lock(&hmm->ranges_lock);
	look(hmm, true, "hmm52:end");
	last = !--hmm->notifiers;
	if (last)
		list_for_each_entry(range, &hmm->ranges, list)
			range->valid = true;
	spin_unlock(&hmm->ranges_lock);
	if (last)
		wake_up_all(&hmm->wq);
}

void hmm52_ranges_release(struct hmm *hmm)
{
	struct hmm_range *range;

	spin_lock(&hmm->ranges_lock);
	look(hmm, true, "hmm52:start");
	hmm->dead = true;
	if (!list_empty(&hmm->ranges) && !p2psim_quirk_on(P2PSIM_QUIRK_D7_MM_LIFETIME))
		p2psim_violate(P2PSIM_CONTRACT, 0, hmm->obj.id, 0, "the address space ends with a range of it registered");
	list_for_each_entry(range, &hmm->ranges, list)
		range->valid = false;
	spin_unlock(&hmm->ranges_lock);
	wake_up_all(&hmm->wq);
}

/* ---- Life ---- */

/* G1.  D7: only a flag is looked at, which may become true at any time. */
static bool hold_mm(struct hmm_range *range, struct hmm *hmm)
{
	range->mm_is_held = !p2psim_quirk_on(P2PSIM_QUIRK_D7_MM_LIFETIME);
	if (range->mm_is_held)
		return mmget_not_zero(hmm->mm);
	look(hmm, false, "hmm52:valid");
	return !hmm->dead;
}

static int link(struct hmm_range *range, struct hmm *hmm)
{
	if (!hold_mm(range, hmm)) {
		hmm52_put(hmm);
		return -EFAULT;
	}
	range->hmm = hmm;
	range->invalidations = range->seen = 0;
	spin_lock(&hmm->ranges_lock);
	look(hmm, true, "hmm52:register");
	list_add(&range->list, &hmm->ranges);
	range->valid = !hmm->notifiers;
	spin_unlock(&hmm->ranges_lock);
	return 0;
}

/* Everything that does not need struct hmm. */
static int set_up(struct hmm_range *range, unsigned long start, unsigned long end, unsigned int page_shift)
{
	unsigned long mask = (1UL << page_shift) - 1;

	range->hmm = NULL;
	range->vma = NULL;
	range->valid = false;
	range->page_shift = (uint8_t)page_shift;
	range->start = start;
	range->end = end;
	return start >= end || (start & mask) || (end & mask) ? -EINVAL : 0;
}

int p2psim_hmm52_range_register(struct hmm_range *range, struct hmm_mirror *mirror, unsigned long start,
				unsigned long end, unsigned int page_shift)
{
	int error = set_up(range, start, end, page_shift);

	if (error)
		return error;
	if (!mirror->hmm)
		return -EFAULT;
	kref_get(&mirror->hmm->kref);
	return link(range, mirror->hmm);
}

int p2psim_hmm52_range_register_mm(struct hmm_range *range, struct mm_struct *mm, unsigned long start,
				   unsigned long end, unsigned int page_shift)
{
	int error = set_up(range, start, end, page_shift);
	struct hmm *hmm;

	if (error)
		return error;
	hmm = hmm52_get_or_create(mm);
	return hmm ? link(range, hmm) : -ENOMEM;
}

/* D9: a range without hmm is one that is unregistered, and all is well. */
static bool is_registered(const struct hmm_range *range)
{
	if (range->hmm)
		return true;
	if (!p2psim_quirk_on(P2PSIM_QUIRK_D9_RACY_UNREGISTER))
		p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "the range 0x%lx..0x%lx is not registered (any more)",
			       range->start, range->end);
	return false;
}

void p2psim_hmm52_range_unregister(struct hmm_range *range)
{
	struct hmm *hmm = READ_ONCE(range->hmm);

	if (!is_registered(range))
		return;
	spin_lock(&hmm->ranges_lock);
	look(hmm, true, "hmm52:unregister");
	list_del_init(&range->list);
	range->valid = false;
	spin_unlock(&hmm->ranges_lock);
	WRITE_ONCE(range->hmm, NULL);
	if (range->mm_is_held)
		mmput(hmm->mm);
	hmm52_put(hmm);
}

/* ---- Is it true? ---- */

static bool is_stale(const struct hmm_range *range)
{
	return range->seen != range->invalidations && !p2psim_quirk_on(P2PSIM_QUIRK_D1_ABA);
}

bool hmm52_begin_reading(struct hmm_range *range)
{
	look(range->hmm, false, "hmm52:valid");
	range->seen = range->invalidations;
	return range->valid;
}

bool hmm52_collided(struct hmm_range *range)
{
	look(range->hmm, false, "hmm52:valid");
	return !range->valid || is_stale(range);
}

bool p2psim_hmm52_range_valid(struct hmm_range *range)
{
	return is_registered(range) && !hmm52_collided(range);
}

bool p2psim_hmm52_range_wait_until_valid(struct hmm_range *range, unsigned long timeout_ms)
{
	struct hmm *hmm = range->hmm;
	bool valid;

	if (!is_registered(range))
		return false;
	look(hmm, false, "hmm52:valid");
	if (!range->valid && !hmm->dead)
		wait_event_timeout(hmm->wq, range->valid || hmm->dead, msecs_to_jiffies(timeout_ms));
	look(hmm, false, "hmm52:valid");
	valid = range->valid;
	return valid;
}
