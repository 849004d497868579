/* SPDX-License-Identifier: MIT */
/*
 * get_user_pages() and pin_user_pages(): the slow path, page by page under mmap_lock.
 *
 *	entry			wanted			what happens
 *	absent			anything		a fault, and another look
 *	read-only		FOLL_WRITE		a fault for writing: copies are broken, CLEAR
 *	read-only, not ours	FOLL_PIN, to read	a fault to unshare: a copy for us, CLEAR, still read-only.  Else a later
 *	  alone						write of ours would copy, and the device look at the old page
 *	read-only, ours alone	FOLL_FORCE|FOLL_WRITE	given, if the VMA may be written: nobody else sees it
 *	raw pfn			pages			-EEXIST
 *
 *	device-private		anything		a fault: its driver brings it back to RAM
 *	device-coherent		FOLL_LONGTERM		moved to RAM first: CLEAR.  -EBUSY: it cannot move
 *
 * Left out compared with mm/gup.c of 6.1: huge pages as one, FOLL_NOWAIT, FOLL_HWPOISON; zones whose pages FOLL_LONGTERM has to
 * move first.
 */
#include <p2psim/check.h>
#include <p2psim/linux/sched.h>
#include <p2psim/step.h>

#include "vma/gup.h"
#include "vma/huge.h"
#include "vma/rmap_walk.h"

struct gup {
	struct mm_struct *mm;
	unsigned int flags;
	int *locked;	/* NULL: mmap_lock stays */
	bool dropped;	/* it was dropped, at least once */
};

static bool flags_go_together(unsigned int flags)
{
	if (flags & FOLL_GET && flags & FOLL_PIN)
		return false;
	return !(flags & FOLL_LONGTERM) || flags & FOLL_PIN;
}

static int check_vma(const struct vm_area_struct *vma, unsigned int flags)
{
	if (vma->vm_flags & (VM_IO | VM_PFNMAP) || (flags & FOLL_ANON && !vma_is_anonymous(vma)))
		return -EFAULT;
	if (flags & FOLL_WRITE && !(vma->vm_flags & VM_WRITE))
		return flags & FOLL_FORCE && is_cow_mapping(vma->vm_flags) ? 0 : -EFAULT;
	if (!(flags & FOLL_WRITE) && !(vma->vm_flags & VM_READ))
		return flags & FOLL_FORCE && vma->vm_flags & VM_MAYREAD ? 0 : -EFAULT;
	return 0;
}

static bool is_ours_alone(pte_t pte)
{
	const struct page *page = pte_special(pte) ? NULL : pfn_to_page(pte_pfn(pte));

	return page && PageAnon(page) && page->flags & 1UL << PG_anon_exclusive;
}

bool gup_must_unshare(pte_t pte, unsigned int flags)
{
	if ((flags & (FOLL_WRITE | FOLL_PIN)) != FOLL_PIN || pte_special(pte))
		return false;
	return PageAnon(pfn_to_page(pte_pfn(pte))) && !is_ours_alone(pte);
}

/* May a forced write go to a page that the entry does not let be written? */
static bool may_be_forced(const struct vm_area_struct *vma, pte_t pte, unsigned int flags)
{
	return flags & FOLL_FORCE && !(vma->vm_flags & VM_WRITE) && is_cow_mapping(vma->vm_flags) && is_ours_alone(pte);
}

/* The fault that the page needs first: flags of handle_mm_fault(), or -1, none. */
static int fault_needed(const struct vm_area_struct *vma, pte_t pte, unsigned int flags)
{
	if (!pte_present(pte) || (pte_protnone(pte) && !(flags & FOLL_FORCE)))
		return flags & FOLL_WRITE ? FAULT_FLAG_WRITE : 0;
	if (flags & FOLL_WRITE && !pte_write(pte) && !may_be_forced(vma, pte, flags))
		return FAULT_FLAG_WRITE;
	return gup_must_unshare(pte, flags) ? FAULT_FLAG_UNSHARE : -1;
}

/* 0; -EBUSY: mmap_lock is gone; the errno of a fault that failed. */
static int fault_in(struct gup *g, struct vm_area_struct *vma, unsigned long addr, unsigned int fault_flags)
{
	vm_fault_t ret;

	if (g->flags & FOLL_NOFAULT)
		return -EFAULT;
	fault_flags |= g->flags & FOLL_REMOTE ? FAULT_FLAG_REMOTE : 0;
	if (g->locked)
		fault_flags |= FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE | (g->dropped ? FAULT_FLAG_TRIED : 0);
	ret = (handle_mm_fault)(vma, addr, fault_flags, NULL);
	if (ret & VM_FAULT_OOM)
		return -ENOMEM;
	if (ret & VM_FAULT_ERROR)
		return -EFAULT;
	if (!(ret & VM_FAULT_RETRY) || !g->locked)
		return 0;
	*g->locked = 0;
	return -EBUSY;
}

static bool is_shared_anon(pte_t pte)
{
	return pte_present(pte) && !pte_special(pte) && PageAnon(pfn_to_page(pte_pfn(pte))) && !is_ours_alone(pte);
}

/* One look at the entry.  Others decide by the references of a page that several processes have: they are in the step. */
static pte_t look(struct mm_struct *mm, unsigned long addr)
{
	pte_t pte = p2psim_pte_read(mm, addr);

	if (is_shared_anon(pte)) {
		pte_page_step(mm, addr, pfn_to_page(pte_pfn(pte)), "gup");
		pte = *p2psim_pte_lookup(mm, addr);
	}
	return pte;
}

/* The page at addr, faulted in as far as needed. */
static int follow_page(struct gup *g, struct vm_area_struct *vma, unsigned long addr, struct page **page)
{
	int tries, fault, error;
	pte_t pte;

	for (tries = 0; tries < 100; tries++) {
		if (g->flags & FOLL_SPLIT_PMD && pmd_is_huge(g->mm, addr))
			__split_huge_pmd(vma, addr);
		pte = look(g->mm, addr);
		fault = fault_needed(vma, pte, g->flags);
		if (fault < 0) {
			if (pte_special(pte) && !is_zero_pfn(pte_pfn(pte)))
				return -EEXIST;
			*page = pfn_to_page(pte_pfn(pte));
			if (g->flags & FOLL_WRITE && !pte_dirty(pte))
				set_page_dirty(*page);
			return 0;
		}
		error = fault_in(g, vma, addr, (unsigned int)fault);
		if (error)
			return error;
	}
	return -EFAULT;
}

void gup_take(struct page *page, unsigned int flags)
{
	get_page(page);
	if (flags & FOLL_PIN)
		page->_refcount.counter += GUP_PIN_COUNTING_BIAS - 1;
}

static int gup_one(struct gup *g, unsigned long addr, struct page **page, struct vm_area_struct **vma)
{
	int error;

	if (fatal_signal_pending(current))
		return -EINTR;
	*vma = (vma_lookup)(g->mm, addr);
	if (!*vma)
		return -EFAULT;
	error = check_vma(*vma, g->flags);
	return error ? error : follow_page(g, *vma, addr, page);
}

static int take_lock_again(struct gup *g)
{
	g->dropped = true;
	if (mmap_read_lock_killable(g->mm))
		return -EINTR;
	*g->locked = 1;
	return 0;
}

/* Who has lost the lock on the way gives it back for good. */
static void end_unlocked(const struct gup *g)
{
	if (g->dropped && *g->locked) {
		mmap_read_unlock(g->mm);
		*g->locked = 0;
	}
}

static long gup(struct gup *g, unsigned long start, unsigned long nr_pages, struct page **pages, struct vm_area_struct **vmas)
{
	struct vm_area_struct *vma;
	struct page *page = NULL;
	unsigned long i = 0;
	int error = 0;

	mmap_assert_locked(g->mm);
	start &= PAGE_MASK;
	while (i < nr_pages && !error) {
		error = gup_one(g, start + (i << PAGE_SHIFT), &page, &vma);
		if (error == -EBUSY) {
			error = take_lock_again(g);
			continue;
		}
		if (error == -EEXIST && !pages)
			error = 0;
		if (error)
			break;
		if (pages) {
			gup_take(page, g->flags);
			pages[i] = page;
		}
		if (vmas)
			vmas[i] = vma;
		i++;
	}
	end_unlocked(g);
	return i ? (long)i : error;
}

/* What may stay pinned for long is obtained again once it has been moved to where it may. */
static long gup_longterm(struct gup *g, unsigned long start, unsigned long nr_pages, struct page **pages,
			 struct vm_area_struct **vmas)
{
	long got;
	int error = 0;

	if (g->flags & FOLL_LONGTERM)
		g->locked = NULL;
	do {
		got = gup(g, start, nr_pages, pages, vmas);
		if (got > 0 && g->flags & FOLL_LONGTERM)
			error = gup_move_for_long(pages, got);
	} while (error == -EAGAIN);
	return error ? error : got;
}

long gup_refuse(void)
{
	p2psim_violate(P2PSIM_CONTRACT, 0, 0, 0, "FOLL_ flags that do not go together");
	return -EINVAL;
}

static long get_pages(struct gup *g, unsigned long start, unsigned long nr_pages, struct page **pages,
		      struct vm_area_struct **vmas)
{
	if (g->flags & (FOLL_PIN | FOLL_LONGTERM) || !flags_go_together(g->flags))
		return gup_refuse();
	g->flags |= pages ? FOLL_GET : 0;
	return gup(g, start, nr_pages, pages, vmas);
}

static long pin_pages(struct gup *g, unsigned long start, unsigned long nr_pages, struct page **pages,
		      struct vm_area_struct **vmas)
{
	if (g->flags & FOLL_GET || !pages)
		return gup_refuse();
	g->flags |= FOLL_PIN;
	return gup_longterm(g, start, nr_pages, pages, vmas);
}

long get_user_pages_remote(struct mm_struct *mm, unsigned long start, unsigned long nr_pages, unsigned int gup_flags,
			   struct page **pages, struct vm_area_struct **vmas, int *locked)
{
	struct gup g = { .mm = mm, .flags = gup_flags | FOLL_REMOTE, .locked = locked };

	return get_pages(&g, start, nr_pages, pages, vmas);
}

long get_user_pages(unsigned long start, unsigned long nr_pages, unsigned int gup_flags, struct page **pages,
		    struct vm_area_struct **vmas)
{
	struct gup g = { .mm = current->mm, .flags = gup_flags };

	return get_pages(&g, start, nr_pages, pages, vmas);
}

long pin_user_pages_remote(struct mm_struct *mm, unsigned long start, unsigned long nr_pages, unsigned int gup_flags,
			   struct page **pages, struct vm_area_struct **vmas, int *locked)
{
	struct gup g = { .mm = mm, .flags = gup_flags | FOLL_REMOTE, .locked = locked };

	return pin_pages(&g, start, nr_pages, pages, vmas);
}

long pin_user_pages(unsigned long start, unsigned long nr_pages, unsigned int gup_flags, struct page **pages,
		    struct vm_area_struct **vmas)
{
	struct gup g = { .mm = current->mm, .flags = gup_flags };

	return pin_pages(&g, start, nr_pages, pages, vmas);
}

long gup_unlocked(unsigned long start, unsigned long nr_pages, unsigned int flags, struct page **pages)
{
	int locked = 1;
	struct gup g = { .mm = current->mm, .flags = flags, .locked = &locked };
	long ret;

	mmap_read_lock(g.mm);
	ret = gup_longterm(&g, start, nr_pages, pages, NULL);
	if (locked)
		mmap_read_unlock(g.mm);
	return ret;
}

long get_user_pages_unlocked(unsigned long start, unsigned long nr_pages, struct page **pages, unsigned int gup_flags)
{
	if (gup_flags & (FOLL_PIN | FOLL_LONGTERM))
		return gup_refuse();
	return gup_unlocked(start, nr_pages, gup_flags | FOLL_GET, pages);
}

long pin_user_pages_unlocked(unsigned long start, unsigned long nr_pages, struct page **pages, unsigned int gup_flags)
{
	if (gup_flags & FOLL_GET || !pages)
		return gup_refuse();
	return gup_unlocked(start, nr_pages, gup_flags | FOLL_PIN, pages);
}
