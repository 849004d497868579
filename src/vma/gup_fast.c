/* SPDX-License-Identifier: MIT */
/*
 * get_user_pages_fast(): as many pages as are there already, without mmap_lock; the slow path for the rest.
 *
 *	fast					whoever changes the entry
 *	reads the entry
 *						takes it out, and the page's reference
 *	takes a reference, reads again		(the kernel: interrupts are off; a page table waits for them)
 *	another entry: gives it back, slow path
 *
 * Left out: write_protect_seq, which keeps a pin from falling between fork()'s look at pins and its write protection of the
 * entry.  Here both are one step, as is taking a reference and the second look.
 */
#include <p2psim/check.h>
#include <p2psim/linux/sched.h>
#include <p2psim/step.h>

#include "vma/gup.h"
#include "vma/rmap_walk.h"
#include "vma/zone_device.h"

#define FAST_FLAGS (FOLL_WRITE | FOLL_LONGTERM | FOLL_FORCE | FOLL_PIN | FOLL_GET | FOLL_FAST_ONLY | FOLL_NOFAULT)

/* A page of RAM that the entry lets be used as wanted.  FOLL_FORCE does not help here. */
static bool is_permitted(pte_t pte, unsigned int flags)
{
	if (!pte_present(pte) || pte_special(pte) || pte_protnone(pte))
		return false;
	return pte_write(pte) || !(flags & FOLL_WRITE);
}

static struct page *grab(struct mm_struct *mm, unsigned long addr, unsigned int flags)
{
	pte_t seen = p2psim_pte_read(mm, addr), *pte;
	struct page *page;

	if (!is_permitted(seen, flags))
		return NULL;
	page = pfn_to_page(pte_pfn(seen));
	if (flags & FOLL_LONGTERM && page->flags & 1UL << PG_device && is_device_coherent_page(page))
		return NULL;
	pte_page_step(mm, addr, page, "gup:fast");
	pte = p2psim_pte_lookup(mm, addr);
	if (!pte || pte->val != seen.val || gup_must_unshare(seen, flags))
		return NULL;
	gup_take(page, flags);
	return page;
}

static long gup_fast(unsigned long start, int nr_pages, unsigned int flags, struct page **pages)
{
	unsigned long end;
	int got = 0;
	long ret;

	if (flags & ~FAST_FLAGS)
		return gup_refuse();
	start &= PAGE_MASK;
	if (__builtin_add_overflow(start, (unsigned long)nr_pages << PAGE_SHIFT, &end))
		return 0;
	if (end > TASK_SIZE)
		return -EFAULT;
	while (got < nr_pages && (pages[got] = grab(current->mm, start + ((unsigned long)got << PAGE_SHIFT), flags)))
		got++;
	if (got == nr_pages || flags & FOLL_FAST_ONLY)
		return got;
	ret = gup_unlocked(start + ((unsigned long)got << PAGE_SHIFT), (unsigned long)(nr_pages - got), flags, pages + got);
	if (ret < 0)
		return got ? got : ret;
	return got + ret;
}

int get_user_pages_fast(unsigned long start, int nr_pages, unsigned int gup_flags, struct page **pages)
{
	if (gup_flags & (FOLL_PIN | FOLL_LONGTERM))
		return (int)gup_refuse();
	return (int)gup_fast(start, nr_pages, gup_flags | FOLL_GET, pages);
}

int pin_user_pages_fast(unsigned long start, int nr_pages, unsigned int gup_flags, struct page **pages)
{
	if (gup_flags & FOLL_GET || !pages)
		return (int)gup_refuse();
	return (int)gup_fast(start, nr_pages, gup_flags | FOLL_PIN, pages);
}

int get_user_pages_fast_only(unsigned long start, int nr_pages, unsigned int gup_flags, struct page **pages)
{
	return get_user_pages_fast(start, nr_pages, gup_flags | FOLL_FAST_ONLY, pages);
}
