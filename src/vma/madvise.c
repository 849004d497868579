/* SPDX-License-Identifier: MIT */
/*
 * madvise(): VMA by VMA, in ascending order.  Holes are stepped over and told at the end (-ENOMEM).
 *
 *	advice that changes vm_flags	mmap_lock W; cuts and merges, as mprotect() does.  No event of its own.
 *	the rest			mmap_lock R; works on pages (madvise_pages.c)
 *
 * Left out: HWPOISON and SOFT_OFFLINE, names of anonymous VMAs.
 */
#include <p2psim/linux/mman.h>
#include <p2psim/linux/sched.h>
#include <p2psim/step.h>
#include <p2psim/tmpfs.h>
#include <p2psim/trace.h>

#include "vma/huge.h"
#include "vma/internal.h"
#include "vma/shmem.h"

/* What an advice is called, and what it does to vm_flags; both masks 0: it works on pages. */
static const struct advice {
	int number;
	const char *name;
	unsigned long clears, sets;
} advices[] = {
	{ MADV_DONTNEED, "DONTNEED", 0, 0 },
	{ MADV_NORMAL, "NORMAL", VM_RAND_READ | VM_SEQ_READ, 0 },
	{ MADV_RANDOM, "RANDOM", VM_SEQ_READ, VM_RAND_READ },
	{ MADV_SEQUENTIAL, "SEQUENTIAL", VM_RAND_READ, VM_SEQ_READ },
	{ MADV_WILLNEED, "WILLNEED", 0, 0 },
	{ MADV_FREE, "FREE", 0, 0 },
	{ MADV_REMOVE, "REMOVE", 0, 0 },
	{ MADV_DONTFORK, "DONTFORK", 0, VM_DONTCOPY },
	{ MADV_DOFORK, "DOFORK", VM_DONTCOPY, 0 },
	{ MADV_MERGEABLE, "MERGEABLE", 0, VM_MERGEABLE },
	{ MADV_UNMERGEABLE, "UNMERGEABLE", VM_MERGEABLE, 0 },
	{ MADV_HUGEPAGE, "HUGEPAGE", VM_NOHUGEPAGE, VM_HUGEPAGE },
	{ MADV_NOHUGEPAGE, "NOHUGEPAGE", VM_HUGEPAGE, VM_NOHUGEPAGE },
	{ MADV_DONTDUMP, "DONTDUMP", 0, VM_DONTDUMP },
	{ MADV_DODUMP, "DODUMP", VM_DONTDUMP, 0 },
	{ MADV_WIPEONFORK, "WIPEONFORK", 0, VM_WIPEONFORK },
	{ MADV_KEEPONFORK, "KEEPONFORK", VM_WIPEONFORK, 0 },
	{ MADV_COLD, "COLD", 0, 0 },
	{ MADV_PAGEOUT, "PAGEOUT", 0, 0 },
	{ MADV_POPULATE_READ, "POPULATE_READ", 0, 0 },
	{ MADV_POPULATE_WRITE, "POPULATE_WRITE", 0, 0 },
	{ MADV_DONTNEED_LOCKED, "DONTNEED_LOCKED", 0, 0 },
	{ MADV_COLLAPSE, "COLLAPSE", 0, 0 },
};

static const struct advice *advice_of(int number)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(advices); i++)
		if (advices[i].number == number)
			return &advices[i];
	return NULL;
}

static bool changes_flags(const struct advice *advice)
{
	return advice->clears | advice->sets;
}

/* ---- advice that changes vm_flags ---- */

/* KSM passes over what it cannot merge, without a word. */
static bool is_never_mergeable(unsigned long flags)
{
	return flags & (VM_SHARED | VM_MAYSHARE | VM_HUGETLB | VM_SPECIAL);
}

static bool is_refused(const struct vm_area_struct *vma, int advice)
{
	switch (advice) {
	case MADV_DOFORK:
		return vma->vm_flags & VM_IO;
	case MADV_WIPEONFORK:
		return vma->vm_file || vma->vm_flags & VM_SHARED;
	case MADV_DODUMP:
		return vma->vm_flags & VM_SPECIAL && !(vma->vm_flags & VM_HUGETLB);
	default:
		return false;
	}
}

int ksm_unmerge(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	vm_fault_t fault;
	pte_t pte;

	if (!(vma->vm_flags & VM_MERGEABLE) || !vma->anon_vma)
		return 0;
	for (; start < end; start += PAGE_SIZE) {
		pte = p2psim_pte_read(vma->vm_mm, start);
		if (!pte_present(pte) || pte_special(pte) || !(pfn_to_page(pte_pfn(pte))->flags & 1UL << PG_ksm))
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		fault = (handle_mm_fault)(vma, start, FAULT_FLAG_WRITE | FAULT_FLAG_REMOTE, NULL);
		if (fault & VM_FAULT_OOM)
			return -ENOMEM;
	}
	return 0;
}

static int advise_flags(struct vm_area_struct *vma, struct vm_area_struct **prev, unsigned long start, unsigned long end,
			const struct advice *advice)
{
	unsigned long flags = (vma->vm_flags & ~advice->clears) | advice->sets;
	int error = is_refused(vma, advice->number) ? -EINVAL : 0;

	if (advice->number == MADV_MERGEABLE && is_never_mergeable(vma->vm_flags))
		flags = vma->vm_flags;
	if (!error && advice->number == MADV_UNMERGEABLE)
		error = ksm_unmerge(vma, start, end);
	if (!error && flags == vma->vm_flags) {
		*prev = vma;
		return 0;
	}
	if (!error)
		error = vma_carve(&vma, prev, start, end, flags);
	if (error)
		return error == -ENOMEM ? -EAGAIN : error;
	vma_write_step(vma->vm_mm, "madvise");
	vma->vm_flags = flags;
	return 0;
}

/* ---- the walk ---- */

/* A hole in the file behind the range: without mmap_lock, so that nothing is known of the VMAs afterwards (*prev NULL). */
static int remove_range(struct vm_area_struct *vma, struct vm_area_struct **prev, unsigned long start, unsigned long end)
{
	u64 offset = (start - vma->vm_start) + ((u64)vma->vm_pgoff << PAGE_SHIFT);
	struct mm_struct *mm = vma->vm_mm;
	struct file *file;
	int error;

	*prev = NULL;
	if (vma->vm_flags & VM_LOCKED || !vma->vm_file)
		return -EINVAL;
	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
		return -EACCES;
	file = get_file(vma->vm_file);
	mmap_read_unlock(mm);
	error = file_is_shmem(file) ? p2psim_file_punch_hole(file, offset, end - start) : -ENODEV;
	fput(file);
	mmap_read_lock(mm);
	return error;
}

static int advise_piece(struct vm_area_struct *vma, struct vm_area_struct **prev, unsigned long start, unsigned long end,
			const struct advice *advice)
{
	if (changes_flags(advice))
		return advise_flags(vma, prev, start, end, advice);
	if (advice->number == MADV_REMOVE)
		return remove_range(vma, prev, start, end);
	if (advice->number == MADV_COLLAPSE) {
		*prev = NULL; /* mmap_lock was dropped */
		return madvise_collapse(vma, start, end);
	}
	*prev = vma;
	return madvise_pages(vma, start, end, advice->number);
}

static int walk_vmas(struct mm_struct *mm, unsigned long start, unsigned long end, const struct advice *advice)
{
	struct vm_area_struct *vma, *prev = NULL;
	unsigned long next;
	int error, holes = 0;

	while (start < end) {
		vma = (find_vma)(mm, start);
		if (!vma || vma->vm_start >= end)
			return -ENOMEM;
		if (vma->vm_start > start) {
			holes = -ENOMEM;
			start = vma->vm_start;
		}
		if (!prev)
			prev = start > vma->vm_start ? vma : p2psim_vma_prev(vma);
		next = min(end, vma->vm_end);
		error = advise_piece(vma, &prev, start, next, advice);
		if (error)
			return error;
		start = max(next, prev ? prev->vm_end : 0); /* it may have merged with what comes next */
	}
	return holes;
}

static int locked_madvise(struct mm_struct *mm, unsigned long start, unsigned long end, const struct advice *advice)
{
	int error;

	if (changes_flags(advice)) {
		if (mmap_write_lock_killable(mm))
			return -EINTR;
		error = walk_vmas(mm, start, end, advice);
		mmap_write_unlock(mm);
		return error;
	}
	mmap_read_lock(mm);
	error = walk_vmas(mm, start, end, advice);
	mmap_read_unlock(mm);
	return error;
}

int p2psim_madvise(struct p2psim_process *process, unsigned long addr, unsigned long len, int advice)
{
	const struct advice *known = advice_of(advice);
	struct mm_struct *mm = p2psim_process_mm(process);
	unsigned long end = addr + PAGE_ALIGN(len);
	struct system_call call;
	int error;

	if (!known || !PAGE_ALIGNED(addr) || (len && !PAGE_ALIGN(len)) || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	p2psim_enter("madvise(%p, %x, %s)", addr, len, P2PSIM_STR(known->name));
	system_call_begin(&call, mm);
	error = locked_madvise(mm, addr, end, known);
	system_call_end(&call);
	p2psim_leave("madvise = %e", (uint64_t)(int64_t)error);
	return error;
}
