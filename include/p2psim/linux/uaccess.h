/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/uaccess.h, 6.1 (reduced): what a driver reads and writes of the process that called it.
 *
 * A user pointer is an address of current->mm, the simulated one; nothing but these calls can follow it.  Pages are faulted in
 * as for the CPU, so that all of them may sleep and take mmap_lock: never under a lock that a notifier callback takes.
 */
#ifndef P2PSIM_LINUX_UACCESS_H
#define P2PSIM_LINUX_UACCESS_H

#include <p2psim/linux/err.h>
#include <p2psim/linux/mm_types.h>

/*
 * Return: bytes that could NOT be copied, 0 = all; without an address space none can.  copy_from_user() clears the rest of `to`.
 * Context: may sleep.
 */
P2PSIM_EXPORT unsigned long __must_check copy_from_user(void *to, const void __user *from, unsigned long n);
P2PSIM_EXPORT unsigned long __must_check copy_to_user(void __user *to, const void *from, unsigned long n);
P2PSIM_EXPORT unsigned long __must_check clear_user(void __user *to, unsigned long n);
#define copy_from_user(to, from, n) (P2PSIM_HERE(), copy_from_user((to), (from), (n)))
#define copy_to_user(to, from, n) (P2PSIM_HERE(), copy_to_user((to), (from), (n)))
#define clear_user(to, n) (P2PSIM_HERE(), clear_user((to), (n)))
#define __copy_from_user(to, from, n) copy_from_user((to), (from), (n))
#define __copy_to_user(to, from, n) copy_to_user((to), (from), (n))

/* 0 or -EFAULT.  Of the type that ptr points to. */
#define get_user(x, ptr)                                                                                               \
	__extension__({                                                                                                \
		__typeof__(*(ptr)) get_user_;                                                                          \
		int get_user_error_ = copy_from_user(&get_user_, (ptr), sizeof(get_user_)) ? -EFAULT : 0;              \
		(x) = get_user_;                                                                                       \
		get_user_error_;                                                                                       \
	})
#define put_user(x, ptr)                                                                                               \
	__extension__({                                                                                                \
		__typeof__(*(ptr)) put_user_ = (x);                                                                    \
		copy_to_user((ptr), &put_user_, sizeof(put_user_)) ? -EFAULT : 0;                                      \
	})
#define __get_user(x, ptr) get_user(x, ptr)
#define __put_user(x, ptr) put_user(x, ptr)

/* Is it an address of user space at all? */
static inline bool p2psim_access_ok(unsigned long addr, unsigned long size)
{
	return size <= TASK_SIZE && addr <= TASK_SIZE - size;
}
#define access_ok(addr, size) p2psim_access_ok((unsigned long)(addr), (size))

/* Copies, to be freed with kfree() (kvfree()).  ERR_PTR(-ENOMEM), ERR_PTR(-EFAULT). */
P2PSIM_EXPORT void *memdup_user(const void __user *from, size_t len);
#define memdup_user(from, len) (P2PSIM_HERE(), memdup_user((from), (len)))
#define vmemdup_user(from, len) memdup_user((from), (len))

/*
 * From a request of a newer program (usize > ksize: what is beyond must be zero, -E2BIG) or an older one (the rest is cleared).
 * 0, -EFAULT.
 */
P2PSIM_EXPORT int __must_check copy_struct_from_user(void *to, size_t ksize, const void __user *from, size_t usize);

static inline void __user *p2psim_u64_to_user_ptr(u64 address)
{
	return (void __user *)(uintptr_t)address;
}
#define u64_to_user_ptr(x) p2psim_u64_to_user_ptr(x)

#endif
