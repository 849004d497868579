/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/fs.h, 6.1 (reduced: what device files and tmpfs need.  address_space.host is the file that stands for
 * the inode: the first one opened, or the device node's).  Who opens, reads and closes a device file: <p2psim/device_file.h>.
 * Operations that nothing here calls are no members: a driver that sets one learns it from its compiler.
 */
#ifndef P2PSIM_LINUX_FS_H
#define P2PSIM_LINUX_FS_H

#include <fcntl.h>

/* Drivers get these with the kernel's fs.h, too. */
#include <p2psim/linux/capability.h>
#include <p2psim/linux/init.h>
#include <p2psim/linux/kdev_t.h>
#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/rbtree.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/uidgid.h>
#include <p2psim/linux/wait.h>
#include <p2psim/linux/workqueue.h>
#include <p2psim/linux/xarray.h>

typedef unsigned int fmode_t;
#define FMODE_READ 0x1u
#define FMODE_WRITE 0x2u

struct cdev;
struct file;
struct inode;
struct module;
struct poll_table_struct;
struct seq_file;

typedef void *fl_owner_t;
typedef unsigned int __poll_t;

struct file_operations {
	struct module *owner;		/* stays loaded while the file is open */
	loff_t (*llseek)(struct file *file, loff_t offset, int whence);
	ssize_t (*read)(struct file *file, char __user *buf, size_t len, loff_t *pos);
	ssize_t (*write)(struct file *file, const char __user *buf, size_t len, loff_t *pos);
	__poll_t (*poll)(struct file *file, struct poll_table_struct *table);
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	/* Of a 32-bit process: there are none here. */
	long (*compat_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	/*
	 * mmap(2) of the file: sets vma->vm_ops, vm_flags, vm_private_data; may fill the page tables (remap_pfn_range()).
	 * The VMA is in no tree yet: find_vma() does not see it.  On an error no vm_ops hook is called for it.
	 * Context: mmap_lock held for writing; may sleep.
	 */
	int (*mmap)(struct file *file, struct vm_area_struct *vma);
	/* open(2) of the device node.  After an error ->release() is not called. */
	int (*open)(struct inode *inode, struct file *file);
	/* Each close(2), also when the file stays open elsewhere. */
	int (*flush)(struct file *file, fl_owner_t id);
	/* The last reference is gone.  Context: the end of the system call, without its locks. */
	int (*release)(struct inode *inode, struct file *file);
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

/* Reduced: of a device node, or of a file that has none (i_rdev 0). */
struct inode {
	umode_t i_mode;
	dev_t i_rdev;
	struct cdev *i_cdev;
	struct address_space *i_mapping;
	void *i_private;
};

struct file {
	struct p2psim_object obj;
	const struct file_operations *f_op;
	struct address_space *f_mapping;
	struct inode *f_inode;
	fmode_t f_mode;
	unsigned int f_flags;		/* O_* of open(2) */
	loff_t f_pos;
	void *private_data;
	atomic_t f_count;
	struct address_space mapping;	/* f_mapping points here, unless another file stands for the inode */
	struct inode inode;		/* so does f_inode */
	struct file *next_released;	/* in the list of a system call whose end it waits for */
	void (*put_node)(struct file *file);	/* after ->release(); NULL: the file is of no device node */
	void *node_private;
};

/*
 * An open device file with one reference; fput() drops it.  `name` is copied.  NULL: out of memory.
 * f_op->mmap NULL: mmap() says -ENODEV.
 */
P2PSIM_EXPORT struct file *p2psim_file_create(const char *name, const struct file_operations *fops, void *private_data,
					      fmode_t mode);
P2PSIM_EXPORT struct file *get_file(struct file *file);
P2PSIM_EXPORT void fput(struct file *file);

static inline struct inode *file_inode(const struct file *file)
{
	return file->f_inode;
}

static inline unsigned int iminor(const struct inode *inode)
{
	return MINOR(inode->i_rdev);
}

static inline unsigned int imajor(const struct inode *inode)
{
	return MAJOR(inode->i_rdev);
}

/* The size of a device is 0: SEEK_SET and SEEK_CUR alone move f_pos (-EINVAL below 0).  noop_llseek(): stays. */
P2PSIM_EXPORT loff_t default_llseek(struct file *file, loff_t offset, int whence);
P2PSIM_EXPORT loff_t noop_llseek(struct file *file, loff_t offset, int whence);
/* -ESPIPE. */
P2PSIM_EXPORT loff_t no_llseek(struct file *file, loff_t offset, int whence);
/* 0: a stream of bytes; the driver's ->llseek is no_llseek(). */
P2PSIM_EXPORT int nonseekable_open(struct inode *inode, struct file *file);
P2PSIM_EXPORT long compat_ptr_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/*
 * Numbers of character devices.  A region is `count` minors of one major; alloc_ gives a major of nobody's, from 254 down as the
 * kernel does.  The name is for reports, not copied.
 * Return: 0; -EBUSY: somebody has part of it, or there is none left; -EINVAL: more minors than there are; -ENOMEM.
 */
P2PSIM_EXPORT int alloc_chrdev_region(dev_t *dev, unsigned int baseminor, unsigned int count, const char *name);
P2PSIM_EXPORT int register_chrdev_region(dev_t from, unsigned int count, const char *name);
P2PSIM_EXPORT void unregister_chrdev_region(dev_t from, unsigned int count);
/* 256 minors and their cdev at once.  major 0: the new major is returned; else 0, -EBUSY, -ENOMEM. */
P2PSIM_EXPORT int register_chrdev(unsigned int major, const char *name, const struct file_operations *fops);
P2PSIM_EXPORT void unregister_chrdev(unsigned int major, const char *name);

#define i_mmap_lock_read(mapping) down_read(&(mapping)->i_mmap_rwsem)
#define i_mmap_unlock_read(mapping) up_read(&(mapping)->i_mmap_rwsem)
#define i_mmap_lock_write(mapping) down_write(&(mapping)->i_mmap_rwsem)
#define i_mmap_unlock_write(mapping) up_write(&(mapping)->i_mmap_rwsem)

#endif
