/* SPDX-License-Identifier: MIT */
/*
 * Collapse: 512 small pages are copied into one huge one.  Mirrors: mm/khugepaged.c, 6.1.
 *
 *	scan the entries			mmap_lock R
 *	a huge page				no lock
 *	what is swapped out, on a device, or	mmap_lock R, and only if the scan has seen such: a fault each; khugepaged leaves
 *	  exclusive comes back			  a block with more than 64 of them alone
 *	mmap_lock W, anon_vma lock W
 *	start(CLEAR, 2 MiB, no vma)
 *	the table is empty			nobody can fault: mmap_lock
 *	end()
 *	scan again, copy, the huge entry	or, if a page has got a reference meanwhile, the entries again
 *
 * Left out: files.
 */
#include <p2psim/actors.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/huge.h"
#include "vma/zone_device.h"

#define ABSENT_MAX (HPAGE_PMD_NR / 8)	/* khugepaged_max_ptes_swap */

/* How one block went. */
enum collapse {
	COLLAPSE_DONE,
	COLLAPSE_NOT_ALLOWED,	/* -EINVAL, and no further block is tried */
	COLLAPSE_NO_MEMORY,	/* -ENOMEM, likewise */
	COLLAPSE_NOT_NOW,	/* -EINVAL: nothing writable, an entry that is no page's, a whole GiB without a table */
	COLLAPSE_BUSY,		/* -EAGAIN: locked, or somebody has a reference */
};

static int errno_of(enum collapse result)
{
	return result == COLLAPSE_NO_MEMORY ? -ENOMEM : result == COLLAPSE_BUSY ? -EAGAIN : -EINVAL;
}

static bool is_empty(pte_t pte)
{
	return pte_none(pte) || is_huge_zero_entry(pte);
}

static enum collapse judge_page(pte_t pte)
{
	const struct page *page;

	if (!pte_present(pte) || pte_special(pte))
		return COLLAPSE_NOT_NOW;
	page = pfn_to_page(pte_pfn(pte));
	if (!PageAnon(page) || is_zone_device_page(page))
		return COLLAPSE_NOT_NOW;
	return PageLocked(page) || page_count(page) != page_mapcount(page) ? COLLAPSE_BUSY : COLLAPSE_DONE;
}

static bool is_absent(pte_t pte)
{
	return !pte_none(pte) && !pte_present(pte);
}

/* May these entries become one, once those have come back that are `*absent`?  absent NULL: none may be. */
static enum collapse judge(const pte_t *pte, int *absent)
{
	enum collapse result = COLLAPSE_DONE;
	bool writable = false;
	int i;

	for (i = 0; i < HPAGE_PMD_NR && result == COLLAPSE_DONE; i++) {
		if (is_empty(pte[i]))
			continue;
		if (absent && is_absent(pte[i])) {
			++*absent;
			continue;
		}
		writable |= pte_write(pte[i]);
		result = judge_page(pte[i]);
	}
	return result == COLLAPSE_DONE && !writable ? COLLAPSE_NOT_NOW : result;
}

/* The old pages' bytes go to the new one; what was empty is zero.  False: out of memory. */
static bool copy_pages(struct page *head, const pte_t *pte)
{
	int i;

	for (i = 0; i < HPAGE_PMD_NR; i++)
		if (!is_empty(pte[i]) && !p2psim_ram_copy(&head[i], pfn_to_page(pte_pfn(pte[i]))))
			return false;
	return true;
}

static void replace(struct vm_area_struct *vma, unsigned long base, pte_t *pte, struct page *head)
{
	pte_t old;
	int i;

	for (i = 0; i < HPAGE_PMD_NR; i++) {
		old = pte[i];
		pte[i] = __pte(0);
		if (!pte_none(old))
			zap_entry(vma, base + (unsigned long)i * PAGE_SIZE, old);
	}
	set_huge_pmd(vma, base, head);
}

/* mmap_lock W, so that nobody faults; the reverse map's, so that nobody comes that way; then the devices. */
static enum collapse collapse_locked(struct vm_area_struct *vma, unsigned long base, struct page *head)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	enum collapse result;
	pte_t *pte;

	anon_vma_lock_write(vma->anon_vma);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, NULL, mm, base, base + PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	huge_step(mm, base, "collapse");
	mmu_notifier_invalidate_range_end(&range);
	p2psim_step_range(P2PSIM_STEP_WRITE, P2PSIM_OBJ_RAM, true, 0, ULONG_MAX, "collapse:copy");
	pte = p2psim_pte_lookup(mm, base);
	result = pte ? judge(pte, NULL) : COLLAPSE_NOT_NOW;
	if (result == COLLAPSE_DONE && !copy_pages(head, pte))
		result = COLLAPSE_NO_MEMORY;
	if (result == COLLAPSE_DONE)
		replace(vma, base, pte, head);
	anon_vma_unlock_write(vma->anon_vma);
	return result;
}

/* A block that has no table: where its neighbours of the GiB have one, no further block is tried (recorded on 6.1.192). */
static enum collapse without_table(struct mm_struct *mm, unsigned long base)
{
	return p2psim_pud_present(mm, base) ? COLLAPSE_NOT_ALLOWED : COLLAPSE_NOT_NOW;
}

/* The VMA that the block may be huge in; after mmap_lock was dropped. */
static struct vm_area_struct *vma_of_block(struct mm_struct *mm, unsigned long base)
{
	struct vm_area_struct *vma = (vma_lookup)(mm, base);

	return vma && huge_is_allowed(vma, false, false) && huge_fits(vma, base) ? vma : NULL;
}

/* Entry by entry, as if the process had read.  Context: no lock. */
static enum collapse bring_back(struct mm_struct *mm, unsigned long base)
{
	enum collapse result = COLLAPSE_DONE;
	struct vm_area_struct *vma;
	unsigned long addr;
	vm_fault_t ret;

	mmap_read_lock(mm);
	vma = vma_of_block(mm, base);
	if (!vma)
		result = COLLAPSE_NOT_ALLOWED;
	for (addr = base; addr < base + PMD_SIZE && result == COLLAPSE_DONE; addr += PAGE_SIZE) {
		if (!is_absent(p2psim_pte_read(mm, addr)))
			continue;
		ret = (handle_mm_fault)(vma, addr, FAULT_FLAG_ALLOW_RETRY, NULL);
		if (ret & VM_FAULT_RETRY)
			return COLLAPSE_BUSY; /* mmap_lock is dropped already */
		if (ret & VM_FAULT_ERROR)
			result = COLLAPSE_NOT_ALLOWED;
	}
	mmap_read_unlock(mm);
	return result;
}

static enum collapse collapse_with(struct mm_struct *mm, unsigned long base, struct page *head)
{
	enum collapse result = COLLAPSE_NOT_ALLOWED;
	struct vm_area_struct *vma;

	mmap_write_lock(mm);
	vma = vma_of_block(mm, base);
	if (vma)
		result = p2psim_pmd_present(mm, base) && !pmd_is_huge(mm, base) ? collapse_locked(vma, base, head) :
										   COLLAPSE_NOT_NOW;
	mmap_write_unlock(mm);
	return result;
}

/*
 * The look at the entries, and at the references of their pages: who pins a page names the entry that it reads, who lets
 * go the page.  So it counts as a write.
 */
static void scan_step(struct mm_struct *mm, unsigned long base)
{
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_PTE_READ,
		.label = "collapse:scan",
		.access_count = 2,
		.access[0] = { p2psim_object_id(&mm->obj), true, base >> PAGE_SHIFT, (base + PMD_SIZE - 1) >> PAGE_SHIFT },
		.access[1] = { P2PSIM_OBJ_RAM, false, 0, ULONG_MAX },
	};

	p2psim_step_op(&op);
}

/* Context: mmap_lock R, dropped and taken again if it comes to copying. */
static enum collapse collapse_block(struct mm_struct *mm, unsigned long base, bool khugepaged)
{
	enum collapse result;
	struct page *head;
	int absent = 0;

	scan_step(mm, base);
	if (pmd_is_huge(mm, base))
		return COLLAPSE_DONE;
	if (!p2psim_pmd_present(mm, base))
		return without_table(mm, base);
	result = judge(p2psim_pte_lookup(mm, base), &absent);
	if (result == COLLAPSE_DONE && khugepaged && absent > ABSENT_MAX)
		result = COLLAPSE_NOT_NOW;
	if (result != COLLAPSE_DONE)
		return result;
	mmap_read_unlock(mm);
	head = p2psim_alloc_huge_page();
	result = head ? COLLAPSE_DONE : COLLAPSE_NO_MEMORY;
	if (head && absent)
		result = bring_back(mm, base);
	if (result == COLLAPSE_DONE)
		result = collapse_with(mm, base, head);
	if (head && result != COLLAPSE_DONE)
		put_huge_page(head);
	mmap_read_lock(mm);
	return result;
}

int madvise_collapse(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	unsigned long at = (start + PMD_SIZE - 1) & PMD_MASK;
	struct mm_struct *mm = vma->vm_mm;
	enum collapse result, failed = COLLAPSE_DONE;

	if (!huge_is_allowed(vma, false, false) || at > (end & PMD_MASK))
		return -EINVAL;
	for (; at < (end & PMD_MASK); at += PMD_SIZE) {
		vma = (vma_lookup)(mm, at);
		if (!vma || !huge_is_allowed(vma, false, false) || !huge_fits(vma, at))
			return -EINVAL;
		result = collapse_block(mm, at, false);
		if (result == COLLAPSE_NOT_ALLOWED || result == COLLAPSE_NO_MEMORY)
			return errno_of(result);
		failed = result == COLLAPSE_DONE ? failed : result;
	}
	return failed == COLLAPSE_DONE ? 0 : errno_of(failed);
}

int p2psim_khugepaged_collapse(struct p2psim_process *process, unsigned long addr)
{
	struct mm_struct *mm = p2psim_process_mm(process);
	enum collapse result = COLLAPSE_NOT_ALLOWED;
	struct vm_area_struct *vma;

	p2psim_enter("khugepaged %p", addr & PMD_MASK);
	mmap_read_lock(mm);
	vma = (vma_lookup)(mm, addr);
	if (vma && huge_is_allowed(vma, false, true) && huge_fits(vma, addr))
		result = collapse_block(mm, addr & PMD_MASK, true);
	mmap_read_unlock(mm);
	p2psim_leave("khugepaged = %e", (uint64_t)(int64_t)(result == COLLAPSE_DONE ? 0 : errno_of(result)));
	return result == COLLAPSE_DONE ? 0 : errno_of(result);
}
