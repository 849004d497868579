/* SPDX-License-Identifier: MIT */
/*
 * What a driver copies from and to the process that called it, a page at a time.
 */
#include <string.h>

#include <p2psim/linux/sched.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/uaccess.h>

#include "vma/internal.h"

/* A fault may have to be taken: mmap_lock stands in the lock graph even when it is not. */
static void might_fault(struct mm_struct *mm)
{
	(might_sleep)();
	if (!p2psim_lock_is_held(&mm->mmap_lock.lock)) {
		p2psim_lockdep_acquire(&mm->mmap_lock.lock, 0, P2PSIM_LOCK_SHARED);
		p2psim_lockdep_release(&mm->mmap_lock.lock);
	}
}

/* Bytes that are left. */
static unsigned long copy(void *kernel, unsigned long user, unsigned long n, bool write)
{
	struct mm_struct *mm = current->mm;
	struct p2psim_signal signal;

	if (!mm || !p2psim_access_ok(user, n))
		return n;
	if (n)
		might_fault(mm);
	while (n) {
		size_t piece = min_t(size_t, n, PAGE_SIZE - (user & ~PAGE_MASK));

		if (p2psim_access_user(mm, user, kernel, piece, write, &signal))
			break;
		kernel = (char *)kernel + piece;
		user += piece;
		n -= piece;
	}
	return n;
}

unsigned long(copy_from_user)(void *to, const void __user *from, unsigned long n)
{
	unsigned long left = copy(to, (unsigned long)from, n, false);

	memset((char *)to + n - left, 0, left);
	return left;
}

unsigned long(copy_to_user)(void __user *to, const void *from, unsigned long n)
{
	return copy((void *)from, (unsigned long)to, n, true); /* only read, with write set */
}

unsigned long(clear_user)(void __user *to, unsigned long n)
{
	static const char zeros[256];
	unsigned long left = 0;

	while (n && !left) {
		unsigned long piece = min_t(unsigned long, n, sizeof(zeros));

		left = (copy_to_user)(to, zeros, piece);
		to = (char __user *)to + piece;
		n -= piece;
	}
	return n + left;
}

void *(memdup_user)(const void __user *from, size_t len)
{
	void *copied = (kmalloc)(len, GFP_USER);

	if (!copied)
		return ERR_PTR(-ENOMEM);
	if (!(copy_from_user)(copied, from, len))
		return copied;
	(kfree)(copied);
	return ERR_PTR(-EFAULT);
}

int copy_struct_from_user(void *to, size_t ksize, const void __user *from, size_t usize)
{
	size_t common = min(ksize, usize), at;
	char byte;

	for (at = common; at < usize; at++) {
		if ((copy_from_user)(&byte, (const char __user *)from + at, 1))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	if ((copy_from_user)(to, from, common))
		return -EFAULT;
	memset((char *)to + common, 0, ksize - common);
	return 0;
}
