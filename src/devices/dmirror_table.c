/* SPDX-License-Identifier: MIT */
/*
 * dmirror: the device's page table, and how the mm is answered.
 *
 *	T1. An own MIGRATE erases nothing: whoever migrates looks after the entries.  Until he has, nobody uses them (T3).  But
 *	    the sequence moves: a fault that has seen the old page begins again.
 *	T2. Any other invalidation of [start, end) erases the entries from start to end, that of `end` included (sic: so does
 *	    6.1's driver, and it shows in what the device sees afterwards).
 *	T3. A migration waits for the device before it begins, then the device for the migration: what it wrote to a page that
 *	    is being copied would be lost, as it may be in 6.1's driver.
 */
#include "devices/dmirror_internal.h"

#include <p2psim/linux/hmm.h>
#include <p2psim/linux/slab.h>

static struct dmirror_entry *entry_of(struct interval_tree_node *node)
{
	return node ? container_of(node, struct dmirror_entry, node) : NULL;
}

/* The first entry of [first, last]. */
static struct dmirror_entry *first_of(const struct dmirror *dmirror, unsigned long first, unsigned long last)
{
	return entry_of(interval_tree_iter_first((struct rb_root_cached *)&dmirror->table, first, last));
}

struct dmirror_entry *dmirror_find(const struct dmirror *dmirror, unsigned long vpfn)
{
	return first_of(dmirror, vpfn, vpfn);
}

int dmirror_set(struct dmirror *dmirror, unsigned long vpfn, struct page *page, enum dmirror_access access)
{
	struct dmirror_entry *entry = dmirror_find(dmirror, vpfn);

	if (!entry) {
		entry = kzalloc(sizeof(*entry), GFP_ATOMIC);
		if (!entry)
			return -ENOMEM;
		entry->node.start = entry->node.last = vpfn;
		interval_tree_insert(&entry->node, &dmirror->table);
	}
	entry->page = page;
	entry->access = access;
	return 0;
}

void dmirror_erase(struct dmirror *dmirror, unsigned long first, unsigned long last)
{
	struct dmirror_entry *entry;

	while ((entry = first_of(dmirror, first, last))) {
		interval_tree_remove(&entry->node, &dmirror->table);
		kfree(entry);
	}
}

void dmirror_erase_all(struct dmirror_device *device, const struct mm_struct *mm, unsigned long vpfn)
{
	struct dmirror *dmirror;

	mutex_lock(&device->mirrors_lock);
	list_for_each_entry(dmirror, &device->mirrors, link) {
		if (dmirror_mm(dmirror) != mm)
			continue;
		mutex_lock(&dmirror->mutex);
		dmirror_erase(dmirror, vpfn, vpfn);
		mutex_unlock(&dmirror->mutex);
	}
	mutex_unlock(&device->mirrors_lock);
}

/* ---- T3 ---- */

/* One pass through the mutex of each mirror: who has looked before it has finished. */
void dmirror_move_begin(struct dmirror_device *device, struct dmirror_move *move)
{
	struct dmirror *dmirror;

	mutex_lock(&device->mirrors_lock);
	list_add_tail(&move->link, &device->moves);
	list_for_each_entry(dmirror, &device->mirrors, link) {
		if (dmirror_mm(dmirror) != move->mm)
			continue;
		mutex_lock(&dmirror->mutex);
		mutex_unlock(&dmirror->mutex);
	}
	mutex_unlock(&device->mirrors_lock);
}

void dmirror_move_end(struct dmirror_device *device, struct dmirror_move *move)
{
	mutex_lock(&device->mirrors_lock);
	list_del(&move->link);
	mutex_unlock(&device->mirrors_lock);
	wake_up_all(&device->moved);
}

bool dmirror_is_moving(const struct dmirror *dmirror, unsigned long vpfn)
{
	const struct dmirror_move *move;

	if (dmirror_has(dmirror->device, P2PSIM_DMIRROR_USE_WHILE_COPIED))
		return false;
	list_for_each_entry(move, &dmirror->device->moves, link)
		if (move->mm == dmirror_mm(dmirror) && move->first <= vpfn && vpfn <= move->last)
			return true;
	return false;
}

/* ---- the mm ---- */

static bool dmirror_invalidate(struct mmu_interval_notifier *notifier, const struct mmu_notifier_range *range,
			       unsigned long cur_seq)
{
	struct dmirror *dmirror = container_of(notifier, struct dmirror, notifier);

	bool own = range->event == MMU_NOTIFY_MIGRATE && range->owner == dmirror->device;

	if (own && dmirror_has(dmirror->device, P2PSIM_DMIRROR_OWN_IGNORED))
		return true;
	if (mmu_notifier_range_blockable(range))
		mutex_lock(&dmirror->mutex);
	else if (!mutex_trylock(&dmirror->mutex))
		return false;
	mmu_interval_set_seq(notifier, cur_seq);
	if (!own && !dmirror_has(dmirror->device, P2PSIM_DMIRROR_NO_INVALIDATE))
		dmirror_erase(dmirror, range->start >> PAGE_SHIFT, range->end >> PAGE_SHIFT); /* T2 */
	mutex_unlock(&dmirror->mutex);
	return true;
}

const struct mmu_interval_notifier_ops dmirror_notifier_ops = {
	.invalidate = dmirror_invalidate,
};
