/* SPDX-License-Identifier: MIT */
/*
 * dmirror: the device's page table, and how the mm is answered.
 *
 *	T1. An own MIGRATE erases nothing: whoever migrates looks after the entries.  Until he has, nobody uses them.
 *	T2. Any other invalidation of [start, end) erases the entries from start to end, that of `end` included (sic: so does
 *	    6.1's driver, and it shows in what the device sees afterwards).
 *	T3. An invalidation erases a blocked entry like any other; a fault sets it anew.
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

int dmirror_set(struct dmirror *dmirror, unsigned long vpfn, struct page *page, enum dmirror_access access, bool blocked)
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
	entry->blocked = blocked;
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

/* Context: the mutex. */
static void block(struct dmirror *dmirror, unsigned long first, unsigned long last, bool blocked)
{
	struct dmirror_entry *entry = first_of(dmirror, first, last);

	for (; entry; entry = entry_of(interval_tree_iter_next(&entry->node, first, last)))
		entry->blocked = blocked;
}

void dmirror_unblock_all(struct dmirror_device *device, const struct mm_struct *mm, unsigned long first, unsigned long last)
{
	struct dmirror *dmirror;

	mutex_lock(&device->mirrors_lock);
	list_for_each_entry(dmirror, &device->mirrors, link) {
		if (dmirror_mm(dmirror) != mm)
			continue;
		mutex_lock(&dmirror->mutex);
		block(dmirror, first, last, false);
		mutex_unlock(&dmirror->mutex);
	}
	mutex_unlock(&device->mirrors_lock);
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

/* T1, T2 */
static void obey(struct dmirror *dmirror, const struct mmu_notifier_range *range)
{
	unsigned long first = range->start >> PAGE_SHIFT, last = range->end >> PAGE_SHIFT;

	if (range->event == MMU_NOTIFY_MIGRATE && range->owner == dmirror->device)
		block(dmirror, first, last - 1, true);
	else if (!dmirror_has(dmirror->device, P2PSIM_DMIRROR_NO_INVALIDATE))
		dmirror_erase(dmirror, first, last);
}

static bool is_ignored(const struct dmirror *dmirror, const struct mmu_notifier_range *range)
{
	return dmirror_has(dmirror->device, P2PSIM_DMIRROR_USE_WHILE_COPIED) && range->event == MMU_NOTIFY_MIGRATE &&
	       range->owner == dmirror->device;
}

static bool dmirror_invalidate(struct mmu_interval_notifier *notifier, const struct mmu_notifier_range *range,
			       unsigned long cur_seq)
{
	struct dmirror *dmirror = container_of(notifier, struct dmirror, notifier);

	if (is_ignored(dmirror, range))
		return true;
	if (mmu_notifier_range_blockable(range))
		mutex_lock(&dmirror->mutex);
	else if (!mutex_trylock(&dmirror->mutex))
		return false;
	mmu_interval_set_seq(notifier, cur_seq);
	obey(dmirror, range);
	mutex_unlock(&dmirror->mutex);
	return true;
}

const struct mmu_interval_notifier_ops dmirror_notifier_ops = {
	.invalidate = dmirror_invalidate,
};
