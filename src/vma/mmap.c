/* SPDX-License-Identifier: MIT */
/*
 * mmap(): the checks in the order of Linux 6.1, and the making of a VMA.
 *
 *	checks				nothing is changed yet
 *	munmap of what is there		(MAP_FIXED) gone even if the rest fails
 *	merge with a neighbour		then ->mmap() is not called
 *	->mmap()			may change flags, ops, private data
 *	merge again			if it has changed the flags
 *	into the tree
 *
 * Left out so far: huge pages of a pool (the pool is empty), overcommit, the lowest address that an unprivileged process may map.
 */
#include <p2psim/check.h>
#include <p2psim/linux/mman.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>
#include <p2psim/world.h>

#include "vma/internal.h"
#include "vma/shmem.h"

/* The page sizes that MAP_HUGETLB may name. */
#define HUGE_SHIFT 26
#define HUGE_2M (21 << HUGE_SHIFT)
#define HUGE_1G (30 << HUGE_SHIFT)

#define LEGACY_MAP_MASK                                                                                                \
	(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_GROWSDOWN |       \
	 MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | HUGE_2M | HUGE_1G)

/* One request on its way through the checks. */
struct request {
	struct mm_struct *mm;
	unsigned long addr, len;
	int prot, flags;
	struct file *file;
	pgoff_t pgoff;
	unsigned long vm_flags;
};

unsigned int max_map_count(void)
{
	return p2psim_world_config(p2psim_world_current())->max_map_count;
}

static unsigned long vm_flags_of(int prot, int flags)
{
	unsigned long vm_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

	vm_flags |= prot & PROT_READ ? VM_READ : 0;
	vm_flags |= prot & PROT_WRITE ? VM_WRITE : 0;
	vm_flags |= prot & PROT_EXEC ? VM_EXEC : 0;
	vm_flags |= flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0;
	vm_flags |= flags & MAP_LOCKED ? VM_LOCKED : 0;
	vm_flags |= flags & MAP_HUGETLB ? VM_HUGETLB | VM_DONTEXPAND : 0;
	return vm_flags | (flags & MAP_NORESERVE ? VM_NORESERVE : 0);
}

static int check_shared_file(struct request *r)
{
	if (r->prot & PROT_WRITE && !(r->file->f_mode & FMODE_WRITE))
		return -EACCES;
	r->vm_flags |= VM_SHARED | VM_MAYSHARE;
	if (!(r->file->f_mode & FMODE_WRITE))
		r->vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
	return 0;
}

static int check_file(struct request *r)
{
	unsigned long most = file_is_shmem(r->file) ? LLONG_MAX : ULONG_MAX; /* bytes; a device has no end */
	int error = 0;

	if (r->len > most || r->pgoff > (most - r->len) >> PAGE_SHIFT)
		return -EOVERFLOW;
	switch (r->flags & MAP_TYPE) {
	case MAP_SHARED:
		r->flags &= LEGACY_MAP_MASK;
		error = check_shared_file(r);
		break;
	case MAP_SHARED_VALIDATE:
		if (r->flags & ~LEGACY_MAP_MASK)
			return -EOPNOTSUPP;
		error = check_shared_file(r);
		break;
	case MAP_PRIVATE:
		break;
	default:
		return -EINVAL;
	}
	if (error)
		return error;
	if (!(r->file->f_mode & FMODE_READ))
		return -EACCES;
	if (!r->file->f_op->mmap)
		return -ENODEV;
	return r->vm_flags & VM_GROWSDOWN ? -EINVAL : 0;
}

static int check_anonymous(struct request *r)
{
	switch (r->flags & MAP_TYPE) {
	case MAP_SHARED:
		if (r->vm_flags & VM_GROWSDOWN)
			return -EINVAL;
		r->pgoff = 0;
		r->vm_flags |= VM_SHARED | VM_MAYSHARE;
		return 0;
	case MAP_PRIVATE:
		r->pgoff = r->addr >> PAGE_SHIFT;
		return 0;
	default:
		return -EINVAL;
	}
}

static long find_place(const struct request *r)
{
	if (r->flags & MAP_HUGETLB)
		return hugetlb_get_unmapped_area(r->mm, r->addr, r->len, r->flags);
	return get_unmapped_area(r->mm, r->addr, r->len, r->flags);
}

/* All checks before anything is changed; fills in addr and vm_flags. */
static int check_request(struct request *r)
{
	long addr;

	if (!r->len)
		return -EINVAL;
	if (r->flags & MAP_FIXED_NOREPLACE)
		r->flags |= MAP_FIXED;
	if (!(r->flags & MAP_FIXED) && r->addr & PAGE_MASK)
		r->addr = max(r->addr & PAGE_MASK, P2PSIM_MMAP_MIN_ADDR);
	r->len = r->flags & MAP_HUGETLB ? ALIGN(r->len, PMD_SIZE) : PAGE_ALIGN(r->len);
	if (!r->len)
		return -ENOMEM;
	if (r->pgoff + (r->len >> PAGE_SHIFT) < r->pgoff)
		return -EOVERFLOW;
	if (r->mm->map_count > (int)max_map_count())
		return -ENOMEM;
	addr = find_place(r);
	if (is_error(addr))
		return (int)addr;
	r->addr = (unsigned long)addr;
	if (r->flags & MAP_FIXED_NOREPLACE && (find_vma_intersection)(r->mm, r->addr, r->addr + r->len))
		return -EEXIST;
	r->vm_flags = vm_flags_of(r->prot, r->flags) | r->mm->def_flags;
	if (r->flags & MAP_LOCKED && !can_lock(r->mm))
		return -EPERM;
	if (r->vm_flags & VM_LOCKED && !can_lock_pages(r->mm, r->len >> PAGE_SHIFT))
		return -EAGAIN;
	return r->file ? check_file(r) : check_anonymous(r);
}

/* ->mmap() has failed: nobody but us knows the VMA; what it mapped is unmapped. */
static void undo_mmap_file(struct vm_area_struct *vma)
{
	struct vm_area_struct *prev = vma_find_prev(vma->vm_mm, vma->vm_start);
	struct vm_area_struct *next = vma_find(vma->vm_mm, vma->vm_start);
	struct mmu_notifier_range range;

	vma_drop_ops(vma);
	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, vma, vma->vm_mm, vma->vm_start, vma->vm_end);
	mmu_notifier_invalidate_range_start(&range);
	zap_range(vma, vma->vm_start, vma->vm_end, true);
	mmu_notifier_invalidate_range_end(&range);
	free_pgtables(vma->vm_mm, vma->vm_start, vma->vm_end, prev ? prev->vm_end : 0, next ? next->vm_start : 1UL << 48);
}

static int call_mmap(struct vm_area_struct *vma)
{
	unsigned long start = vma->vm_start;
	int error;

	p2psim_step_on(P2PSIM_STEP_CB_ENTER, 0, false, "vma:mmap");
	error = vma->vm_file->f_op->mmap(vma->vm_file, vma);
	p2psim_step_on(P2PSIM_STEP_CB_EXIT, 0, false, "vma:mmap-done");
	if (!error && vma->vm_start != start)
		p2psim_violate(P2PSIM_CONTRACT, 0, vma->vm_mm->obj.id, 0, "%s: ->mmap() moved the VMA", vma->vm_file->obj.name);
	return error;
}

/* A device file may have set flags; a VMA that can still merge does so now, and the new one is not needed. */
static struct vm_area_struct *merge_after_mmap(struct vm_area_struct *vma, struct vm_area_struct *prev,
					       unsigned long asked_flags)
{
	struct vma_proposal p = { vma->vm_mm, prev, vma->vm_start, vma->vm_end, vma->vm_flags, NULL, vma->vm_file,
				  vma->vm_pgoff };

	return prev && vma->vm_flags != asked_flags ? vma_merge(&p) : NULL;
}

static struct vm_area_struct *new_vma(struct request *r)
{
	struct vm_area_struct *vma = vm_area_alloc(r->mm);

	if (!vma)
		return NULL;
	vma->vm_start = r->addr;
	vma->vm_end = r->addr + r->len;
	vma->vm_flags = r->vm_flags;
	vma->vm_page_prot = vm_get_page_prot(r->vm_flags);
	vma->vm_pgoff = r->pgoff;
	if (r->file)
		vma->vm_file = get_file(r->file);
	else
		vma->vm_ops = NULL;
	return vma;
}

/* Makes the VMA that nobody could grow into.  0 or -errno. */
static int map_new_vma(struct request *r, struct vm_area_struct *prev)
{
	struct vm_area_struct *vma = new_vma(r);
	int error;

	if (!vma)
		return -ENOMEM;
	error = r->file ? call_mmap(vma) : r->vm_flags & VM_SHARED ? shmem_zero_setup(vma) : 0;
	if (error)
		goto undo;
	if (r->file && merge_after_mmap(vma, prev, r->vm_flags)) {
		r->mm->locked_vm += vma->vm_flags & VM_LOCKED ? r->len >> PAGE_SHIFT : 0;
		vm_area_free(vma);
		return 0;
	}
	if (p2psim_inject_point()) { /* the kernel's node of its tree */
		vma_close(vma);
		error = -ENOMEM;
		goto undo;
	}
	if (vma->vm_flags & VM_SPECIAL)
		vma->vm_flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
	r->mm->locked_vm += vma->vm_flags & VM_LOCKED ? r->len >> PAGE_SHIFT : 0;
	vma->vm_flags |= VM_SOFTDIRTY;
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	vma_link(r->mm, vma);
	return 0;
undo:
	if (r->file)
		undo_mmap_file(vma);
	vm_area_free(vma);
	return error;
}

/* RLIMIT_AS: pages that MAP_FIXED is about to unmap do not count. */
static bool may_map(struct request *r)
{
	unsigned long end = r->addr + r->len, pages = r->len >> PAGE_SHIFT;
	const struct vm_area_struct *vma;

	if (may_expand_vm(r->mm, pages))
		return true;
	for (vma = vma_find(r->mm, r->addr); vma && vma->vm_start < end; vma = p2psim_vma_next(vma))
		pages -= (min(end, vma->vm_end) - max(r->addr, vma->vm_start)) >> PAGE_SHIFT;
	return may_expand_vm(r->mm, pages);
}

static int map_region(struct request *r)
{
	struct vm_area_struct *prev, *next, *vma;
	struct vma_proposal p;

	if ((r->vm_flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE)
		r->vm_flags |= VM_ACCOUNT;
	prev = vma_find_prev(r->mm, r->addr);
	next = prev ? p2psim_vma_next(prev) : p2psim_vma_first(r->mm);
	p = (struct vma_proposal){ r->mm, prev, r->addr, r->addr + r->len, r->vm_flags, NULL, r->file, r->pgoff };
	vma = vma_merge_new(&p, next);
	if (!vma)
		return map_new_vma(r, prev);
	vma->vm_flags |= VM_SOFTDIRTY;
	r->mm->locked_vm += r->vm_flags & VM_LOCKED ? r->len >> PAGE_SHIFT : 0;
	return 0;
}

static long do_mmap(struct request *r)
{
	int error = check_request(r);

	if (error)
		return error;
	if (!may_map(r))
		return -ENOMEM;
	if (vma_find(r->mm, r->addr) && do_munmap(r->mm, r->addr, r->len, NULL))
		return -ENOMEM; /* whatever the reason */
	error = map_region(r);
	return error ? error : (long)r->addr;
}

/* do_mmap() under its lock, and what follows the unlock. */
static long locked_mmap(struct request *r)
{
	bool wants_pages = (r->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
	long ret;

	if (mmap_write_lock_killable(r->mm))
		return -EINTR;
	ret = do_mmap(r);
	mmap_write_unlock(r->mm);
	if (!is_error(ret) && (wants_pages || r->vm_flags & VM_LOCKED))
		populate(r->mm, r->addr, r->addr + r->len, true);
	return ret;
}

long(p2psim_mmap)(struct p2psim_process *process, unsigned long addr, unsigned long len, int prot, int flags,
		  struct file *file, unsigned long offset)
{
	struct request r = { p2psim_process_mm(process), addr, len, prot, flags, file, offset >> PAGE_SHIFT, 0 };
	struct system_call call;
	long ret;

	if (!PAGE_ALIGNED(offset))
		return -EINVAL;
	if (!file && !(flags & MAP_ANONYMOUS))
		return -EBADF;
	if (flags & MAP_ANONYMOUS)
		r.file = NULL;
	ret = hugetlb_check_mmap(r.file, len, flags);
	if (ret)
		return ret;
	p2psim_enter("mmap(%p, %x)", addr, len);
	system_call_begin(&call, r.mm);
	ret = locked_mmap(&r);
	system_call_end(&call);
	if (is_error(ret))
		p2psim_leave("mmap = %e", (uint64_t)ret);
	else
		p2psim_leave("mmap = %p", (uint64_t)ret);
	return ret;
}
