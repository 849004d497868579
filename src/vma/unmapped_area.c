/* SPDX-License-Identifier: MIT */
/*
 * Where a mapping goes that has no fixed place: where it is hinted, if that is free; else as high as possible below the
 * base; else, or with MAP_32BIT, as low as possible.  Mirrors: arch_get_unmapped_area_topdown() of x86-64, 6.1.
 *
 *	0x10000		TASK_SIZE / 3			base	TASK_SIZE
 *	|			 <-------- top down ----|
 *	|		|------- bottom up ----------------------->|
 *
 * Left out: randomised bases, address spaces of 57 bits.
 */
#include <p2psim/linux/mman.h>

#include "vma/internal.h"

#define LOW_BASE (TASK_SIZE / 3 & PAGE_MASK)
#define LOW_32BIT 0x40000000UL
#define HIGH_32BIT 0x80000000UL

struct search {
	unsigned long len;
	unsigned long low, high;
	bool upwards;
};

/* The best place in [start, end), or 0. */
static unsigned long place_in(unsigned long start, unsigned long end, const struct search *s)
{
	start = max(start, s->low);
	end = min(end, s->high);
	if (end <= start || end - start < s->len)
		return 0;
	return s->upwards ? start : end - s->len;
}

/* The best place in front of the VMAs of a subtree: the side where it lies is asked first. */
static unsigned long place_below(const struct p2psim_tree_node *node, const struct search *s)
{
	const struct vm_area_struct *vma = vma_of(node);
	const struct p2psim_tree_node *first, *last;
	unsigned long end, found;

	if (!vma || vma->subtree_max_gap < s->len)
		return 0;
	first = s->upwards ? node->left : node->right;
	last = s->upwards ? node->right : node->left;
	end = vm_start_gap(vma);
	found = s->upwards ? end > s->low : vma->vm_end < s->high;
	if (found)
		found = place_below(first, s);
	if (!found)
		found = place_in(end - vma->gap_before, end, s);
	return found ? found : place_below(last, s);
}

static long find_place(struct mm_struct *mm, const struct search *s)
{
	struct vm_area_struct *last = vma_of(p2psim_tree_last(&mm->mm_vmas));
	unsigned long behind = place_in(last ? last->vm_end : 0, s->high, s), found = s->upwards ? 0 : behind;

	if (!found)
		found = place_below(mm->mm_vmas.root, s);
	if (!found)
		found = behind;
	return found ? (long)found : -ENOMEM;
}

long vma_find_gap(struct mm_struct *mm, unsigned long len, unsigned long low, unsigned long high)
{
	const struct search search = { len, low, high, false };

	return find_place(mm, &search);
}

long vma_find_gap_up(struct mm_struct *mm, unsigned long len, unsigned long low, unsigned long high)
{
	const struct search search = { len, low, high, true };

	return find_place(mm, &search);
}

static bool is_free(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long end)
{
	const struct vm_area_struct *vma;

	if (!addr || len > end || addr > end - len)
		return false;
	vma = vma_find(mm, addr);
	return !vma || addr + len <= vm_start_gap(vma);
}

long get_unmapped_area(struct mm_struct *mm, unsigned long addr, unsigned long len, int flags)
{
	long found;

	if (len > TASK_SIZE)
		return -ENOMEM;
	if (flags & MAP_FIXED) {
		if (addr > TASK_SIZE - len)
			return -ENOMEM;
		return PAGE_ALIGNED(addr) ? (long)addr : -EINVAL;
	}
	addr &= PAGE_MASK;
	if (is_free(mm, addr, len, flags & MAP_32BIT ? HIGH_32BIT : TASK_SIZE))
		return (long)addr;
	if (flags & MAP_32BIT)
		return vma_find_gap_up(mm, len, LOW_32BIT, HIGH_32BIT);
	found = vma_find_gap(mm, len, P2PSIM_MMAP_MIN_ADDR, P2PSIM_MMAP_BASE);
	return is_error(found) ? vma_find_gap_up(mm, len, LOW_BASE, TASK_SIZE) : found;
}
