/* SPDX-License-Identifier: MIT */
/*
 * Somebody else's memory: access_remote_vm(), for debuggers and /proc/PID/mem, and process_vm_readv(2), process_vm_writev(2).
 *
 *	access_remote_vm()	a reference of one page at a time; driver's ->access() where there is no page
 *	process_vm_*()		pins of up to PINNED_MAX pages; a read unshares what it pins; what was written is dirty
 *
 * Left out: iovecs (one piece each side), ptrace permissions.
 */
#include <p2psim/check.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/trace.h>

#include "vma/internal.h"

#define PINNED_MAX 16

static unsigned long in_page(unsigned long addr, unsigned long len)
{
	return min(len, PAGE_SIZE - (addr & ~PAGE_MASK));
}

/* Within one page, which the caller has a reference of. */
static void copy(struct page *page, unsigned long addr, void *buf, unsigned long len, bool write)
{
	u64 phys = page_to_phys(page) | (addr & ~PAGE_MASK);
	unsigned long pfn = page_to_pfn(page);

	p2psim_step_range(write ? P2PSIM_STEP_MEM_WRITE : P2PSIM_STEP_MEM_READ, P2PSIM_OBJ_RAM, write, pfn, pfn, "remote");
	if (write)
		p2psim_ram_write(phys, buf, len);
	else
		p2psim_ram_read(phys, buf, len);
}

/* No page there: a driver may know how to reach what its VMA maps.  Bytes; 0 or less: no. */
static int ask_driver(struct mm_struct *mm, unsigned long addr, void *buf, int len, bool write)
{
	struct vm_area_struct *vma = (vma_lookup)(mm, addr);

	if (!vma || !vma->vm_ops || !vma->vm_ops->access)
		return 0;
	return vma->vm_ops->access(vma, addr, buf, len, write);
}

/* Bytes, up to the end of the page or as far as the driver goes; 0 or less: none. */
static int access_some(struct mm_struct *mm, unsigned long addr, void *buf, int len, unsigned int gup_flags)
{
	bool write = gup_flags & FOLL_WRITE;
	struct page *page;

	if (get_user_pages_remote(mm, addr, 1, gup_flags, &page, NULL, NULL) <= 0)
		return ask_driver(mm, addr, buf, len, write);
	len = (int)in_page(addr, (unsigned long)len);
	copy(page, addr, buf, (unsigned long)len, write);
	if (write)
		set_page_dirty_lock(page);
	put_page(page);
	return len;
}

int access_remote_vm(struct mm_struct *mm, unsigned long addr, void *buf, int len, unsigned int gup_flags)
{
	int done = 0, some;

	if (mmap_read_lock_killable(mm))
		return 0;
	while (done < len) {
		some = access_some(mm, addr + (unsigned long)done, (char *)buf + done, len - done, gup_flags);
		if (some <= 0)
			break;
		done += some;
	}
	mmap_read_unlock(mm);
	return done;
}

static long pin_some(struct mm_struct *mm, unsigned long addr, unsigned long len, bool write, struct page **pages)
{
	unsigned long count = ((addr + len - 1) >> PAGE_SHIFT) - (addr >> PAGE_SHIFT) + 1;
	unsigned int flags = write ? FOLL_WRITE : 0;
	int locked = 1;
	long got;

	count = min(count, (unsigned long)PINNED_MAX);
	mmap_read_lock(mm);
	got = pin_user_pages_remote(mm, addr, count, flags, pages, NULL, &locked);
	if (locked)
		mmap_read_unlock(mm);
	return got;
}

/* One round.  Bytes, or -EFAULT. */
static long process_vm_some(struct mm_struct *mm, unsigned long addr, void *buf, unsigned long len, bool write)
{
	struct page *pages[PINNED_MAX];
	unsigned long done = 0, part;
	long got, i;

	got = pin_some(mm, addr, len, write, pages);
	if (got <= 0)
		return -EFAULT;
	for (i = 0; i < got; i++, done += part) {
		part = in_page(addr + done, len - done);
		copy(pages[i], addr + done, (char *)buf + done, part, write);
	}
	unpin_user_pages_dirty_lock(pages, (unsigned long)got, write);
	return (long)done;
}

static long process_vm_rw(struct p2psim_process *process, unsigned long addr, void *buf, size_t len, bool write)
{
	struct mm_struct *mm = p2psim_process_mm(process);
	long done = 0, some = 0;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	while (some >= 0 && (size_t)done < len) {
		some = process_vm_some(mm, addr + (unsigned long)done, (char *)buf + done, len - (size_t)done, write);
		done += some > 0 ? some : 0;
	}
	mmput(mm);
	p2psim_note(write ? "process_vm_writev(%p, %x) = %e" : "process_vm_readv(%p, %x) = %e", addr, len,
		    (uint64_t)(done ? done : some));
	return done ? done : some;
}

long p2psim_process_vm_read(struct p2psim_process *process, unsigned long addr, void *buf, size_t len)
{
	return process_vm_rw(process, addr, buf, len, false);
}

long p2psim_process_vm_write(struct p2psim_process *process, unsigned long addr, const void *buf, size_t len)
{
	return process_vm_rw(process, addr, (void *)(uintptr_t)buf, len, true);
}
