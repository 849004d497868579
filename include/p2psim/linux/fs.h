/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/fs.h, 6.1 (reduced: what mmap() of device files and of tmpfs needs; the first open file stands for
 * the inode).
 */
#ifndef P2PSIM_LINUX_FS_H
#define P2PSIM_LINUX_FS_H

#include <p2psim/linux/mm_types.h>

typedef unsigned int fmode_t;
#define FMODE_READ 0x1u
#define FMODE_WRITE 0x2u

struct file;

struct file_operations {
	/*
	 * mmap(2) of the file: sets vma->vm_ops, vm_flags, vm_private_data; may fill the page tables (remap_pfn_range()).
	 * The VMA is in no tree yet: find_vma() does not see it.  On an error no vm_ops hook is called for it.
	 * Context: mmap_lock held for writing; may sleep.
	 */
	int (*mmap)(struct file *file, struct vm_area_struct *vma);
	/* The last reference is gone.  Context: the end of the system call, without its locks. */
	int (*release)(struct file *file);
};

/* All VMAs that map a file, by file offset: the file reverse map. */
struct address_space {
	struct p2psim_tree i_mmap;
	struct rw_semaphore i_mmap_rwsem;	/* of i_mmap; inside mmap_lock */
	struct file *host;
	void **i_pages;				/* the page cache: a radix tree, or NULL */
	int i_height;				/* of it, in tables */
	unsigned long nrpages;
};

struct file {
	struct p2psim_object obj;
	const struct file_operations *f_op;
	struct address_space *f_mapping;
	fmode_t f_mode;
	void *private_data;
	atomic_t f_count;
	struct address_space mapping;	/* f_mapping points here */
	struct file *next_released;	/* in the list of a system call whose end it waits for */
};

/*
 * An open device file with one reference; fput() drops it.  `name` is copied.  NULL: out of memory.
 * f_op->mmap NULL: mmap() says -ENODEV.
 */
P2PSIM_EXPORT struct file *p2psim_file_create(const char *name, const struct file_operations *fops, void *private_data,
					      fmode_t mode);
P2PSIM_EXPORT struct file *get_file(struct file *file);
P2PSIM_EXPORT void fput(struct file *file);

#define i_mmap_lock_read(mapping) down_read(&(mapping)->i_mmap_rwsem)
#define i_mmap_unlock_read(mapping) up_read(&(mapping)->i_mmap_rwsem)
#define i_mmap_lock_write(mapping) down_write(&(mapping)->i_mmap_rwsem)
#define i_mmap_unlock_write(mapping) up_write(&(mapping)->i_mmap_rwsem)

#endif
