/* SPDX-License-Identifier: MIT */
/*
 * hmm_range_fault(): page tables into hmm_pfns[].  Mirrors: mm/hmm.c, 6.1 (reduced: no huge pages).
 *
 * What an entry becomes (H1..H13 are cited by tests/hmm/range_fault.c).  "Needed" is what the entry asks for and the
 * page table does not give:
 *
 *	req = (hmm_pfns[i] & pfn_flags_mask) | default_flags
 *	no REQ_FAULT in it: nothing; REQ_WRITE and not writable: a write fault; not VALID: a fault
 *
 *	      the CPU has					needed			not needed
 *	H1    no VMA						-EFAULT			ERROR
 *	H2    a VMA with VM_IO or VM_PFNMAP, or not VM_READ	-EFAULT (by any page	ERROR
 *								of the range in it)
 *	H3    nothing, no table; write, VMA not VM_WRITE	-EPERM
 *	H4    nothing, or no table				fault, to the end of	0
 *								the hole; restart
 *	H5    swapped out, a device's exclusively, or		fault			0
 *	      device-private of another owner
 *	H6    a migration entry					wait; restart		0
 *	H7    a poisoned or unknown entry			-EFAULT			0
 *	H8    a present entry, sufficient			-			pfn, VALID (| WRITE)
 *	H9    a present entry, read-only, write asked		fault; -EPERM when the VMA is not VM_WRITE
 *	H10   the zero page					as H9			pfn, VALID, never WRITE
 *	H11   a special entry, no page behind it		-EFAULT			ERROR
 *	H12   a PROT_NONE entry					fault			0
 *
 *	H13   a device-private entry of			-, even for a write	pfn, VALID (| WRITE if the
 *	      dev_private_owner				to a read-only one	entry is writable)
 *	H14   H5's device-private one, for		pfn, VALID, P2P		0
 *	      hmm_range_dma_map(), if its owner has	(| WRITE if asked)
 *	      p2p_map() and the entry is sufficient
 *
 * ALGO
 *	1  check_retry(seq): somebody invalidated: -EBUSY to the caller.  The only way to get it.
 *	2  walk from `last` in ascending order.  Below `last` entries are outputs, from there on they are inputs still.
 *	3  a fault covers everything from its address to the end of the piece (the hole, or the 2 MiB of a table) with
 *	   the rights that one page needs: neighbours are faulted, and written, that did not ask for it.  Then from 1.
 *
 * A write fault that copies is an invalidation of its own page: with the notifier's interval around it, 1 finds it.
 * On an error hmm_pfns[] is a mixture of both: of no use.  Out of memory and poison are -EFAULT as well.
 */
#include <p2psim/check.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "hmm/hmm_internal.h"
#include "vma/internal.h"

/* So many faults of one page without effect are called a livelock. */
#define HMM_STUCK_MAX 1000

enum need {
	NEED_NOTHING = 0,
	NEED_FAULT = 1 << 0,
	NEED_WRITE = 1 << 1,
};

struct hmm_walk {
	struct hmm_range *range;
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	bool peers;		/* H14 */
	unsigned long last;	/* everything below is output */
	unsigned long stuck_at;	/* `last` of the walk before */
	unsigned int stuck;	/* how many walks it has been the same */
};

static unsigned long *entry_of(const struct hmm_range *range, unsigned long addr)
{
	return &range->hmm_pfns[(addr - range->start) >> PAGE_SHIFT];
}

unsigned long hmm_request(const struct hmm_range *range, unsigned long addr)
{
	return (*entry_of(range, addr) & range->pfn_flags_mask) | range->default_flags;
}

static unsigned int need_of(const struct hmm_range *range, unsigned long addr, unsigned long cpu_flags)
{
	unsigned long req = hmm_request(range, addr);

	if (!(req & HMM_PFN_REQ_FAULT))
		return NEED_NOTHING;
	if ((req & HMM_PFN_REQ_WRITE) && !(cpu_flags & HMM_PFN_WRITE))
		return NEED_FAULT | NEED_WRITE;
	return cpu_flags & HMM_PFN_VALID ? NEED_NOTHING : NEED_FAULT;
}

/* What the pages of [start, end) need together when nothing is there. */
static unsigned int need_of_all(const struct hmm_range *range, unsigned long start, unsigned long end)
{
	unsigned int need = NEED_NOTHING;

	for (; start < end && need != (NEED_FAULT | NEED_WRITE); start += PAGE_SIZE)
		need |= need_of(range, start, 0);
	return need;
}

static int fill(const struct hmm_range *range, unsigned long start, unsigned long end, unsigned long value)
{
	for (; start < end; start += PAGE_SIZE)
		*entry_of(range, start) = value;
	return 0;
}

/* ALGO 3.  Returns -EBUSY: faulted, walk again from `last`. */
static int fault_pages(struct hmm_walk *walk, unsigned long start, unsigned long end, unsigned int need)
{
	unsigned int flags = FAULT_FLAG_REMOTE;

	walk->last = start;
	if (need & NEED_WRITE) {
		if (!(walk->vma->vm_flags & VM_WRITE))
			return -EPERM;
		flags |= FAULT_FLAG_WRITE;
	}
	for (; start < end; start += PAGE_SIZE)
		if ((handle_mm_fault)(walk->vma, start, flags, NULL) & VM_FAULT_ERROR)
			return -EFAULT;
	return -EBUSY;
}

/* H3, H4: no page table over [start, end). */
static int walk_hole(struct hmm_walk *walk, unsigned long start, unsigned long end)
{
	unsigned int need = need_of_all(walk->range, start, end);

	return need ? fault_pages(walk, start, end, need) : fill(walk->range, start, end, 0);
}

/* H13: an owner that is NULL owns nothing. */
static bool is_own_private(const struct hmm_range *range, pte_t pte)
{
	return is_device_private_pte(pte) && pfn_to_page(pte_pfn(pte))->pgmap->owner == range->dev_private_owner;
}

/* H14.  A write to a read-only one has to copy, which only a fault does. */
static bool is_peers_private(const struct hmm_walk *walk, pte_t pte, unsigned int need)
{
	if (!walk->peers || !need || !is_device_private_pte(pte))
		return false;
	return pfn_to_page(pte_pfn(pte))->pgmap->ops->p2p_map && (!(need & NEED_WRITE) || pte_write(pte));
}

/* H5, H6, H7. */
static int walk_not_present(struct hmm_walk *walk, unsigned long addr, unsigned long end, pte_t pte)
{
	unsigned int need = need_of(walk->range, addr, 0);

	if (is_own_private(walk->range, pte)) {
		*entry_of(walk->range, addr) = pte_pfn(pte) | HMM_PFN_VALID | (pte_write(pte) ? HMM_PFN_WRITE : 0);
		return 0;
	}
	if (!need) {
		*entry_of(walk->range, addr) = 0;
		return 0;
	}
	if (is_peers_private(walk, pte, need)) {
		*entry_of(walk->range, addr) = pte_pfn(pte) | HMM_PFN_VALID | HMM_PFN_P2P |
					       (need & NEED_WRITE ? HMM_PFN_WRITE : 0);
		return 0;
	}
	if (pte_swap_is_fault(pte))
		return fault_pages(walk, addr, end, need);
	if (is_migration_pte(pte)) {
		walk->last = addr;
		p2psim_migration_entry_wait(walk->mm, addr);
		return -EBUSY;
	}
	return -EFAULT;
}

static unsigned long cpu_flags_of(pte_t pte)
{
	if (pte_protnone(pte))
		return 0;
	return pte_write(pte) ? HMM_PFN_VALID | HMM_PFN_WRITE : HMM_PFN_VALID;
}

/* A huge entry says so in each of its pages; zeros are one small page, many times. */
static unsigned long order_of(struct mm_struct *mm, unsigned long addr)
{
	return p2psim_pmd_is_huge(mm, addr) ? (unsigned long)(PMD_SHIFT - PAGE_SHIFT) << HMM_PFN_ORDER_SHIFT : 0;
}

/* H8 to H12. */
static int walk_present(struct hmm_walk *walk, unsigned long addr, unsigned long end, pte_t pte)
{
	unsigned long cpu_flags = cpu_flags_of(pte);
	unsigned int need = need_of(walk->range, addr, cpu_flags);
	unsigned long *entry = entry_of(walk->range, addr);

	if (need)
		return fault_pages(walk, addr, end, need);
	if (pte_special(pte) && !is_zero_pfn(pte_pfn(pte))) {
		if (need_of(walk->range, addr, 0))
			return -EFAULT;
		*entry = HMM_PFN_ERROR;
		return 0;
	}
	*entry = cpu_flags ? pte_pfn(pte) | cpu_flags | (pte_special(pte) ? 0 : order_of(walk->mm, addr)) : 0;
	return 0;
}

static int walk_pte(struct hmm_walk *walk, unsigned long addr, unsigned long end)
{
	unsigned long page = addr >> PAGE_SHIFT;
	pte_t *ptep;

	p2psim_step_range(P2PSIM_STEP_PTE_READ, p2psim_object_id(&walk->mm->obj), false, page, page, "hmm:walk");
	ptep = p2psim_pte_lookup(walk->mm, addr);
	if (!ptep || pte_none(*ptep)) {
		unsigned int need = need_of(walk->range, addr, 0);

		if (need)
			return fault_pages(walk, addr, end, need);
		*entry_of(walk->range, addr) = 0;
		return 0;
	}
	return pte_present(*ptep) ? walk_present(walk, addr, end, *ptep) : walk_not_present(walk, addr, end, *ptep);
}

/* The end of what one look at the upper tables covers: 2 MiB, or 1 GiB where there is no table for that either. */
static unsigned long piece_end(const struct hmm_walk *walk, unsigned long start, unsigned long end)
{
	p2psim_step_range(P2PSIM_STEP_PTE_READ, p2psim_object_id(&walk->mm->obj), false, start >> PAGE_SHIFT,
			  (end - 1) >> PAGE_SHIFT, "hmm:table");
	if (p2psim_pud_present(walk->mm, start))
		return min((start & PMD_MASK) + PMD_SIZE, end);
	return min((start & PUD_MASK) + PUD_SIZE, end);
}

/*
 * H8, for whole runs of them, while nobody watches the steps and so nobody comes in between: one look at the upper tables.
 * Returns how far it came.
 */
static unsigned long walk_plain(struct hmm_walk *walk, unsigned long addr, unsigned long end)
{
	unsigned long order = order_of(walk->mm, addr), *entry = entry_of(walk->range, addr), flags;
	const pte_t *pte = p2psim_pte_lookup(walk->mm, addr);

	for (; pte && addr < end && !p2psim_hot->busy; addr += PAGE_SIZE, pte++, entry++) {
		if (!(pte->val & P2PSIM_PTE_PRESENT) || pte_special(*pte))
			break;
		flags = pte_write(*pte) ? HMM_PFN_VALID | HMM_PFN_WRITE : HMM_PFN_VALID;
		if (need_of(walk->range, addr, flags))
			break;
		p2psim_hot->steps++;
		*entry = pte_pfn(*pte) | flags | order;
	}
	return addr;
}

/* [start, end) lies under one last-level table, or under none. */
static int walk_piece(struct hmm_walk *walk, unsigned long start, unsigned long end)
{
	unsigned long addr = start;
	int ret = 0;

	if (!p2psim_pmd_present(walk->mm, start))
		return walk_hole(walk, start, end);
	for (; addr < end && !ret; addr += PAGE_SIZE) {
		addr = walk_plain(walk, addr, end);
		if (addr < end)
			ret = walk_pte(walk, addr, end);
	}
	return ret;
}

/* The part [start, end) of walk->vma. */
static int walk_vma(struct hmm_walk *walk, unsigned long start, unsigned long end)
{
	unsigned long next;
	int ret = 0;

	if ((walk->vma->vm_flags & (VM_IO | VM_PFNMAP)) || !(walk->vma->vm_flags & VM_READ))
		return need_of_all(walk->range, start, end) ? -EFAULT : fill(walk->range, start, end, HMM_PFN_ERROR);
	for (; start < end && !ret; start = next) {
		next = piece_end(walk, start, end);
		ret = walk_piece(walk, start, next);
	}
	return ret;
}

/* ALGO 2. */
static int walk_range(struct hmm_walk *walk)
{
	unsigned long addr, end, next;
	int ret = 0;

	for (addr = walk->last, end = walk->range->end; addr < end && !ret; addr = next) {
		walk->vma = (find_vma)(walk->mm, addr);
		if (!walk->vma || walk->vma->vm_start > addr) {
			next = walk->vma ? min(walk->vma->vm_start, end) : end;
			ret = need_of_all(walk->range, addr, next) ? -EFAULT
								    : fill(walk->range, addr, next, HMM_PFN_ERROR);
		} else {
			next = min(walk->vma->vm_end, end);
			ret = walk_vma(walk, addr, next);
		}
	}
	return ret;
}

/* A fault handler that says "done" and does nothing would keep us here for ever. */
static bool is_stuck(struct hmm_walk *walk)
{
	walk->stuck = walk->last == walk->stuck_at ? walk->stuck + 1 : 0;
	walk->stuck_at = walk->last;
	if (walk->stuck < HMM_STUCK_MAX)
		return false;
	p2psim_violate(P2PSIM_PROGRESS, 0, walk->mm->obj.id, 0,
		       "hmm_range_fault() has faulted page 0x%lx in %d times, and it is still not there", walk->last,
		       HMM_STUCK_MAX);
	return true;
}

/* What a caller must not get wrong; none of it has an errno. */
void hmm_check_caller(const struct hmm_range *range, const char *who)
{
	const struct mmu_interval_notifier *sub = range->notifier;
	const struct mm_struct *mm = sub->mm;

	might_sleep();
	/* A fault invalidates when it copies: the lock of the notifier's callback must not be held. */
	lock_map_acquire(&__mmu_notifier_invalidate_range_start_map);
	lock_map_release(&__mmu_notifier_invalidate_range_start_map);
	if (!p2psim_lock_is_held(&mm->mmap_lock.lock))
		p2psim_violate(P2PSIM_CONTRACT, 0, sub->obj.id, mm->obj.id, "%s without mmap_lock of %s", who,
			       mm->obj.name);
	if (!PAGE_ALIGNED(range->start) || !PAGE_ALIGNED(range->end))
		p2psim_violate(P2PSIM_CONTRACT, 0, sub->obj.id, 0, "%s of 0x%lx..0x%lx, which are no pages", who,
			       range->start, range->end);
	if (range->start < sub->interval_tree.start || range->end - 1 > sub->interval_tree.last)
		p2psim_violate(P2PSIM_CONTRACT, 0, sub->obj.id, 0,
			       "%s of 0x%lx..0x%lx outside its notifier's 0x%lx..0x%lx: nobody hears of its end", who,
			       range->start, range->end, sub->interval_tree.start, sub->interval_tree.last + 1);
	if (!sub->reads || !(range->notifier_seq & 1) || range->notifier_seq > sub->invalidate_seq)
		p2psim_violate(P2PSIM_CONTRACT, 0, sub->obj.id, 0,
			       "%s with a sequence that read_begin() did not give: %lu", who, range->notifier_seq);
}

static int fault_range(struct hmm_range *range, bool peers)
{
	struct hmm_walk walk = { .range = range, .mm = range->notifier->mm, .last = range->start, .peers = peers };
	int ret;

	if (range->start >= range->end)
		return -EINVAL;
	hmm_check_caller(range, "hmm_range_fault()");
	p2psim_enter("hmm_range_fault(%p, %p)", range->start, range->end);
	do {
		ret = -EBUSY;
		if (mmu_interval_check_retry(range->notifier, range->notifier_seq) || is_stuck(&walk))
			break;
		ret = walk_range(&walk);
	} while (ret == -EBUSY);
	if (!ret)
		p2psim_step("hmm:faulted");
	p2psim_leave("hmm_range_fault() = %e", ret);
	return ret;
}

int(hmm_range_fault)(struct hmm_range *range)
{
	return fault_range(range, false);
}

int hmm_range_fault_peers(struct hmm_range *range)
{
	return fault_range(range, true);
}

static bool is_page(unsigned long hmm_pfn)
{
	if (!(hmm_pfn & HMM_PFN_VALID))
		p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "the page of an entry that is not VALID: 0x%lx", hmm_pfn);
	return (hmm_pfn & HMM_PFN_VALID) && !(hmm_pfn & HMM_PFN_P2P);
}

struct page *hmm_pfn_to_page(unsigned long hmm_pfn)
{
	return is_page(hmm_pfn) ? pfn_to_page(hmm_pfn & ~(HMM_PFN_FLAGS | HMM_PFN_P2P)) : NULL;
}

phys_addr_t hmm_pfn_to_phys(unsigned long hmm_pfn)
{
	return is_page(hmm_pfn) ? (hmm_pfn & ~(HMM_PFN_FLAGS | HMM_PFN_P2P)) << PAGE_SHIFT : ~(phys_addr_t)0;
}
