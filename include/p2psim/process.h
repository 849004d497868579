/* SPDX-License-Identifier: MIT */
/*
 * The simulated process: an address space, and the system calls that its threads make.
 *
 * Any task may act for a process: each call names it.  Calls return 0, an address, or -errno, as the system call would.
 */
#ifndef P2PSIM_PROCESS_H
#define P2PSIM_PROCESS_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct file;
struct mm_struct;
struct p2psim_process;

/* A process with an empty address space.  `name` is copied.  NULL: out of memory. */
P2PSIM_EXPORT struct p2psim_process *p2psim_process_create(const char *name);
/*
 * fork(2): *child is a process with a copy of the parent's address space (1.9 of the reference).  `name` is copied.
 * The parent's notifiers hear PROTECTION_PAGE of each VMA that shares private pages from now on; the child has none.
 * Return: 0, -ENOMEM, -EINTR; then *child is NULL, and nothing is left of it.
 */
P2PSIM_EXPORT int p2psim_fork(struct p2psim_process *parent, const char *name, struct p2psim_process **child);
/* exit(2): drops the process's reference of its mm; the last reference tears it down.  The process is freed. */
P2PSIM_EXPORT void p2psim_process_exit(struct p2psim_process *process);
P2PSIM_EXPORT struct mm_struct *p2psim_process_mm(const struct p2psim_process *process);
P2PSIM_EXPORT const char *p2psim_process_name(const struct p2psim_process *process);
/* The calling task is a thread of the process from now on: current->mm. */
P2PSIM_EXPORT void p2psim_process_attach(struct p2psim_process *process);
P2PSIM_EXPORT void p2psim_process_detach(void);

/*
 * mmap(2) with PROT_* and MAP_* of <p2psim/linux/mman.h>; offset in bytes.  file NULL: MAP_ANONYMOUS.
 * Return: the address, or the -errno of the first check that fails (mm/mmap.c:do_mmap, 6.1).
 */
P2PSIM_EXPORT long p2psim_mmap(struct p2psim_process *process, unsigned long addr, unsigned long len, int prot, int flags,
			       struct file *file, unsigned long offset);
P2PSIM_EXPORT int p2psim_munmap(struct p2psim_process *process, unsigned long addr, unsigned long len);
P2PSIM_EXPORT int p2psim_mprotect(struct p2psim_process *process, unsigned long addr, unsigned long len, int prot);
P2PSIM_EXPORT long p2psim_mremap(struct p2psim_process *process, unsigned long addr, unsigned long old_len,
				 unsigned long new_len, int flags, unsigned long new_addr);
/*
 * madvise(2) with MADV_* of <p2psim/linux/mman.h> (mm/madvise.c, 6.1).
 * Return: 0; -EINVAL: unaligned, wraps, unknown advice, or one that a VMA refuses; -ENOMEM: there are holes, everything else
 * is done; -EAGAIN: flags cannot be changed for want of memory or of VMAs; -EFAULT (POPULATE_*): a page would be SIGBUS.
 */
P2PSIM_EXPORT int p2psim_madvise(struct p2psim_process *process, unsigned long addr, unsigned long len, int advice);

/* msync(2): flags MS_*.  mincore(2): one byte a page in vec, 1 = in core. */
P2PSIM_EXPORT int p2psim_msync(struct p2psim_process *process, unsigned long addr, unsigned long len, int flags);
P2PSIM_EXPORT int p2psim_mincore(struct p2psim_process *process, unsigned long addr, unsigned long len, unsigned char *vec);

/*
 * mlock(2), mlock2(2) with MLOCK_ONFAULT, munlock(2), mlockall(2) with MCL_*, munlockall(2) (mm/mlock.c, 6.1).  The range is
 * widened to whole pages.
 * Return: 0; -EPERM: the limit is 0; -ENOMEM: over the limit, a hole (what lies before it is locked), a VMA that cannot be
 * read or written; -EAGAIN: out of memory while pages were faulted in; -EINVAL: wraps, unknown flags.
 */
P2PSIM_EXPORT int p2psim_mlock(struct p2psim_process *process, unsigned long addr, unsigned long len);
P2PSIM_EXPORT int p2psim_mlock2(struct p2psim_process *process, unsigned long addr, unsigned long len, int flags);
P2PSIM_EXPORT int p2psim_munlock(struct p2psim_process *process, unsigned long addr, unsigned long len);
P2PSIM_EXPORT int p2psim_mlockall(struct p2psim_process *process, int flags);
P2PSIM_EXPORT int p2psim_munlockall(struct p2psim_process *process);

/*
 * setrlimit(2) of a process without capabilities.  A new process has no limits (it may lock what it likes) but that of a
 * stack, 8 MiB.  bytes: P2PSIM_UNLIMITED, or how much it may map (AS) or lock (MEMLOCK; 0: nothing may be locked, -EPERM),
 * or how far a MAP_GROWSDOWN mapping may grow (STACK).
 */
enum p2psim_limit {
	P2PSIM_LIMIT_AS,
	P2PSIM_LIMIT_MEMLOCK,
	P2PSIM_LIMIT_STACK,
};
#define P2PSIM_UNLIMITED UINT64_MAX
P2PSIM_EXPORT void p2psim_process_set_limit(struct p2psim_process *process, enum p2psim_limit limit, uint64_t bytes);

/* Why a load or a store failed: SIGSEGV (1 MAPERR, 2 ACCERR) or SIGBUS (2 ADRERR). */
struct p2psim_signal {
	int signo;
	int code;
	unsigned long address;
};
#define P2PSIM_SEGV_MAPERR 1
#define P2PSIM_SEGV_ACCERR 2
#define P2PSIM_BUS_ADRERR 2

/* CPU access page by page; 0, or -EFAULT with p2psim_process_signal() telling why; bytes before it were moved. */
P2PSIM_EXPORT int p2psim_load(struct p2psim_process *process, unsigned long addr, void *buf, size_t len);
P2PSIM_EXPORT int p2psim_store(struct p2psim_process *process, unsigned long addr, const void *buf, size_t len);
/* The byte, or -EFAULT. */
P2PSIM_EXPORT int p2psim_load_byte(struct p2psim_process *process, unsigned long addr);
P2PSIM_EXPORT int p2psim_store_byte(struct p2psim_process *process, unsigned long addr, uint8_t value);
/*
 * process_vm_readv(2), process_vm_writev(2) of one piece, by another process: pins of its pages.
 * Return: bytes, perhaps fewer than asked for; -EFAULT: none could be reached; -ESRCH: the process is going.
 */
P2PSIM_EXPORT long p2psim_process_vm_read(struct p2psim_process *process, unsigned long addr, void *buf, size_t len);
P2PSIM_EXPORT long p2psim_process_vm_write(struct p2psim_process *process, unsigned long addr, const void *buf, size_t len);
/* The signal of the last access that failed. */
P2PSIM_EXPORT const struct p2psim_signal *p2psim_process_signal(const struct p2psim_process *process);

#define p2psim_mmap(p, a, l, prot, flags, file, off) (P2PSIM_HERE(), p2psim_mmap((p), (a), (l), (prot), (flags), (file), (off)))
#define p2psim_munmap(p, a, l) (P2PSIM_HERE(), p2psim_munmap((p), (a), (l)))
#define p2psim_mprotect(p, a, l, prot) (P2PSIM_HERE(), p2psim_mprotect((p), (a), (l), (prot)))
#define p2psim_fork(p, name, child) (P2PSIM_HERE(), p2psim_fork((p), (name), (child)))
#define p2psim_process_create(name) (P2PSIM_HERE(), p2psim_process_create(name))
#define p2psim_process_exit(p) (P2PSIM_HERE(), p2psim_process_exit(p))

P2PSIM_END_DECLS

#endif
