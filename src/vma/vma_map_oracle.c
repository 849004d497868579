/* SPDX-License-Identifier: MIT */
/*
 * The oracles of the p2p contract that look back in time: promises (C3) and unanswered invalidations (C4).
 *
 * A promise is a range that an exporter granted to an importer.  It ends with the VMA, follows mremap(), and is
 * withdrawn when userspace changes its mind (C8).  A refusal of what is promised is a violation, unless things are
 * "really going bad": -ENODEV, -ENOMEM, -EIO; or -EBUSY, which only means later.
 *
 * At the end of each invalidation the mappings that were there before it began are judged:
 *
 *	through HMM, and the notifier's sequence did not move		CONTRACT: it was ignored
 *	the device was programmed with it (committed), still there	CONTRACT; RANGE if a part of it was given back
 *	neither, by an importer that nobody can ask, and it is UNMAP	CONTRACT (it may not let go of mmap_lock, C12)
 *	neither							stale: somebody is about to notice the collision
 *
 * Exempt: pinned mappings but for UNMAP; PROTECTION events that leave the mapping's rights; SOFT_DIRTY, MIGRATE and
 * EXCLUSIVE, which are about pages: MIGRATE ends the mappings of device-private ones.  A stale page is no longer covered,
 * and committing it is a CONTRACT violation.
 */
#include <p2psim/check.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/sched.h>
#include <p2psim/notifier.h>
#include <p2psim/step.h>

#include "core/layer.h"
#include "vma/vma_map_records.h"

static bool promise_holds(const struct p2p_promise *promise, u32 importer_id, unsigned long start, unsigned long end,
			  bool write)
{
	return promise->importer_id == importer_id && promise->start <= start && end <= promise->end &&
	       (promise->write || !write);
}

static struct p2p_promise *find_promise(struct mm_struct *mm, u32 importer_id, unsigned long start, unsigned long end,
					bool write)
{
	struct p2p_promise *promise;

	list_for_each_entry(promise, &mm->p2p_promises, entry)
		if (promise_holds(promise, importer_id, start, end, write))
			return promise;
	return NULL;
}

/* One of the same importer and access that touches the range and can grow over it. */
static struct p2p_promise *neighbour(struct mm_struct *mm, u32 importer_id, unsigned long start, unsigned long end,
				     bool write)
{
	struct p2p_promise *promise;

	list_for_each_entry(promise, &mm->p2p_promises, entry)
		if (promise->importer_id == importer_id && promise->write == write && promise->start < promise->end &&
		    promise->start <= end && start <= promise->end)
			return promise;
	return NULL;
}

/* An empty one is used again: ranges come and go with VMAs. */
static struct p2p_promise *new_promise(struct mm_struct *mm)
{
	struct p2p_promise *promise;

	list_for_each_entry(promise, &mm->p2p_promises, entry)
		if (promise->start == promise->end)
			return promise;
	promise = p2psim_arena_alloc(sizeof(*promise));
	if (promise)
		list_add_tail(&promise->entry, &mm->p2p_promises);
	return promise;
}

void p2p_promise_keep(struct mm_struct *mm, u32 importer_id, unsigned long start, unsigned long end, bool write)
{
	struct p2p_promise *promise;

	if (find_promise(mm, importer_id, start, end, write))
		return;
	promise = neighbour(mm, importer_id, start, end, write);
	if (promise) {
		promise->start = min(promise->start, start);
		promise->end = max(promise->end, end);
		return;
	}
	promise = new_promise(mm);
	if (promise)
		*promise = (struct p2p_promise){ promise->entry, importer_id, start, end, write, p2psim_hot->steps };
}

static bool excusable(long ret)
{
	return !ret || ret == -EBUSY || ret == -ENODEV || ret == -ENOMEM || ret == -EIO;
}

void p2p_promise_judge(struct mm_struct *mm, u32 importer_id, unsigned long start, unsigned long end, bool write,
		       long ret)
{
	struct p2p_promise *promise;

	if (excusable(ret))
		return;
	promise = find_promise(mm, importer_id, start, end, write);
	if (promise)
		p2psim_violate(P2PSIM_CONTRACT, promise->step, importer_id, mm->obj.id,
			       "p2p_map(0x%lx, 0x%lx) for %s is refused with %ld: it was granted before (C3)", start,
			       end, p2p_name(importer_id), ret);
}

/* Cuts [start, end) out; what is left on the far side needs a promise of its own. */
static void cut(struct mm_struct *mm, struct p2p_promise *promise, unsigned long start, unsigned long end)
{
	unsigned long rest = promise->end;

	if (promise->end <= start || promise->start >= end)
		return;
	if (promise->start < start) {
		promise->end = start;
		if (rest > end)
			p2p_promise_keep(mm, promise->importer_id, end, rest, promise->write);
	} else {
		promise->start = min(end, rest);
		promise->end = rest;
	}
}

void p2p_promise_drop(struct mm_struct *mm, u32 importer_id, unsigned long start, unsigned long end)
{
	struct p2p_promise *promise;

	list_for_each_entry(promise, &mm->p2p_promises, entry)
		if (!importer_id || promise->importer_id == importer_id)
			cut(mm, promise, start, end);
}

void p2p_promise_move(struct mm_struct *mm, unsigned long old_addr, unsigned long new_addr, unsigned long len)
{
	struct p2p_promise *promise, *last;

	if (list_empty(&mm->p2p_promises))
		return;
	last = list_last_entry(&mm->p2p_promises, struct p2p_promise, entry);
	list_for_each_entry(promise, &mm->p2p_promises, entry) {
		unsigned long start = max(promise->start, old_addr);
		unsigned long end = min(promise->end, old_addr + len);

		if (start < end)
			p2p_promise_keep(mm, promise->importer_id, start - old_addr + new_addr,
					 end - old_addr + new_addr, promise->write);
		if (promise == last)
			break;
	}
}

void p2psim_vma_map_withdraw(struct vm_area_struct *vma, struct device *importer)
{
	u32 id = importer ? p2psim_object_id(p2p_importer_object(importer)) : 0;

	p2p_promise_drop(vma->vm_mm, id, vma->vm_start, vma->vm_end);
}

/* Does this event take rights away that the mapping uses? */
static bool takes(const struct mmu_notifier_range *range, const struct p2p_page *page)
{
	unsigned long flags = page->vma->vm_flags;
	bool write = page->batch->flags & P2PSIM_VMA_MAP_WRITE;

	switch (range->event) {
	case MMU_NOTIFY_UNMAP:
	case MMU_NOTIFY_RELEASE:
		return true;
	case MMU_NOTIFY_PROTECTION_VMA:
		return !(page->batch->flags & P2PSIM_VMA_MAP_PIN) &&
		       (!(flags & VM_READ) || (write && !(flags & VM_WRITE)));
	case MMU_NOTIFY_PROTECTION_PAGE:
		return !(page->batch->flags & P2PSIM_VMA_MAP_PIN) && write;
	case MMU_NOTIFY_CLEAR:
		return !(page->batch->flags & P2PSIM_VMA_MAP_PIN);
	case MMU_NOTIFY_MIGRATE:
		return page->batch->pgmap;
	default:
		return false;
	}
}

/* set_seq() was called since the map: whoever mapped knows that there was a collision. */
static bool heard(const struct p2p_batch *batch)
{
	return batch->sub && !p2psim_ptr_is_freed(batch->sub) && batch->sub->invalidate_seq != batch->seq;
}

static void accuse(const struct mmu_notifier_range *range, struct p2p_page *page, u64 began)
{
	struct p2p_batch *batch = page->batch;
	const char *event = p2psim_notifier_event_name(range->event);

	if (batch->reported)
		return;
	batch->reported = true;
	if (batch->unmap_step > began)
		p2psim_violate(P2PSIM_RANGE, began, batch->importer_id, page->vma->vm_mm->obj.id,
			       "%s gave back a part of what %s 0x%lx..0x%lx took: page 0x%lx is still mapped",
			       p2p_name(batch->importer_id), event, range->start, range->end, page->addr);
	else
		p2psim_violate(P2PSIM_CONTRACT, began, batch->importer_id, page->vma->vm_mm->obj.id,
			       "%s ignores %s 0x%lx..0x%lx: it still has page 0x%lx of a %s mapped (C4; "
			       "mmap_lock is kept until a mapping is committed or given back)",
			       p2p_name(batch->importer_id), event, range->start, range->end, page->addr,
			       p2p_exporter(batch));
}

static void judge(const struct mmu_notifier_range *range, struct p2p_page *page, u64 began)
{
	bool last_call = range->event == MMU_NOTIFY_UNMAP || range->event == MMU_NOTIFY_RELEASE;
	struct p2p_batch *batch = page->batch;

	if (batch->step >= began || page->stale || page->state == P2P_UNMAPPING || !takes(range, page))
		return;
	page->stale = true;
	if (batch->sub ? !heard(batch) || page->committed : page->committed || last_call)
		accuse(range, page, began);
}

void p2p_judge_invalidation(struct mm_struct *mm, const struct mmu_notifier_range *range)
{
	struct p2psim_invalidation running;
	struct p2p_page *page;

	if (!mm->p2p_pages.root || !p2psim_invalidation_running(range, &running))
		return;
	for (page = p2p_page_first(mm, range->start); page && page->addr < range->end; page = p2p_page_next(page))
		judge(range, page, running.step_begin);
}

static void commit(struct mm_struct *mm, struct p2p_page *page)
{
	page->committed = true;
	if (!page->stale || page->batch->reported)
		return;
	page->batch->reported = true;
	p2psim_violate(P2PSIM_CONTRACT, page->batch->step, page->batch->importer_id, mm->obj.id,
		       "%s commits page 0x%lx, which an invalidation took after it was mapped: it did not look "
		       "for the collision",
		       p2p_name(page->batch->importer_id), page->addr);
}

/* A page may have been mapped before and forgotten: the last map of this task is what it commits. */
void p2psim_vma_map_commit(struct mm_struct *mm, struct device *importer, unsigned long start, unsigned long end)
{
	struct p2p_page *page, *last;

	for (page = p2p_page_first(mm, start); page && page->addr < end; page = p2p_page_first(mm, start)) {
		start = page->addr + PAGE_SIZE;
		for (last = NULL; page && page->addr < start; page = p2p_page_next(page))
			if (page->batch->importer == importer && page->batch->pid == current->pid &&
			    page->state == P2P_MAPPED && (!last || last->batch->step < page->batch->step))
				last = page;
		if (last)
			commit(mm, last);
	}
}

bool p2psim_vma_map_covers(struct mm_struct *mm, struct device *importer, unsigned long addr, dma_addr_t pa)
{
	struct p2p_page *page, *found = NULL;

	addr &= PAGE_MASK;
	for (page = p2p_page_first(mm, addr); page && page->addr == addr; page = p2p_page_next(page)) {
		if (page->batch->importer != importer || page->state != P2P_MAPPED || page->stale ||
		    page->pa != (pa & PAGE_MASK))
			continue;
		if (!found || page->committed)
			found = page;
	}
	if (found)
		found->committed = true;
	return found;
}

unsigned long p2psim_vma_map_count(struct mm_struct *mm, struct device *importer, unsigned long start,
				   unsigned long end)
{
	struct p2p_page *page;
	unsigned long count = 0;

	for (page = p2p_page_first(mm, start); page && page->addr < end; page = p2p_page_next(page))
		if (!importer || page->batch->importer == importer)
			count++;
	return count;
}
