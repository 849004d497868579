/* SPDX-License-Identifier: MIT */
/*
 * mlock(), mlock2(), munlock(), mlockall(), munlockall(), and the limits of a process.
 *
 * Locking changes vm_flags (mmap_lock W), VMA by VMA up to the first hole; then, with the lock taken anew, the pages are
 * faulted in: copies that this makes are announced (CLEAR), locking itself is not.  VM_SPECIAL VMAs are passed over.
 */
#include <p2psim/linux/mman.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>

#include "vma/internal.h"

#define LOCK_FLAGS (VM_LOCKED | VM_LOCKONFAULT)

/* ---- limits ---- */

void p2psim_process_set_limit(struct p2psim_process *process, enum p2psim_limit limit, uint64_t bytes)
{
	p2psim_process_mm(process)->limits[limit] = bytes;
}

static unsigned long limit_pages(const struct mm_struct *mm, enum p2psim_limit limit)
{
	return mm->limits[limit] == P2PSIM_UNLIMITED ? ULONG_MAX : (unsigned long)(mm->limits[limit] >> PAGE_SHIFT);
}

bool can_lock(const struct mm_struct *mm)
{
	return mm->limits[P2PSIM_LIMIT_MEMLOCK];
}

bool can_lock_pages(const struct mm_struct *mm, unsigned long pages)
{
	return pages + mm->locked_vm <= limit_pages(mm, P2PSIM_LIMIT_MEMLOCK);
}

bool may_expand_vm(const struct mm_struct *mm, unsigned long pages)
{
	return mm->total_vm + pages <= limit_pages(mm, P2PSIM_LIMIT_AS);
}

/* ---- one VMA ---- */

/* VM_LOCKED changes for pages that reclaim may be looking at: it takes no mmap_lock, but asks under the entry's lock. */
static void lock_step(const struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct mm_struct *mm = vma->vm_mm;
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_VMA_WRITE,
		.label = "mlock",
		.access_count = 2,
		.access[0] = { p2psim_object_id(&mm->vmas_obj), true, 0, UINT64_MAX },
		.access[1] = { p2psim_object_id(&mm->obj), false, start >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT },
	};

	if (likely(!p2psim_hot->busy))
		p2psim_hot->steps++;
	else
		p2psim_step_op(&op);
}

static int lock_piece(struct vm_area_struct *vma, struct vm_area_struct **prev, unsigned long start, unsigned long end,
		      unsigned long flags)
{
	unsigned long old_flags = vma->vm_flags;
	int error;

	if (flags == old_flags || old_flags & (VM_SPECIAL | VM_HUGETLB)) {
		*prev = vma;
		return 0;
	}
	error = vma_carve(&vma, prev, start, end, flags);
	if (error)
		return error;
	lock_step(vma, start, end);
	vma->vm_flags = flags;
	if (flags & VM_LOCKED && !(old_flags & VM_LOCKED))
		vma->vm_mm->locked_vm += (end - start) >> PAGE_SHIFT;
	if (!(flags & VM_LOCKED) && old_flags & VM_LOCKED)
		vma->vm_mm->locked_vm -= (end - start) >> PAGE_SHIFT;
	return 0;
}

/* lock: LOCK_FLAGS that the VMAs of the range get, the others go.  -ENOMEM at the first hole: what came before is done. */
static int lock_range(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned long lock)
{
	struct vm_area_struct *vma, *prev = NULL;
	int error = 0;

	if (end < start)
		return -EINVAL;
	while (start < end && !error) {
		vma = (vma_lookup)(mm, start);
		if (!vma)
			return -ENOMEM;
		if (!prev)
			prev = start > vma->vm_start ? vma : p2psim_vma_prev(vma);
		error = lock_piece(vma, &prev, start, min(end, vma->vm_end), (vma->vm_flags & ~LOCK_FLAGS) | lock);
		start = prev->vm_end;
	}
	return error;
}

/* ---- the system calls ---- */

/* Pages of [start, end) that are locked already: locking them again costs nothing. */
static unsigned long locked_pages(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	const struct vm_area_struct *vma;
	unsigned long pages = 0;

	for (vma = vma_find(mm, start); vma && vma->vm_start < end; vma = p2psim_vma_next(vma))
		if (vma->vm_flags & VM_LOCKED)
			pages += (min(end, vma->vm_end) - max(start, vma->vm_start)) >> PAGE_SHIFT;
	return pages;
}

static int lock_within_limit(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned long lock)
{
	unsigned long pages = (end - start) >> PAGE_SHIFT;
	int error = -ENOMEM;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	if (can_lock_pages(mm, pages) || can_lock_pages(mm, pages - locked_pages(mm, start, end)))
		error = lock_range(mm, start, end, lock);
	mmap_write_unlock(mm);
	return error;
}

static int errno_of_posix(int error)
{
	return error == -EFAULT ? -ENOMEM : error == -ENOMEM ? -EAGAIN : error;
}

static int do_mlock(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long lock)
{
	unsigned long start = addr & PAGE_MASK, end = start + PAGE_ALIGN(len + (addr & ~PAGE_MASK));
	int error;

	if (!can_lock(mm))
		return -EPERM;
	error = lock_within_limit(mm, start, end, lock);
	return error ? error : errno_of_posix(populate(mm, start, end, false));
}

int p2psim_mlock2(struct p2psim_process *process, unsigned long addr, unsigned long len, int flags)
{
	unsigned long lock = VM_LOCKED | (flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0);
	struct system_call call;
	int error;

	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	p2psim_enter("mlock(%p, %x)", addr, len);
	system_call_begin(&call, p2psim_process_mm(process));
	error = do_mlock(p2psim_process_mm(process), addr, len, lock);
	system_call_end(&call);
	p2psim_leave("mlock = %e", (uint64_t)(int64_t)error);
	return error;
}

int p2psim_mlock(struct p2psim_process *process, unsigned long addr, unsigned long len)
{
	return p2psim_mlock2(process, addr, len, 0);
}

int p2psim_munlock(struct p2psim_process *process, unsigned long addr, unsigned long len)
{
	unsigned long start = addr & PAGE_MASK, end = start + PAGE_ALIGN(len + (addr & ~PAGE_MASK));
	struct mm_struct *mm = p2psim_process_mm(process);
	int error = -EINTR;

	p2psim_enter("munlock(%p, %x)", addr, len);
	if (!mmap_write_lock_killable(mm)) {
		error = lock_range(mm, start, end, 0);
		mmap_write_unlock(mm);
	}
	p2psim_leave("munlock = %e", (uint64_t)(int64_t)error);
	return error;
}

/* Every VMA there is; those that cannot be cut or merged stay what they are. */
static void lock_all(struct mm_struct *mm, unsigned long lock)
{
	struct vm_area_struct *vma, *prev = NULL;

	for (vma = p2psim_vma_first(mm); vma; vma = p2psim_vma_next(prev))
		lock_piece(vma, &prev, vma->vm_start, vma->vm_end, (vma->vm_flags & ~LOCK_FLAGS) | lock);
}

int p2psim_mlockall(struct p2psim_process *process, int flags)
{
	struct mm_struct *mm = p2psim_process_mm(process);
	unsigned long lock = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
	int error = 0;

	if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!can_lock(mm))
		return -EPERM;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	if (flags & MCL_CURRENT && mm->total_vm > limit_pages(mm, P2PSIM_LIMIT_MEMLOCK))
		error = -ENOMEM;
	if (!error)
		mm->def_flags = flags & MCL_FUTURE ? lock : 0;
	if (!error && flags & MCL_CURRENT)
		lock_all(mm, lock);
	mmap_write_unlock(mm);
	if (!error && flags & MCL_CURRENT)
		populate(mm, 0, TASK_SIZE, true);
	return error;
}

int p2psim_munlockall(struct p2psim_process *process)
{
	struct mm_struct *mm = p2psim_process_mm(process);

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	mm->def_flags = 0;
	lock_all(mm, 0);
	mmap_write_unlock(mm);
	return 0;
}
