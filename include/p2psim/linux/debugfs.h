/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/debugfs.h, 6.1 (declared: there is no such file system; linking names what is asked for). */
#ifndef P2PSIM_LINUX_DEBUGFS_H
#define P2PSIM_LINUX_DEBUGFS_H

#include <p2psim/linux/fs.h>
#include <p2psim/linux/seq_file.h>

struct dentry;

struct debugfs_blob_wrapper {
	void *data;
	unsigned long size;
};

struct debugfs_reg32 {
	char *name;
	unsigned long offset;
};

struct debugfs_regset32 {
	const struct debugfs_reg32 *regs;
	int nregs;
	void __iomem *base;
	struct device *dev;
};

struct dentry *debugfs_create_file(const char *name, umode_t mode, struct dentry *parent, void *data,
				   const struct file_operations *fops);
struct dentry *debugfs_create_dir(const char *name, struct dentry *parent);
void debugfs_remove(struct dentry *dentry);
#define debugfs_remove_recursive debugfs_remove

#endif
