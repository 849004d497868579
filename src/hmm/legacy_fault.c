/* SPDX-License-Identifier: MIT */
/*
 * hmm_range_snapshot() and hmm_range_fault() of 5.2: page tables into pfns[], in the driver's own bits.
 *
 *	the CPU has				asked for		not asked for, or a snapshot
 *	no VMA (D12), or a device's		-EFAULT			-EFAULT
 *	a VMA that cannot be read		-EPERM			-EPERM
 *	nothing					fault			NONE
 *	swapped out (D11)			fault			NONE
 *	on its way elsewhere (D11)		wait			NONE
 *	a page of a device, this or another	fault: it comes back	NONE
 *	  hmm_range_dma_map(), DEVICE_PRIVATE	pfn, VALID (| WRITE),	NONE
 *	  not asked for, an owner with p2p_map()	DEVICE_PRIVATE
 *	a page, but a write is asked for	fault; -EPERM in a VMA that cannot be written
 *	a page					pfn, VALID (| WRITE)	the same
 *	a special entry, no page behind it	SPECIAL, -EFAULT	SPECIAL, -EFAULT
 *
 * -EBUSY when the range was invalidated since the beginning: mmap_sem is held still.  -EAGAIN when a fault has dropped it.
 *
 * Left out: pages of hugetlb, the only ones for which page_shift may be larger.
 */
#include <p2psim/check.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "hmm/legacy.h"
#include "vma/internal.h"

/* So many faults of one page without effect are called a livelock. */
#define STUCK_MAX 1000

void hmm52_fill_none(struct hmm_range *range, unsigned long start, unsigned long end)
{
	for (; start < end; start += 1UL << range->page_shift)
		*hmm52_entry(range, start) = range->values[HMM_PFN_NONE];
}

uint64_t hmm52_request(const struct hmm_range *range, unsigned long addr)
{
	return (*hmm52_entry(range, addr) & range->pfn_flags_mask) | range->default_flags;
}

enum need {
	NEED_NOTHING,
	NEED_FAULT,
	NEED_WRITE,
};

static enum need need_of(const struct hmm52_walk *walk, unsigned long addr, bool present, bool writable)
{
	const uint64_t *flags = walk->range->flags;
	uint64_t req = hmm52_request(walk->range, addr);

	if (!walk->fault || !(req & flags[HMM_PFN_VALID]))
		return NEED_NOTHING;
	if ((req & flags[HMM_PFN_WRITE]) && !writable)
		return NEED_WRITE;
	return present ? NEED_NOTHING : NEED_FAULT;
}

/* -EBUSY: look again at the same page. */
static int fault_page(struct hmm52_walk *walk, unsigned long addr, enum need need)
{
	unsigned int flags = FAULT_FLAG_REMOTE | (walk->block ? 0 : FAULT_FLAG_ALLOW_RETRY);
	vm_fault_t ret;

	if (need == NEED_WRITE) {
		if (!(walk->vma->vm_flags & VM_WRITE))
			return -EPERM;
		flags |= FAULT_FLAG_WRITE;
	}
	ret = (handle_mm_fault)(walk->vma, addr, flags, NULL);
	if (ret & VM_FAULT_RETRY)
		return -EAGAIN;
	return ret & VM_FAULT_ERROR ? -EFAULT : -EBUSY;
}

/* Its owner will be asked, instead of the CPU. */
static bool is_peers_private(const struct hmm52_walk *walk, unsigned long addr, pte_t pte, enum need need)
{
	uint64_t comes_back = hmm52_request(walk->range, addr) & walk->range->flags[HMM_PFN_DEVICE_PRIVATE];

	if (!walk->peers || comes_back || need == NEED_NOTHING || !is_device_private_pte(pte))
		return false;
	return pfn_to_page(pte_pfn(pte))->pgmap->ops->p2p_map && (need == NEED_FAULT || pte_write(pte));
}

/* D11: 5.3 tested what it had not yet computed, and found that nothing was needed. */
static int walk_not_present(struct hmm52_walk *walk, unsigned long addr, pte_t pte)
{
	enum need need = need_of(walk, addr, false, false);

	if (p2psim_quirk_on(P2PSIM_QUIRK_D11_SWAP_NOT_FAULTED) && !pte_none(pte))
		need = NEED_NOTHING;
	if (need == NEED_NOTHING) {
		*hmm52_entry(walk->range, addr) = walk->range->values[HMM_PFN_NONE];
		return 0;
	}
	if (is_peers_private(walk, addr, pte, need)) {
		*hmm52_entry(walk->range, addr) = hmm_device_entry_from_pfn(walk->range, pte_pfn(pte)) |
						  walk->range->flags[HMM_PFN_DEVICE_PRIVATE] |
						  (need == NEED_WRITE ? walk->range->flags[HMM_PFN_WRITE] : 0);
		return 0;
	}
	if (!is_migration_pte(pte))
		return fault_page(walk, addr, need);
	p2psim_migration_entry_wait(walk->range->hmm->mm, addr);
	return -EBUSY;
}

static int walk_present(struct hmm52_walk *walk, unsigned long addr, pte_t pte)
{
	struct hmm_range *range = walk->range;
	bool present = !pte_protnone(pte), writable = present && pte_write(pte);
	enum need need = need_of(walk, addr, present, writable);

	if (need != NEED_NOTHING)
		return fault_page(walk, addr, need);
	if (pte_special(pte) && !is_zero_pfn(pte_pfn(pte))) {
		*hmm52_entry(range, addr) = range->values[HMM_PFN_SPECIAL];
		return -EFAULT;
	}
	*hmm52_entry(range, addr) = !present ? range->values[HMM_PFN_NONE]
					     : hmm_device_entry_from_pfn(range, pte_pfn(pte)) |
						       (writable ? range->flags[HMM_PFN_WRITE] : 0);
	return 0;
}

static int walk_pte(struct hmm52_walk *walk, unsigned long addr)
{
	struct mm_struct *mm = walk->range->hmm->mm;
	unsigned long page = addr >> PAGE_SHIFT;
	pte_t *ptep;

	p2psim_step_range(P2PSIM_STEP_PTE_READ, p2psim_object_id(&mm->obj), false, page, page, "hmm52:walk");
	ptep = p2psim_pte_lookup(mm, addr);
	if (ptep && pte_present(*ptep))
		return walk_present(walk, addr, *ptep);
	return walk_not_present(walk, addr, ptep ? *ptep : __pte(0));
}

/* The VMA of `addr` becomes walk->vma. */
static int enter_vma(struct hmm52_walk *walk, unsigned long addr)
{
	struct vm_area_struct *vma = walk->vma;

	if (vma && vma->vm_start <= addr && addr < vma->vm_end)
		return 0;
	vma = (find_vma)(walk->range->hmm->mm, addr);
	if (!vma || (vma->vm_start > addr && !p2psim_quirk_on(P2PSIM_QUIRK_D12_HOLE_BEFORE_VMA)))
		return -EFAULT;
	if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP))
		return -EFAULT;
	if (!(vma->vm_flags & VM_READ))
		return -EPERM;
	walk->vma = walk->range->vma = vma;
	return walk->range->page_shift == PAGE_SHIFT ? 0 : -EINVAL;
}

/* One page, faulted until it is there. */
static int walk_page(struct hmm52_walk *walk, unsigned long addr)
{
	int ret = enter_vma(walk, addr), tries = 0;

	while (!ret) {
		ret = walk_pte(walk, addr);
		if (ret != -EBUSY)
			return ret;
		if (hmm52_collided(walk->range))
			return -EBUSY;
		ret = 0;
		if (++tries == STUCK_MAX) {
			p2psim_violate(P2PSIM_PROGRESS, 0, walk->range->hmm->obj.id, 0,
				       "hmm_range_fault() has faulted page 0x%lx in %d times, and it is still not there",
				       addr, STUCK_MAX);
			return -EFAULT;
		}
	}
	return ret;
}

int hmm52_walk(struct hmm52_walk *walk)
{
	int ret = 0;

	while (walk->last < walk->end) {
		ret = walk_page(walk, walk->last);
		if (ret)
			break;
		walk->last += 1UL << walk->range->page_shift;
	}
	return ret;
}

bool hmm52_check_caller(const struct hmm_range *range, const char *who)
{
	struct mm_struct *mm;

	(might_sleep)();
	if (!range->hmm) {
		p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "%s of a range that is not registered (any more)", who);
		return false;
	}
	mm = range->hmm->mm;
	if (!p2psim_lock_is_held(&mm->mmap_sem.lock))
		p2psim_violate(P2PSIM_CONTRACT, 0, range->hmm->obj.id, mm->obj.id, "%s without mmap_sem of %s", who,
			       mm->obj.name);
	if (atomic_read(&mm->mm_users))
		return true;
	p2psim_violate(P2PSIM_CONTRACT, 0, range->hmm->obj.id, mm->obj.id, "%s in the address space of %s, which is going",
		       who, mm->obj.name);
	return false;
}

/* Pages that are done, or -errno, all in one. */
static long walk_whole(struct hmm_range *range, bool fault, bool block)
{
	struct hmm52_walk walk = {
		.range = range, .last = range->start, .end = range->end, .fault = fault, .block = block,
	};
	int ret = hmm52_begin_reading(range) ? hmm52_walk(&walk) : -EBUSY;

	if (ret != -EAGAIN && !ret && hmm52_collided(range))
		ret = -EBUSY;
	if (ret)
		hmm52_fill_none(range, walk.last, range->end);
	return ret ? ret : (long)((walk.last - range->start) >> range->page_shift);
}

long p2psim_hmm52_range_snapshot(struct hmm_range *range)
{
	long ret;

	if (!hmm52_check_caller(range, "hmm_range_snapshot()"))
		return -EFAULT;
	p2psim_enter("hmm_range_snapshot(%p, %p)", range->start, range->end);
	ret = walk_whole(range, false, true);
	p2psim_leave(ret < 0 ? "hmm_range_snapshot() = %e" : "hmm_range_snapshot() = %d", (uint64_t)ret);
	return ret;
}

long p2psim_hmm52_range_fault(struct hmm_range *range, bool block)
{
	long ret;

	if (!hmm52_check_caller(range, "hmm_range_fault()"))
		return -EFAULT;
	p2psim_enter("hmm_range_fault(%p, %p)", range->start, range->end);
	ret = walk_whole(range, true, block);
	if (ret >= 0)
		p2psim_step("hmm52:faulted");
	p2psim_leave(ret < 0 ? "hmm_range_fault() = %e" : "hmm_range_fault() = %d", (uint64_t)ret);
	return ret;
}
