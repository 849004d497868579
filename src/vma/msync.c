/* SPDX-License-Identifier: MIT */
/*
 * msync(): its checks.  A tmpfs has nothing to write to, so nothing is written, and no notifier hears of it.  Files of devices
 * have no ->fsync() here, which is what MS_SYNC needs.
 */
#include <p2psim/linux/mman.h>
#include <p2psim/trace.h>

#include "vma/internal.h"
#include "vma/shmem.h"

static int sync_file(const struct vm_area_struct *vma)
{
	return vma->vm_file && vma->vm_flags & VM_SHARED && !file_is_shmem(vma->vm_file) ? -EINVAL : 0;
}

static int check_vmas(struct mm_struct *mm, unsigned long start, unsigned long end, int flags)
{
	struct vm_area_struct *vma;
	int ret = 0;

	for (; start < end; start = vma->vm_end) {
		vma = (find_vma_intersection)(mm, start, end);
		if (!vma)
			return -ENOMEM;
		if (vma->vm_start > start)
			ret = -ENOMEM; /* a hole: told at the end */
		if (flags & MS_INVALIDATE && vma->vm_flags & VM_LOCKED)
			return -EBUSY;
		if (flags & MS_SYNC && sync_file(vma))
			return -EINVAL;
	}
	return ret;
}

int p2psim_msync(struct p2psim_process *process, unsigned long addr, unsigned long len, int flags)
{
	struct mm_struct *mm = p2psim_process_mm(process);
	unsigned long end = addr + PAGE_ALIGN(len);
	struct system_call call;
	int ret;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || !PAGE_ALIGNED(addr) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	p2psim_enter("msync(%p, %x)", addr, len);
	system_call_begin(&call, mm);
	mmap_read_lock(mm);
	ret = check_vmas(mm, addr, end, flags);
	mmap_read_unlock(mm);
	system_call_end(&call);
	p2psim_leave("msync = %e", (uint64_t)(int64_t)ret);
	return ret;
}
