/* SPDX-License-Identifier: MIT */
/*
 * Character devices: which driver answers for which numbers.  Mirrors: include/linux/cdev.h, 6.1 (reduced: no kobject of its
 * own; the driver keeps the memory).
 *
 *	alloc_chrdev_region()	numbers
 *	cdev_init(), cdev_add()	from now on open(2) of one of them calls fops->open()
 *	cdev_del()		no more opens; files that are open stay, with their fops
 */
#ifndef P2PSIM_LINUX_CDEV_H
#define P2PSIM_LINUX_CDEV_H

#include <p2psim/linux/device.h>
#include <p2psim/linux/fs.h>

struct cdev {
	struct module *owner;
	const struct file_operations *ops;
	struct list_head list;		/* all that were added, in the world */
	dev_t dev;			/* the first number */
	unsigned int count;
	bool allocated;			/* by cdev_alloc(): cdev_del() frees it */
	bool is_misc;			/* of a struct miscdevice, which its files' private_data points to */
	struct device *parent;		/* kept by cdev_device_add() */
};

/* Zeroes it. */
P2PSIM_EXPORT void cdev_init(struct cdev *cdev, const struct file_operations *fops);
/* The driver sets ->ops and ->owner; cdev_del() frees it.  NULL: out of memory. */
P2PSIM_EXPORT struct cdev *cdev_alloc(void);
/* 0; -EBUSY: a device has one of these numbers (the kernel hides the older one). */
P2PSIM_EXPORT int cdev_add(struct cdev *cdev, dev_t dev, unsigned int count);
P2PSIM_EXPORT void cdev_del(struct cdev *cdev);
/* cdev_add() of dev->devt if it is not 0, then device_add(); and back. */
P2PSIM_EXPORT int cdev_device_add(struct cdev *cdev, struct device *dev);
P2PSIM_EXPORT void cdev_device_del(struct cdev *cdev, struct device *dev);

#endif
