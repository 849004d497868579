/* SPDX-License-Identifier: MIT */
/*
 * fork(): the child's VMAs and page tables.
 *
 *	parent				child
 *	mmap_lock W			mmap_lock W, nested
 *	for each VMA, by address:
 *	  VM_DONTCOPY			not there
 *					a copy; not locked; anon_vma below the parent's; open(); into the tree
 *	  start(PROTECTION_PAGE, VMA)	private and perhaps with pages of its own: only then
 *	  entries become read-only	and the same entries
 *	  end()
 *
 * Entries are copied only if the parent's VMA has an anon_vma or holds pfns: others are faulted in again.  The child has no
 * notifiers.  What fails in the middle leaves a child that exit_mmap() can tear down.
 */
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/sched.h>
#include <p2psim/step.h>

#include "vma/fork.h"
#include "vma/huge.h"
#include "vma/internal.h"
#include "vma/rmap_walk.h"
#include "vma/swap.h"

/* One VMA's entries on their way. */
struct copying {
	struct vm_area_struct *from, *to;
	bool is_cow;
};

static void entry_step(const struct copying *c, unsigned long addr, const struct page *page)
{
	u64 unit = addr >> PAGE_SHIFT;
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_PTE_WRITE,
		.access_count = 2,
		.access[0] = { p2psim_object_id(&c->from->vm_mm->obj), true, unit, unit },
		.access[1] = { p2psim_object_id(&c->to->vm_mm->obj), true, unit, unit },
	};

	if (likely(!p2psim_hot->busy)) {
		p2psim_hot->steps++;
		return;
	}
	if (page)
		op.access[op.access_count++] = (struct p2psim_access){ P2PSIM_OBJ_RAM, true, page->pfn, page->pfn };
	p2psim_step_op(&op);
}

static struct page *page_of(pte_t pte)
{
	bool names = pte_present(pte) ? !pte_special(pte) : pte_is_page_kept(pte);

	return names ? pfn_to_page(pte_pfn(pte)) : NULL;
}

/* A page that a device may be writing at this moment stays the parent's alone. */
static bool needs_own_copy(const struct copying *c, const struct page *page)
{
	return c->is_cow && PageAnon(page) && page->flags & 1UL << PG_anon_exclusive && page_maybe_dma_pinned(page);
}

static int give_own_copy(const struct copying *c, unsigned long addr, pte_t *to, struct page *page)
{
	u64 bits = P2PSIM_PTE_YOUNG | P2PSIM_PTE_DIRTY | (c->to->vm_flags & VM_WRITE ? P2PSIM_PTE_WRITE : 0);
	struct page *copy = (alloc_page)(GFP_HIGHUSER_MOVABLE);

	if (!copy)
		return -ENOMEM;
	if (!p2psim_ram_copy(copy, page)) {
		put_page(copy);
		return -ENOMEM;
	}
	page_add_anon_rmap(copy, c->to, addr);
	mm_count_page(c->to->vm_mm, copy, 1);
	*to = mk_pte(c->to, page_to_pfn(copy), bits);
	return 0;
}

/* Both have the page from now on. */
static void share_page(const struct copying *c, struct page *page)
{
	page->_refcount.counter++;
	page->_mapcount.counter++;
	page->flags &= ~(1UL << PG_anon_exclusive);
	p2psim_page_set_owner(page, 0); /* its bytes are both's */
	mm_count_page(c->to->vm_mm, page, 1);
}

static void copy_swap(pte_t *from, pte_t *to)
{
	swap_dup(pte_pfn(*from));
	*from = pte_swp_clear_exclusive(*from); /* not one mapping's alone any more */
	*to = *from;
}

/* A page that moves: both will find it where it goes, and neither alone. */
static void copy_migration(const struct copying *c, pte_t *from, pte_t *to)
{
	if (c->is_cow)
		from->val &= ~(u64)(P2PSIM_PTE_WRITE | P2PSIM_PTE_ONLY);
	mm_count_page(c->to->vm_mm, pfn_to_page(pte_pfn(*from)), 1);
	*to = *from;
}

/* A device's page becomes a normal one first, without an event.  -ENOMEM: the driver is at work on it, or a fault (sic). */
static int undo_exclusive(const struct copying *c, unsigned long addr, pte_t *from)
{
	struct page *page = pfn_to_page(pte_pfn(*from));

	if (PageLocked(page))
		return -ENOMEM;
	restore_exclusive_pte(c->from, addr, from);
	return 0;
}

static int copy_present(const struct copying *c, unsigned long addr, pte_t *from, pte_t *to)
{
	struct page *page = page_of(*from);
	u64 bits = from->val & ~(u64)P2PSIM_PTE_YOUNG;

	if (page && needs_own_copy(c, page))
		return give_own_copy(c, addr, to, page);
	if (page)
		share_page(c, page);
	if (c->is_cow) {
		from->val &= ~(u64)P2PSIM_PTE_WRITE;
		bits &= ~(u64)P2PSIM_PTE_WRITE;
	}
	if (c->from->vm_flags & VM_SHARED)
		bits &= ~(u64)P2PSIM_PTE_DIRTY;
	*to = __pte(bits);
	return 0;
}

/* An entry that has got another page while the step waited needs a step that names that one. */
static void copy_step(const struct copying *c, unsigned long addr, const pte_t *from)
{
	const struct page *named;

	do {
		named = page_of(*from);
		entry_step(c, addr, named);
	} while (page_of(*from) != named);
}

static int copy_entry(const struct copying *c, unsigned long addr, pte_t *from)
{
	pte_t *to;

	if (pte_none(*from))
		return 0;
	to = pte_alloc(c->to->vm_mm, addr);
	if (!to)
		return -ENOMEM;
	copy_step(c, addr, from);
	if (pte_none(*from))
		return 0;
	if (is_swap_pte(*from) || is_migration_pte(*from)) {
		if (is_swap_pte(*from))
			copy_swap(from, to);
		else
			copy_migration(c, from, to);
		return 0;
	}
	if (is_device_exclusive_pte(*from) && undo_exclusive(c, addr, from))
		return -ENOMEM;
	return copy_present(c, addr, from, to);
}

static int copy_table(const struct copying *c, unsigned long start, unsigned long end)
{
	pte_t *from = p2psim_pte_lookup(c->from->vm_mm, start);
	int error = 0;

	for (; start < end && !error; start += PAGE_SIZE, from++)
		error = copy_entry(c, start, from);
	return error;
}

static bool any_needs_own_copy(const struct copying *c, const pte_t *from)
{
	int i;

	for (i = 0; i < HPAGE_PMD_NR; i++)
		if (page_of(from[i]) && needs_own_copy(c, page_of(from[i])))
			return true;
	return false;
}

/* A huge entry, whole; one with a part that a device may write is split first. */
static int copy_huge(const struct copying *c, unsigned long base)
{
	pte_t *from = p2psim_pte_lookup(c->from->vm_mm, base), *to;
	int i, error = 0;

	if (any_needs_own_copy(c, from)) {
		__split_huge_pmd(c->from, base);
		return copy_table(c, base, base + PMD_SIZE);
	}
	to = pte_alloc(c->to->vm_mm, base);
	if (!to)
		return -ENOMEM;
	huge_step(c->from->vm_mm, base, NULL);
	for (i = 0; i < HPAGE_PMD_NR && !error; i++)
		error = copy_present(c, base + (unsigned long)i * PAGE_SIZE, &from[i], &to[i]);
	count_huge_pmd(*from, 1);
	pmd_set_huge(c->to->vm_mm, base, true);
	return error;
}

static int copy_entries(const struct copying *c)
{
	unsigned long start = c->from->vm_start, end = c->from->vm_end, next;
	int error = 0;

	p2psim_step_range(P2PSIM_STEP_PTE_READ, p2psim_object_id(&c->from->vm_mm->obj), false, start >> PAGE_SHIFT,
			  (end - 1) >> PAGE_SHIFT, NULL);
	for (; start < end && !error; start = next) {
		next = min((start & PMD_MASK) + PMD_SIZE, end);
		if (!p2psim_pud_present(c->from->vm_mm, start))
			next = min((start & PUD_MASK) + PUD_SIZE, end);
		else if (pmd_is_huge(c->from->vm_mm, start))
			error = copy_huge(c, start);
		else if (p2psim_pmd_present(c->from->vm_mm, start))
			error = copy_table(c, start, next);
	}
	return error;
}

static int copy_page_range(struct vm_area_struct *to, struct vm_area_struct *from)
{
	struct copying c = { from, to, is_cow_mapping(from->vm_flags) };
	struct mmu_notifier_range range;
	int error;

	if (!from->anon_vma && !(from->vm_flags & (VM_PFNMAP | VM_MIXEDMAP)))
		return 0;
	if (!c.is_cow)
		return copy_entries(&c);
	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_PAGE, 0, from, from->vm_mm, from->vm_start, from->vm_end);
	mmu_notifier_invalidate_range_start(&range);
	error = copy_entries(&c);
	mmu_notifier_invalidate_range_end(&range);
	return error;
}

/* The child's copy of a VMA, in the child's tree; its entries are still to come. */
static struct vm_area_struct *copy_vma_to(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vm_area_struct *copy = vm_area_dup(vma);

	if (!copy)
		return NULL;
	copy->vm_mm = mm;
	copy->serial = ++mm->vma_serial;
	copy->vm_flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
	if (copy->vm_file)
		get_file(copy->vm_file);
	if ((!(copy->vm_flags & VM_WIPEONFORK) && anon_vma_fork(copy, vma)) || p2psim_inject_point()) {
		vm_area_free(copy);
		return NULL;
	}
	if (copy->vm_ops && copy->vm_ops->open)
		copy->vm_ops->open(copy);
	vma_link(mm, copy);
	return copy;
}

static int dup_vma(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vm_area_struct *copy = copy_vma_to(mm, vma);

	if (!copy)
		return -ENOMEM;
	return copy->vm_flags & VM_WIPEONFORK ? 0 : copy_page_range(copy, vma);
}

int dup_mmap(struct mm_struct *mm, struct mm_struct *parent)
{
	struct vm_area_struct *vma;
	int error = 0;

	if (mmap_write_lock_killable(parent))
		return -EINTR;
	mmap_write_lock_nested(mm, 1);
	memcpy(mm->limits, parent->limits, sizeof(mm->limits));
	for (vma = p2psim_vma_first(parent); vma && !error; vma = p2psim_vma_next(vma))
		if (!(vma->vm_flags & VM_DONTCOPY))
			error = fatal_signal_pending(current) ? -EINTR : dup_vma(mm, vma);
	mmap_write_unlock(mm);
	mmap_write_unlock(parent);
	return error;
}
