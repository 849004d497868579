/* SPDX-License-Identifier: MIT */
/*
 * Files on a simulated tmpfs: a size and a page cache.  What was never written is zero and takes no memory.
 *
 * Mapped with p2psim_mmap() like a device file; MAP_SHARED | MAP_ANONYMOUS maps a nameless one.  Sizes and offsets are
 * bytes.  Source: mm/shmem.c, 6.1.  Left out: names and directories, limits, swap-out of pages that nobody maps.
 */
#ifndef P2PSIM_TMPFS_H
#define P2PSIM_TMPFS_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct file;

/* A new file of `size` bytes, open for reading and writing, with one reference; fput() drops it.  NULL: out of memory. */
P2PSIM_EXPORT struct file *p2psim_tmpfs_create(const char *name, uint64_t size);
/* The same file, opened once more with FMODE_READ and/or FMODE_WRITE.  NULL: out of memory. */
P2PSIM_EXPORT struct file *p2psim_tmpfs_open(struct file *file, unsigned int mode);
P2PSIM_EXPORT uint64_t p2psim_file_size(const struct file *file);

/*
 * pread(2), pwrite(2) through the page cache.  Return: bytes (reading stops at the end of the file, writing makes it
 * longer), -EINVAL (the offset is negative as an off_t), -EBADF (not open for that), -EFBIG, -ENOMEM.
 */
P2PSIM_EXPORT long p2psim_file_read(struct file *file, uint64_t offset, void *buf, size_t len);
P2PSIM_EXPORT long p2psim_file_write(struct file *file, uint64_t offset, const void *buf, size_t len);
/*
 * ftruncate(2): mappings beyond the new end are unmapped twice, before and after the pages go, private copies too (CLEAR
 * each).  0, -EINVAL (not open for writing).
 */
P2PSIM_EXPORT int p2psim_file_truncate(struct file *file, uint64_t size);
/*
 * fallocate(2) with FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE: whole pages go, once unmapped (CLEAR), private copies
 * stay; parts of pages become zero.  0, -EINVAL (length 0), -EBADF.
 */
P2PSIM_EXPORT int p2psim_file_punch_hole(struct file *file, uint64_t offset, uint64_t len);
/* fallocate(2) with mode 0: pages are there, the file is at least that long.  0, -EINVAL, -EBADF, -EFBIG, -ENOMEM. */
P2PSIM_EXPORT int p2psim_file_allocate(struct file *file, uint64_t offset, uint64_t len);

P2PSIM_END_DECLS

#endif
