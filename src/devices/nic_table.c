/* SPDX-License-Identifier: MIT */
/*
 * nic: the device's page table.
 *
 * A sorted list of leaves rather than a tree of levels: regions of the scenarios are small, and the order of the three
 * things in nic_table_zap() is what there is to learn here.
 *
 *	nic0 (DMA)                          invalidate(), under mr->update
 *	translate: entry, in_flight = 1
 *	                                    hw = 0		nobody starts any more
 *	                                    wait: in_flight == 0
 *	DMA beat to the old address
 *	done: in_flight = 0
 *	                                    hmm_range_dma_unmap()
 *	                                    the CPU may reuse the page
 *
 * Give the mapping back first and the beat lands in somebody else's page (P2PSIM_NIC_NO_DRAIN shows it).
 */
#include "devices/nic_internal.h"

#include <p2psim/linux/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/trace.h>
#include <p2psim/vma_map.h>

struct nic_leaf *nic_table_leaf(const struct p2psim_nic_region *mr, unsigned long page)
{
	struct nic_leaf *leaf;

	list_for_each_entry(leaf, &mr->leaves, link) {
		if (page < leaf->first)
			return NULL;
		if (page < leaf->first + NIC_LEAF_PAGES)
			return leaf;
	}
	return NULL;
}

u64 nic_table_entry(const struct p2psim_nic_region *mr, unsigned long page)
{
	const struct nic_leaf *leaf = nic_table_leaf(mr, page);

	return leaf ? leaf->hw[page - leaf->first] : 0;
}

unsigned long nic_table_pfn(const struct p2psim_nic_region *mr, unsigned long page)
{
	const struct nic_leaf *leaf = nic_table_leaf(mr, page);

	return leaf ? leaf->pfns[page - leaf->first] : 0;
}

static void nic_table_add(struct p2psim_nic_region *mr, struct nic_leaf *leaf)
{
	struct nic_leaf *next;

	list_for_each_entry(next, &mr->leaves, link)
		if (next->first > leaf->first)
			break;
	list_add_tail(&leaf->link, &next->link);
}

/* Somebody else may add the same leaf while we allocate ours: the second one is thrown away. */
static int nic_table_reserve_leaf(struct p2psim_nic_region *mr, unsigned long first)
{
	struct nic_leaf *leaf;

	p2psim_step_range(P2PSIM_STEP_READ, p2psim_object_id(&mr->obj), false, first, first + NIC_LEAF_PAGES - 1,
			  "nic:leaf");
	if (nic_table_leaf(mr, first))
		return 0;

	leaf = kzalloc(sizeof(*leaf), GFP_KERNEL);
	if (!leaf)
		return -ENOMEM;
	leaf->first = first;

	mutex_lock(&mr->update);
	p2psim_step_range(P2PSIM_STEP_WRITE, p2psim_object_id(&mr->obj), true, first, first + NIC_LEAF_PAGES - 1,
			  "nic:add-leaf");
	if (!nic_table_leaf(mr, first)) {
		nic_table_add(mr, leaf);
		leaf = NULL;
	}
	mutex_unlock(&mr->update);
	kfree(leaf);
	return 0;
}

int nic_table_reserve(struct p2psim_nic_region *mr, unsigned long start, unsigned long end)
{
	unsigned long page = ALIGN_DOWN(start >> PAGE_SHIFT, NIC_LEAF_PAGES);
	int ret = 0;

	for (; !ret && page < end >> PAGE_SHIFT; page += NIC_LEAF_PAGES)
		ret = nic_table_reserve_leaf(mr, page);
	return ret;
}

/* What the device may have written is dirty: said before the page goes, by whoever knows. */
static void nic_slot_dirty(const struct nic_leaf *leaf, unsigned int slot)
{
	unsigned long pfn = leaf->pfns[slot];

	if ((pfn & HMM_PFN_WRITE) && !(pfn & HMM_PFN_P2P))
		set_page_dirty(hmm_pfn_to_page(pfn));
}

/* Gives back slots [from, to) of a leaf; all of them hold a mapping. */
static void nic_leaf_unmap(struct p2psim_nic_region *mr, struct nic_leaf *leaf, unsigned int from, unsigned int to)
{
	struct hmm_range range = {
		.notifier = &mr->notifier,
		.start = (leaf->first + from) << PAGE_SHIFT,
		.end = (leaf->first + to) << PAGE_SHIFT,
		.hmm_pfns = &leaf->pfns[from],
	};
	unsigned int slot;

	for (slot = from; slot < to; slot++)
		nic_slot_dirty(leaf, slot);
	if (nic_has_fault(mr, P2PSIM_NIC_MIX_ADDRESSES_UP))
		leaf->dma[from] += PAGE_SIZE;
	hmm_range_dma_unmap(&range, nic_dev(mr), &leaf->dma[from], range.start, range.end);
	for (slot = from; slot < to; slot++)
		leaf->pfns[slot] = 0;
}

void nic_table_commit(const struct nic_mapping *map)
{
	struct p2psim_nic_region *mr = map->mr;
	unsigned long first = map->range.start >> PAGE_SHIFT;
	unsigned long count = (map->range.end - map->range.start) >> PAGE_SHIFT;
	u64 permissions = NIC_ENTRY_READ;
	unsigned long i;

	if (map->access & P2PSIM_NIC_WRITE)
		permissions |= NIC_ENTRY_WRITE;
	for (i = 0; i < count; i++) {
		struct nic_leaf *leaf = nic_table_leaf(mr, first + i);
		unsigned int slot = first + i - leaf->first;

		/* Somebody was faster, or the entry was read-only: the new mapping replaces the old one. */
		if (leaf->pfns[slot])
			nic_table_zap(mr, (first + i) << PAGE_SHIFT, (first + i + 1) << PAGE_SHIFT);
		leaf->pfns[slot] = map->range.hmm_pfns[i];
		leaf->dma[slot] = map->dma[i];
	}
	p2psim_step_range(P2PSIM_STEP_TLB, p2psim_object_id(&mr->obj), true, first, first + count - 1, "nic:commit");
	for (i = 0; i < count; i++) {
		struct nic_leaf *leaf = nic_table_leaf(mr, first + i);

		leaf->hw[first + i - leaf->first] = map->dma[i] | permissions;
	}
	if (count == 1)
		p2psim_note("commit %p", map->range.start);
	else
		p2psim_note("commit [%p,%p)", map->range.start, map->range.end);
	p2psim_vma_map_commit(mr->notifier.mm, nic_dev(mr), map->range.start, map->range.end);
}

/*
 * Takes the entries of [first, last] out of the device's reach, or only their write permission; in one step.
 * A P2P entry cannot stay: its mapping was made for writing.  Returns how many entries changed.
 */
static unsigned long nic_table_clear(struct p2psim_nic_region *mr, unsigned long first, unsigned long last, bool protect)
{
	unsigned long changed = 0;
	struct nic_leaf *leaf;

	p2psim_step_range(P2PSIM_STEP_TLB, p2psim_object_id(&mr->obj), true, first, last, "nic:zap");
	list_for_each_entry(leaf, &mr->leaves, link) {
		unsigned long page = max(first, leaf->first);

		for (; page <= last && page < leaf->first + NIC_LEAF_PAGES; page++) {
			unsigned int slot = page - leaf->first;
			bool keep = protect && !(leaf->pfns[slot] & HMM_PFN_P2P);
			u64 left = keep ? leaf->hw[slot] & ~NIC_ENTRY_WRITE : 0;

			changed += left != leaf->hw[slot];
			leaf->hw[slot] = left;
		}
	}
	return changed;
}

static bool nic_is_idle(void *arg)
{
	struct p2psim_nic_region *mr = arg;

	return !mr->in_flight;
}

/* The device's fence: what it has translated has reached memory.  A spin of bounded length, fit for atomic context. */
static void nic_drain(struct p2psim_nic_region *mr)
{
	if (nic_has_fault(mr, P2PSIM_NIC_NO_DRAIN))
		return;
	p2psim_step_guarded(P2PSIM_STEP_TLB, p2psim_object_id(&mr->obj), false, "nic:drain", nic_is_idle, mr);
}

/* Unmaps runs of neighbouring slots of [first, last] for which `all` or HMM_PFN_P2P. */
static void nic_table_unmap(struct p2psim_nic_region *mr, unsigned long first, unsigned long last, bool all)
{
	unsigned long want = all ? ~0UL : HMM_PFN_P2P;
	struct nic_leaf *leaf;

	list_for_each_entry(leaf, &mr->leaves, link) {
		unsigned long end = min(last + 1, leaf->first + NIC_LEAF_PAGES);
		unsigned long page = max(first, leaf->first), from;

		while (page < end) {
			for (from = page; page < end && (leaf->pfns[page - leaf->first] & want); page++)
				;
			if (page > from)
				nic_leaf_unmap(mr, leaf, from - leaf->first, page - leaf->first);
			else
				page++;
		}
	}
}

void nic_table_zap(struct p2psim_nic_region *mr, unsigned long start, unsigned long end)
{
	unsigned long first = start >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;

	lockdep_assert_held(&mr->update);
	if (nic_table_clear(mr, first, last, false)) {
		nic_drain(mr);
		nic_table_unmap(mr, first, last, true);
	}
}

/* The mapping stays what it was: the books keep HMM_PFN_WRITE, for the unmap and for the dirty bit. */
void nic_table_write_protect(struct p2psim_nic_region *mr, unsigned long start, unsigned long end)
{
	unsigned long first = start >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;

	lockdep_assert_held(&mr->update);
	mr->stats.downgrades += nic_table_clear(mr, first, last, true);
	nic_drain(mr);
	nic_table_unmap(mr, first, last, false);
}

void nic_table_free(struct p2psim_nic_region *mr)
{
	struct nic_leaf *leaf, *next;

	list_for_each_entry_safe(leaf, next, &mr->leaves, link) {
		list_del(&leaf->link);
		kfree(leaf);
	}
}
