/* SPDX-License-Identifier: MIT */
/*
 * mremap(): shrink, grow in place, move.
 *
 * A move says UNMAP of the old range twice, and nothing at the destination (unless something was mapped there):
 *
 *	copy_vma()		merges into a neighbour, or open(new)
 *	UNMAP(old)		entries move; importers let go of the old address
 *	->mremap(new)		may refuse: everything goes back
 *	UNMAP(old)		by the unmap of the old VMA, close(old)
 */
#include <p2psim/check.h>
#include <p2psim/linux/mman.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/internal.h"
#include "vma/vma_map_internal.h"

struct move {
	struct mm_struct *mm;
	unsigned long old_addr, old_len, new_addr, new_len;
	int flags;
};

/* May the VMA get so many more pages? */
static int check_growth(const struct vm_area_struct *vma, unsigned long pages)
{
	if (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP))
		return -EFAULT;
	if (vma->vm_flags & VM_LOCKED && !can_lock_pages(vma->vm_mm, pages))
		return -EAGAIN;
	return may_expand_vm(vma->vm_mm, pages) ? 0 : -ENOMEM;
}

/* May [addr, addr + old_len) become new_len long?  The VMA, or NULL with *error. */
static struct vm_area_struct *vma_to_resize(const struct move *m, int *error)
{
	struct vm_area_struct *vma = vma_find(m->mm, m->old_addr);
	pgoff_t pgoff;

	*error = -EFAULT;
	if (!vma || vma->vm_start > m->old_addr)
		return NULL;
	*error = -EINVAL;
	if (!m->old_len && !(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)))
		return NULL;
	if (m->flags & MREMAP_DONTUNMAP && vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP))
		return NULL;
	*error = -EFAULT;
	if (m->old_len > vma->vm_end - m->old_addr)
		return NULL;
	*error = 0;
	if (m->new_len == m->old_len)
		return vma;
	pgoff = linear_page_index(vma, m->old_addr);
	*error = -EINVAL;
	if (pgoff + (m->new_len >> PAGE_SHIFT) < pgoff)
		return NULL;
	*error = check_growth(vma, (m->new_len - m->old_len) >> PAGE_SHIFT);
	return *error ? NULL : vma;
}

/*
 * A VMA at the destination that maps what `*vmap` maps: a neighbour that grew, or a new one.  keep_source
 * (MREMAP_DONTUNMAP): one that was never touched does not grow into its own destination (recorded on 6.1.192).
 */
static struct vm_area_struct *copy_vma(struct vm_area_struct **vmap, unsigned long addr, unsigned long len, pgoff_t pgoff,
				       bool keep_source)
{
	struct vm_area_struct *vma = *vmap, *prev = vma_find_prev(vma->vm_mm, addr), *copy;
	const bool untouched = vma_is_anonymous(vma) && !vma->anon_vma;
	const bool adjacent = addr == vma->vm_end || addr + len == vma->vm_start;
	unsigned long old_start = vma->vm_start;
	struct vma_proposal p;

	if (untouched)
		pgoff = addr >> PAGE_SHIFT;
	copy = vma_find(vma->vm_mm, addr);
	if (copy && copy->vm_start < addr + len)
		return NULL;
	p = (struct vma_proposal){ vma->vm_mm, prev, addr, addr + len, vma->vm_flags, vma->anon_vma, vma->vm_file, pgoff };
	copy = untouched && keep_source && adjacent ? NULL : vma_merge(&p);
	if (copy) {
		if (old_start >= copy->vm_start && old_start < copy->vm_end)
			*vmap = copy; /* source and destination are one now */
		return copy;
	}
	copy = vm_area_dup(vma);
	if (!copy)
		return NULL;
	copy->vm_start = addr;
	copy->vm_end = addr + len;
	copy->vm_pgoff = pgoff;
	if (vma_copy_opened(copy, vma))
		return NULL;
	vma_link(copy->vm_mm, copy);
	return copy;
}

static int ask_may_split(struct vm_area_struct *vma, const struct move *m)
{
	int (*may_split)(struct vm_area_struct *, unsigned long) = vma->vm_ops ? vma->vm_ops->may_split : NULL;
	int error = 0;

	if (may_split && vma->vm_start != m->old_addr)
		error = may_split(vma, m->old_addr);
	if (may_split && !error && vma->vm_end != m->old_addr + m->old_len)
		error = may_split(vma, m->old_addr + m->old_len);
	return error;
}

/* Entries to the new place, then the driver's word.  0, or everything is back and the new range is to go. */
static int move_contents(struct vm_area_struct *vma, struct vm_area_struct *fresh, const struct move *m)
{
	unsigned long moved = move_page_tables(vma, m->old_addr, fresh, m->new_addr, m->old_len);
	int error = moved < m->old_len ? -ENOMEM : 0;

	if (!error && vma->vm_ops && vma->vm_ops->mremap)
		error = vma->vm_ops->mremap(fresh);
	if (error)
		move_page_tables(fresh, m->new_addr, vma, m->old_addr, moved);
	else
		p2psim_vma_map_move(vma, fresh, m->old_addr, m->new_addr, m->old_len);
	return error;
}

/*
 * The old range goes; its charge went to the new one, so VM_ACCOUNT is hidden meanwhile and comes back on what is left of
 * the VMA: its ends, or, without memory to cut it, all of it (mapped, and empty).
 */
static void unmap_old(struct vm_area_struct *vma, struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	unsigned long start = vma->vm_start, end = vma->vm_end;
	bool accounted = vma->vm_flags & VM_ACCOUNT;

	vma->vm_flags &= ~VM_ACCOUNT;
	do_munmap(mm, addr, len, NULL);
	for (vma = vma_find(mm, start); accounted && vma && vma->vm_start < end; vma = p2psim_vma_next(vma))
		vma->vm_flags |= VM_ACCOUNT;
}

/*
 * MREMAP_DONTUNMAP: the old range will not be locked any more.  A locked VMA is cut for that, before the new one is made
 * (recorded: random/002; random/224 shows the order in the reverse map); without memory for the cut all of it is unlocked.
 */
static void cut_locked(struct vm_area_struct *vma, const struct move *m)
{
	unsigned long end = m->old_addr + m->old_len;

	if (!(vma->vm_flags & VM_LOCKED))
		return;
	if (vma->vm_start < m->old_addr)
		split_vma(vma, m->old_addr, true);
	if (vma->vm_end > end)
		split_vma(vma, end, false);
}

/* The old range stays, empty. */
static void empty_old(struct vm_area_struct *vma, const struct vm_area_struct *fresh, const struct move *m)
{
	unsigned long end = m->old_addr + m->old_len;

	m->mm->locked_vm -= vma->vm_flags & VM_LOCKED ? vma_pages(vma) : 0;
	vma->vm_flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
	if (fresh != vma && vma->vm_start == m->old_addr && vma->vm_end == end)
		unlink_anon_vmas(vma);
}

static long move_vma(struct vm_area_struct *vma, const struct move *m)
{
	struct vm_area_struct *fresh;
	int error;

	if (m->mm->map_count >= (int)max_map_count() - 3)
		return -ENOMEM;
	error = ask_may_split(vma, m);
	if (!error)
		error = ksm_unmerge(vma, m->old_addr, m->old_addr + m->old_len);
	if (error)
		return error;
	if (m->flags & MREMAP_DONTUNMAP)
		cut_locked(vma, m);
	fresh = copy_vma(&vma, m->new_addr, m->new_len, linear_page_index(vma, m->old_addr),
			 m->flags & MREMAP_DONTUNMAP);
	if (!fresh)
		return -ENOMEM;
	m->mm->locked_vm += fresh->vm_flags & VM_LOCKED ? m->new_len >> PAGE_SHIFT : 0;
	error = move_contents(vma, fresh, m);
	if (error) {
		unmap_old(fresh, m->mm, m->new_addr, m->new_len);
		return error;
	}
	if (!(m->flags & MREMAP_DONTUNMAP)) {
		unmap_old(vma, m->mm, m->old_addr, m->old_len);
		return (long)m->new_addr;
	}
	empty_old(vma, fresh, m);
	return (long)m->new_addr;
}

static long mremap_to(struct move *m)
{
	struct vm_area_struct *vma;
	int error;
	long addr;

	if (!PAGE_ALIGNED(m->new_addr) || m->new_len > TASK_SIZE || m->new_addr > TASK_SIZE - m->new_len)
		return -EINVAL;
	if (m->old_addr + m->old_len > m->new_addr && m->new_addr + m->new_len > m->old_addr)
		return -EINVAL;
	if (m->mm->map_count + 2 >= (int)max_map_count() - 3)
		return -ENOMEM;
	if (m->flags & MREMAP_FIXED) {
		error = do_munmap(m->mm, m->new_addr, m->new_len, NULL);
		if (error)
			return error;
	}
	if (m->old_len > m->new_len) {
		error = do_munmap(m->mm, m->old_addr + m->new_len, m->old_len - m->new_len, NULL);
		if (error)
			return error;
		m->old_len = m->new_len;
	}
	vma = vma_to_resize(m, &error);
	if (!vma)
		return error;
	if (m->flags & MREMAP_DONTUNMAP && !may_expand_vm(m->mm, m->old_len >> PAGE_SHIFT))
		return -ENOMEM;
	addr = get_unmapped_area(m->mm, m->new_addr, m->new_len, m->flags & MREMAP_FIXED ? MAP_FIXED : 0);
	if (is_error(addr))
		return addr;
	m->new_addr = (unsigned long)addr;
	return move_vma(vma, m);
}

static bool is_expandable(struct vm_area_struct *vma, unsigned long by)
{
	const struct vm_area_struct *next = p2psim_vma_next(vma);
	unsigned long end = vma->vm_end + by;

	return end >= vma->vm_end && (!next || next->vm_start >= end) && end <= TASK_SIZE;
}

/* The address, or -ENOMEM. */
static long grow_in_place(struct vm_area_struct *vma, const struct move *m)
{
	struct vma_proposal p = { m->mm, vma, m->old_addr + m->old_len, m->old_addr + m->new_len, vma->vm_flags, vma->anon_vma,
				  vma->vm_file, linear_page_index(vma, m->old_addr + m->old_len) };
	const struct vma_change change = { .vma = vma, .start = vma->vm_start, .end = m->old_addr + m->new_len };

	bool has_close = vma->vm_ops && vma->vm_ops->close;

	if (has_close ? p2psim_inject_point() : !vma_merge(&p))
		return -ENOMEM;
	if (has_close)
		vma_change(&change);
	m->mm->locked_vm += p.vm_flags & VM_LOCKED ? (m->new_len - m->old_len) >> PAGE_SHIFT : 0;
	return (long)m->old_addr;
}

static long grow(struct move *m)
{
	struct vm_area_struct *vma;
	int error;
	long addr;

	vma = vma_to_resize(m, &error);
	if (!vma)
		return error;
	if (m->old_len == vma->vm_end - m->old_addr && is_expandable(vma, m->new_len - m->old_len))
		return grow_in_place(vma, m);
	if (!(m->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	addr = get_unmapped_area(m->mm, 0, m->new_len, 0);
	if (is_error(addr))
		return addr;
	m->new_addr = (unsigned long)addr;
	return move_vma(vma, m);
}

static long do_mremap(struct move *m, bool *downgraded)
{
	struct vm_area_struct *vma = (vma_lookup)(m->mm, m->old_addr);
	int error;

	if (!vma)
		return -EFAULT;
	if (m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return mremap_to(m);
	if (m->old_len < m->new_len)
		return grow(m);
	error = do_munmap(m->mm, m->old_addr + m->new_len, m->old_len - m->new_len, downgraded);
	return error && m->old_len != m->new_len ? error : (long)m->old_addr;
}

static bool flags_are_valid(const struct move *m)
{
	if (m->flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
		return false;
	if (m->flags & MREMAP_FIXED && !(m->flags & MREMAP_MAYMOVE))
		return false;
	return !(m->flags & MREMAP_DONTUNMAP) || (m->flags & MREMAP_MAYMOVE && m->old_len == m->new_len);
}

static long locked_mremap(struct move *m)
{
	bool downgraded = false, wants_pages = false;
	struct vm_area_struct *vma;
	long ret;

	if (mmap_write_lock_killable(m->mm))
		return -EINTR;
	ret = do_mremap(m, &downgraded);
	if (!is_error(ret) && m->new_len > m->old_len) {
		vma = vma_find(m->mm, (unsigned long)ret);
		wants_pages = vma && vma->vm_flags & VM_LOCKED;
	}
	if (downgraded)
		mmap_read_unlock(m->mm);
	else
		mmap_write_unlock(m->mm);
	if (wants_pages)
		populate(m->mm, (unsigned long)ret + m->old_len, (unsigned long)ret + m->new_len, true);
	return ret;
}

long p2psim_mremap(struct p2psim_process *process, unsigned long addr, unsigned long old_len, unsigned long new_len,
		   int flags, unsigned long new_addr)
{
	struct move m = { p2psim_process_mm(process), addr, old_len, new_addr, new_len, flags };
	struct system_call call;
	long ret;

	if (!flags_are_valid(&m) || !PAGE_ALIGNED(addr))
		return -EINVAL;
	m.old_len = PAGE_ALIGN(old_len);
	m.new_len = PAGE_ALIGN(new_len);
	if (!m.new_len)
		return -EINVAL;
	p2psim_enter("mremap(%p, %x, %x)", addr, old_len, new_len);
	system_call_begin(&call, m.mm);
	ret = locked_mremap(&m);
	system_call_end(&call);
	if (is_error(ret))
		p2psim_leave("mremap = %e", (uint64_t)ret);
	else
		p2psim_leave("mremap = %p", (uint64_t)ret);
	return ret;
}
