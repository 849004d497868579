/* SPDX-License-Identifier: MIT */
/* Character devices from inside: who answers for a number, and its node. */
#ifndef P2PSIM_P2P_CHRDEV_H
#define P2PSIM_P2P_CHRDEV_H

#include <p2psim/linux/cdev.h>

/* What all open files of one number share. */
struct chrdev_node {
	struct list_head link;
	struct inode inode;
	struct file host;		/* never opened: its mapping is the inode's */
};

/* Who answers for a number, or NULL.  One step. */
struct cdev *chrdev_find(dev_t dev);
/* NULL: out of memory. */
struct chrdev_node *chrdev_node(dev_t dev);
/* What file->private_data is before ->open(): the struct miscdevice, or NULL. */
void *chrdev_private(const struct cdev *cdev);
/* The number of the device of that name, or 0. */
dev_t chrdev_by_name(const char *name);

#endif
