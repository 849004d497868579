/* SPDX-License-Identifier: MIT */
/*
 * Split and merge, by the rules of Linux 6.1.
 *
 * Two neighbours become one when their flags are equal (VM_SOFTDIRTY aside) and none is VM_SPECIAL, they map the same file
 * at offsets that continue (anonymous memory has offsets too), neither the grown nor the swallowed one has a close(), and
 * their anon_vmas are the same or one of them has none and the other's is not shared with anybody else.
 *
 * [addr, end) against prev and next (P, N; what is asked for is *):
 *
 *	1  PPP***NNN  a gap, both fit		PPPPPPPPP
 *	2  PPP***     a gap			PPPPPP
 *	3     ***NNN  a gap			NNNNNN
 *	4  PPP***NNN  * is the end of P		PPP NNNNNN	(N grows down into P)
 *	5  PPP***MMM  * is the start of M	PPPPPP MMM
 *	6  PPPMMMNNN  * is all of M, both fit	PPPPPPPPP
 *	7  PPPMMM...  * is all of M		PPPPPP
 *	8  ...MMMNNN  * is all of M		NNNNNN
 */
#include <p2psim/check.h>
#include <p2psim/step.h>

#include "vma/internal.h"

static bool is_single(const struct vm_area_struct *vma)
{
	return !list_empty(&vma->anon_vma_chain) && vma->anon_vma_chain.next == vma->anon_vma_chain.prev;
}

/* `vma` NULL: two VMAs are compared with each other, not with a proposal. */
static bool anon_vma_fits(const struct anon_vma *a, const struct anon_vma *b, const struct vm_area_struct *vma)
{
	if ((!a || !b) && (!vma || is_single(vma)))
		return true;
	return a == b;
}

static bool attributes_fit(const struct vm_area_struct *vma, const struct vma_proposal *p)
{
	if ((vma->vm_flags ^ p->vm_flags) & ~VM_SOFTDIRTY)
		return false;
	return vma->vm_file == p->file && !(vma->vm_ops && vma->vm_ops->close);
}

static bool fits_before(const struct vm_area_struct *next, const struct vma_proposal *p, const struct anon_vma *anon_vma)
{
	return attributes_fit(next, p) && anon_vma_fits(anon_vma, next->anon_vma, next) &&
	       next->vm_pgoff == p->pgoff + ((p->end - p->addr) >> PAGE_SHIFT);
}

static bool fits_after(const struct vm_area_struct *prev, const struct vma_proposal *p, const struct anon_vma *anon_vma)
{
	return attributes_fit(prev, p) && anon_vma_fits(anon_vma, prev->anon_vma, prev) &&
	       prev->vm_pgoff + vma_pages(prev) == p->pgoff;
}

/* The one that grows must reach the pages of the one that shrinks through its own chain.  0 or -ENOMEM. */
static int inherit_anon_vma(struct vm_area_struct *grown, struct vm_area_struct *from)
{
	return from && from->anon_vma && !grown->anon_vma ? anon_vma_clone(grown, from) : 0;
}

/* prev grows up to `end`, over all of mid (may be NULL) and all of next (may be NULL).  Cases 1, 2, 6, 7. */
static struct vm_area_struct *grow_over(struct vm_area_struct *prev, struct vm_area_struct *mid,
					struct vm_area_struct *next, unsigned long end)
{
	const struct vma_change change = { .vma = prev, .start = prev->vm_start, .end = end, .gone = { mid, next } };

	if (p2psim_inject_point() || inherit_anon_vma(prev, mid && mid->anon_vma ? mid : next))
		return NULL;
	vma_change(&change);
	return prev;
}

/* The border between lower and upper, who touch, moves to addr.  Cases 4, 5. */
static struct vm_area_struct *move_border(struct vm_area_struct *lower, struct vm_area_struct *upper, unsigned long addr)
{
	const struct vma_change up = { .vma = lower, .start = lower->vm_start, .end = addr,
				       .shrunk = upper, .shrunk_start = addr, .shrunk_end = upper->vm_end };
	const struct vma_change down = { .vma = upper, .start = addr, .end = upper->vm_end,
					 .shrunk = lower, .shrunk_start = lower->vm_start, .shrunk_end = addr };
	const struct vma_change *change = addr > lower->vm_end ? &up : &down;

	if (p2psim_inject_point() || inherit_anon_vma(change->vma, change->shrunk))
		return NULL;
	split_huge_block(change->shrunk, addr);
	vma_change(change);
	return change->vma;
}

/* next grows down to addr over all of mid (NULL: over free space).  Cases 3, 8. */
static struct vm_area_struct *grow_down(struct vm_area_struct *next, struct vm_area_struct *mid, unsigned long addr)
{
	const struct vma_change change = { .vma = next, .start = addr, .end = next->vm_end, .gone = { mid } };

	if (p2psim_inject_point() || inherit_anon_vma(next, mid))
		return NULL;
	vma_change(&change);
	return next;
}

static struct vm_area_struct *merge_prev(const struct vma_proposal *p, struct vm_area_struct *mid)
{
	if (mid && mid->vm_start < p->end && p->end < mid->vm_end)
		return move_border(p->prev, mid, p->end);				/* 5 */
	if (mid && mid->vm_start >= p->end)
		mid = NULL;
	return grow_over(p->prev, mid, NULL, p->end);					/* 2, 7 */
}

static struct vm_area_struct *merge_next(const struct vma_proposal *p, struct vm_area_struct *mid,
					 struct vm_area_struct *next)
{
	if (p->prev && p->addr < p->prev->vm_end)
		return move_border(p->prev, next, p->addr);				/* 4 */
	return grow_down(next, mid == next ? NULL : mid, p->addr);			/* 3, 8 */
}

struct vm_area_struct *vma_merge(const struct vma_proposal *p)
{
	struct vm_area_struct *mid, *next;
	bool with_prev, with_next;

	if (p->vm_flags & VM_SPECIAL)
		return NULL;
	mid = vma_find(p->mm, p->prev ? p->prev->vm_end : 0);
	next = mid;
	if (next && next->vm_end == p->end)
		next = p2psim_vma_next(next);
	with_prev = p->prev && p->prev->vm_end == p->addr && fits_after(p->prev, p, p->anon_vma);
	with_next = next && p->end == next->vm_start && fits_before(next, p, p->anon_vma);
	if (with_prev && with_next && anon_vma_fits(p->prev->anon_vma, next->anon_vma, NULL))
		return grow_over(p->prev, mid == next ? NULL : mid, next, next->vm_end);	/* 1, 6 */
	if (with_prev)
		return merge_prev(p, mid);
	return with_next ? merge_next(p, mid, next) : NULL;
}

struct vm_area_struct *vma_merge_new(const struct vma_proposal *p, struct vm_area_struct *next)
{
	struct vm_area_struct *prev = p->prev;
	bool with_next, with_prev;

	if (p->vm_flags & VM_SPECIAL)
		return NULL;
	with_next = next && next->vm_start == p->end && fits_before(next, p, NULL);
	with_prev = prev && prev->vm_end == p->addr && fits_after(prev, p, with_next ? next->anon_vma : NULL);
	if (with_prev)
		return grow_over(prev, NULL, with_next ? next : NULL, with_next ? next->vm_end : p->end);
	return with_next ? grow_down(next, NULL, p->addr) : NULL;
}

static int may_split(struct vm_area_struct *vma, unsigned long addr)
{
	if (vma->vm_flags & VM_HUGETLB && addr & ~PMD_MASK)
		return -EINVAL;
	return vma->vm_ops && vma->vm_ops->may_split ? vma->vm_ops->may_split(vma, addr) : 0;
}

/* Where the new VMA of a cut lies; both know their offsets. */
static void take_part(struct vm_area_struct *fresh, unsigned long addr, bool below)
{
	if (below) {
		fresh->vm_end = addr;
		return;
	}
	fresh->vm_pgoff = linear_page_index(fresh, addr);
	fresh->vm_start = addr;
}

int vma_copy_opened(struct vm_area_struct *copy, struct vm_area_struct *from)
{
	if (anon_vma_clone(copy, from)) {
		kfree(copy);
		return -ENOMEM;
	}
	if (copy->vm_file)
		get_file(copy->vm_file);
	if (copy->vm_ops && copy->vm_ops->open)
		copy->vm_ops->open(copy);
	if (!p2psim_inject_point()) /* the kernel's node of its tree */
		return 0;
	copy->vm_start = copy->vm_end; /* what close() sees is empty */
	vma_close(copy);
	vm_area_free(copy);
	return -ENOMEM;
}

int __split_vma(struct vm_area_struct *vma, unsigned long addr, bool new_below)
{
	struct vma_change change = { .vma = vma, .start = vma->vm_start, .end = vma->vm_end };
	int error = may_split(vma, addr);

	if (error)
		return error;
	change.fresh = vm_area_dup(vma);
	if (!change.fresh)
		return -ENOMEM;
	take_part(change.fresh, addr, new_below);
	error = vma_copy_opened(change.fresh, vma);
	if (error)
		return error;
	split_huge_block(vma, addr);
	if (new_below)
		change.start = addr;
	else
		change.end = addr;
	vma_change(&change);
	return 0;
}

int split_vma(struct vm_area_struct *vma, unsigned long addr, bool new_below)
{
	if (vma->vm_mm->map_count >= (int)max_map_count())
		return -ENOMEM;
	return __split_vma(vma, addr, new_below);
}

int vma_carve(struct vm_area_struct **vma, struct vm_area_struct **prev, unsigned long start, unsigned long end,
	      unsigned long new_flags)
{
	struct vm_area_struct *whole = *vma;
	struct vma_proposal p = { whole->vm_mm, *prev, start, end, new_flags, whole->anon_vma, whole->vm_file,
				  linear_page_index(whole, start) };
	struct vm_area_struct *merged = vma_merge(&p);
	int error = 0;

	*prev = *vma = merged ? merged : whole;
	if (merged)
		return 0;
	if (start != whole->vm_start)
		error = split_vma(whole, start, true);
	if (!error && end != whole->vm_end)
		error = split_vma(whole, end, false);
	return error;
}
