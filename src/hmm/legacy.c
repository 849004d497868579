/* SPDX-License-Identifier: MIT */
/*
 * struct hmm and its mirrors.  Mirrors: mm/hmm.c, 5.2 and 5.3.
 *
 *	first mirror, or range        get, put            last put                 no callback runs
 *	(none) ---------------> in mm->hmm, listed -----> off the list, not in mm ---------------> freed
 *
 *	L1  a callback holds a reference while it runs: container_of() is good for as long as SRCU is (D2)
 *	L2  an invalidation counts from before the first callback until its end (D5), a refused one not at all (D3)
 *	L3  what a mirror refuses is refused to the mm (D4); mirrors are walked under mirrors_sem, taken once (D6)
 *	L4  release() runs under mirrors_sem: unregister waits for it (D10)
 *	L5  struct hmm is made under mmap_sem for writing: two first users share one (D8)
 *
 * In this model the list calls end() for whoever has refused as well, where 5.2 called nobody: so a refusal that is taken
 * back (L2) is one that is left to that call.
 */
#include <p2psim/check.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "core/layer.h"
#include "hmm/legacy.h"

static struct hmm *hmm_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct hmm, mmu_notifier);
}

/* ---- Callbacks ---- */

/* L1: NULL when the last reference is gone; D2: none is taken. */
static struct hmm *enter(struct mmu_notifier *mn)
{
	struct hmm *hmm = hmm_of(mn);

	if (p2psim_quirk_on(P2PSIM_QUIRK_D2_FREE_UNDER_NOTIFIER))
		return hmm;
	return kref_get_unless_zero(&hmm->kref) ? hmm : NULL;
}

static void leave(struct hmm *hmm)
{
	if (!p2psim_quirk_on(P2PSIM_QUIRK_D2_FREE_UNDER_NOTIFIER))
		hmm52_put(hmm);
}

/* L3.  D6: "trylock failed? refuse. Else lock", also when the trylock has locked. */
static bool lock_mirrors(struct hmm *hmm, bool blockable)
{
	if (blockable) {
		down_read(&hmm->mirrors_sem);
		return true;
	}
	if (!down_read_trylock(&hmm->mirrors_sem))
		return false;
	if (p2psim_quirk_on(P2PSIM_QUIRK_D6_LOCK_TWICE))
		down_read(&hmm->mirrors_sem);
	return true;
}

/* D13: what there was to say in 2019. */
static struct mmu_notifier_range without_reason(const struct mmu_notifier_range *range)
{
	struct mmu_notifier_range update;

	mmu_notifier_range_init(&update, MMU_NOTIFY_CLEAR, range->flags, NULL, range->mm, range->start, range->end);
	return update;
}

/* The two forms of ops->sync_cpu_device_pagetables: that of 5.4 is called through its own type. */
typedef int (*sync_range_fn)(struct hmm_mirror *mirror, const struct mmu_notifier_range *range);

static int sync_mirror(struct hmm_mirror *mirror, const struct mmu_notifier_range *range)
{
	struct hmm_update update = { range->start, range->end, HMM_UPDATE_INVALIDATE,
				     mmu_notifier_range_blockable(range) };
	struct mmu_notifier_range nothing_more = without_reason(range);

	if (!mirror->wants_range)
		return mirror->ops->sync_cpu_device_pagetables(mirror, &update);
	if (p2psim_quirk_on(P2PSIM_QUIRK_D13_NO_REASON))
		range = &nothing_more;
	return ((sync_range_fn)(void (*)(void))mirror->ops->sync_cpu_device_pagetables)(mirror, range);
}

static int sync_mirrors(struct hmm *hmm, const struct mmu_notifier_range *range)
{
	struct hmm_mirror *mirror;
	int ret = 0, one;

	if (!lock_mirrors(hmm, mmu_notifier_range_blockable(range)))
		return -EAGAIN;
	hmm52_check_freed(hmm);
	list_for_each_entry(mirror, &hmm->mirrors, list) {
		one = sync_mirror(mirror, range);
		hmm52_check_freed(hmm);
		if (one && (one != -EAGAIN || mmu_notifier_range_blockable(range)))
			p2psim_violate(P2PSIM_CONTRACT, 0, hmm->obj.id, 0,
				       "a mirror answered %d to %s invalidation: -EAGAIN is for one that may not block", one,
				       mmu_notifier_range_blockable(range) ? "a blockable" : "an");
		if (one && !p2psim_quirk_on(P2PSIM_QUIRK_D4_REFUSAL_LOST))
			ret = -EAGAIN;
	}
	up_read(&hmm->mirrors_sem);
	return mmu_notifier_range_blockable(range) ? 0 : ret;
}

static int hmm_invalidate_range_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct hmm *hmm = enter(mn);
	int ret;

	if (!hmm)
		return 0;
	hmm52_ranges_begin(hmm, range);
	ret = sync_mirrors(hmm, range);
	if (p2psim_quirk_on(P2PSIM_QUIRK_D5_COUNT_AFTER_CALLBACKS))
		hmm52_ranges_count(hmm);
	if (ret && p2psim_quirk_on(P2PSIM_QUIRK_D3_COUNT_STAYS))
		hmm52_ranges_count(hmm); /* the end to come takes this one away, and none the first */
	leave(hmm);
	return ret;
}

static void hmm_invalidate_range_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct hmm *hmm = enter(mn);

	if (!hmm)
		return;
	hmm52_ranges_end(hmm);
	leave(hmm);
}

/* D10: each mirror is taken out, and its release() runs with no lock. */
static void release_unlocked(struct hmm *hmm, struct hmm_mirror *mirror)
{
	list_del_init(&mirror->list);
	up_write(&hmm->mirrors_sem);
	p2psim_step("hmm52:release");
	if (p2psim_ptr_is_freed(mirror))
		p2psim_violate(P2PSIM_UAF, 0, hmm->obj.id, 0, "release() of a mirror that is unregistered and freed");
	else
		mirror->ops->release(mirror);
	down_write(&hmm->mirrors_sem);
}

static void release_as_it_was(struct hmm *hmm)
{
	down_write(&hmm->mirrors_sem);
	while (!list_empty(&hmm->mirrors)) {
		struct hmm_mirror *mirror = list_first_entry(&hmm->mirrors, struct hmm_mirror, list);

		if (mirror->ops->release)
			release_unlocked(hmm, mirror);
		else
			list_del_init(&mirror->list);
	}
	up_write(&hmm->mirrors_sem);
}

static void release_mirrors(struct hmm *hmm)
{
	struct hmm_mirror *mirror;

	down_read(&hmm->mirrors_sem);
	list_for_each_entry(mirror, &hmm->mirrors, list)
		if (mirror->ops->release)
			mirror->ops->release(mirror);
	up_read(&hmm->mirrors_sem);
}

static void hmm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct hmm *hmm = enter(mn);

	if (!hmm)
		return;
	hmm52_ranges_release(hmm);
	if (p2psim_quirk_on(P2PSIM_QUIRK_D10_RELEASE_UNLOCKED))
		release_as_it_was(hmm);
	else
		release_mirrors(hmm);
	leave(hmm);
}

static const struct mmu_notifier_ops hmm_notifier_ops = {
	.release = hmm_release,
	.invalidate_range_start = hmm_invalidate_range_start,
	.invalidate_range_end = hmm_invalidate_range_end,
};

/* ---- Life ---- */

static void free_after_callbacks(struct callback_head *rcu)
{
	kfree(container_of(rcu, struct hmm, rcu));
}

static void last_put(struct kref *kref)
{
	struct hmm *hmm = container_of(kref, struct hmm, kref);
	struct mm_struct *mm = hmm->mm;

	spin_lock(&mm->page_table_lock);
	if (mm->hmm == hmm)
		mm->hmm = NULL;
	spin_unlock(&mm->page_table_lock);
	mmu_notifier_unregister_no_release(&hmm->mmu_notifier, mm);
	if (p2psim_quirk_on(P2PSIM_QUIRK_D2_FREE_UNDER_NOTIFIER))
		kfree(hmm);
	else
		mmu_notifier_call_srcu(&hmm->rcu, free_after_callbacks);
	mmdrop(mm);
}

void hmm52_put(struct hmm *hmm)
{
	kref_put(&hmm->kref, last_put);
}

static struct hmm *find_and_get(struct mm_struct *mm)
{
	struct hmm *hmm;

	spin_lock(&mm->page_table_lock);
	hmm = mm->hmm;
	if (hmm && !kref_get_unless_zero(&hmm->kref))
		hmm = NULL;
	spin_unlock(&mm->page_table_lock);
	return hmm;
}

static struct hmm *create(struct mm_struct *mm)
{
	struct hmm *hmm = kzalloc(sizeof(*hmm), GFP_KERNEL);

	if (!hmm)
		return NULL;
	kref_init(&hmm->kref);
	spin_lock_init(&hmm->ranges_lock);
	INIT_LIST_HEAD(&hmm->ranges);
	INIT_LIST_HEAD(&hmm->mirrors);
	init_rwsem(&hmm->mirrors_sem);
	init_waitqueue_head(&hmm->wq);
	p2psim_object_init(&hmm->obj, "hmm");
	hmm->mm = mm;
	hmm->mmu_notifier.ops = &hmm_notifier_ops;
	hmm->mmu_notifier.may_refuse = true;
	return hmm;
}

/* One that is going is replaced: it looks before it takes itself out.  D8: whatever is there turns another one away. */
static bool publish(struct mm_struct *mm, struct hmm *hmm)
{
	bool first;

	spin_lock(&mm->page_table_lock);
	first = !mm->hmm || !p2psim_quirk_on(P2PSIM_QUIRK_D8_CREATE_RACE);
	if (first)
		mm->hmm = hmm;
	spin_unlock(&mm->page_table_lock);
	return first;
}

static void unpublish(struct mm_struct *mm)
{
	spin_lock(&mm->page_table_lock);
	mm->hmm = NULL;
	spin_unlock(&mm->page_table_lock);
}

/* Whoever has mmap_sem for writing already registers under it. */
static int subscribe(struct hmm *hmm, struct mm_struct *mm)
{
	int error;

	if (rwsem_is_write_held(&mm->mmap_sem))
		error = __mmu_notifier_register(&hmm->mmu_notifier, mm);
	else
		error = mmu_notifier_register(&hmm->mmu_notifier, mm);
	if (error)
		return error;
	mmgrab(mm);
	p2psim_object_rename(&hmm->mmu_notifier.obj, "hmm");
	return 0;
}

/* L5, but for D8: then nobody keeps a second one from coming in between, and it is turned away. */
static struct hmm *create_published(struct mm_struct *mm)
{
	struct hmm *hmm = create(mm);

	if (!hmm)
		return NULL;
	p2psim_step("hmm52:create");
	if (!publish(mm, hmm)) {
		kfree(hmm);
		return NULL;
	}
	if (!subscribe(hmm, mm))
		return hmm;
	unpublish(mm);
	kfree(hmm);
	return NULL;
}

struct hmm *hmm52_get_or_create(struct mm_struct *mm)
{
	struct hmm *hmm = find_and_get(mm);
	bool locked = rwsem_is_write_held(&mm->mmap_sem) || p2psim_quirk_on(P2PSIM_QUIRK_D8_CREATE_RACE);

	if (hmm)
		return hmm;
	if (locked)
		return create_published(mm);
	down_write(&mm->mmap_sem);
	hmm = find_and_get(mm);
	if (!hmm)
		hmm = create_published(mm);
	up_write(&mm->mmap_sem);
	return hmm;
}

/* ---- Mirrors ---- */

int p2psim_hmm52_mirror_register(struct hmm_mirror *mirror, struct mm_struct *mm, bool wants_range)
{
	if (!mirror || !mm || !mirror->ops)
		return -EINVAL;
	if (!rwsem_is_write_held(&mm->mmap_sem))
		p2psim_violate(P2PSIM_CONTRACT, 0, mm->obj.id, 0,
			       "hmm_mirror_register() without mmap_sem held for writing");
	mirror->wants_range = wants_range;
	mirror->hmm = hmm52_get_or_create(mm);
	if (!mirror->hmm)
		return -ENOMEM;
	down_write(&mirror->hmm->mirrors_sem);
	p2psim_step("hmm52:mirrors");
	list_add(&mirror->list, &mirror->hmm->mirrors);
	up_write(&mirror->hmm->mirrors_sem);
	return 0;
}

void p2psim_hmm52_mirror_unregister(struct hmm_mirror *mirror)
{
	struct hmm *hmm = mirror->hmm;

	if (p2psim_ptr_is_freed(hmm)) {
		p2psim_violate(P2PSIM_UAF, 0, 0, 0, "hmm_mirror_unregister() of a mirror whose struct hmm is freed");
		mirror->hmm = NULL;
		return;
	}
	if (!hmm) {
		p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "hmm_mirror_unregister() of a mirror that is not registered");
		return;
	}
	down_write(&hmm->mirrors_sem);
	p2psim_step("hmm52:mirrors");
	list_del_init(&mirror->list);
	up_write(&hmm->mirrors_sem);
	mirror->hmm = NULL;
	hmm52_put(hmm);
}

bool p2psim_hmm52_mirror_mm_is_alive(struct hmm_mirror *mirror)
{
	struct hmm *hmm = mirror->hmm;

	if (!hmm)
		return false;
	p2psim_step_on(P2PSIM_STEP_READ, p2psim_object_id(&hmm->obj), false, "hmm52:valid");
	return !hmm->dead;
}
