/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/miscdevice.h, 6.1 (reduced): a character device of major 10 in one call. */
#ifndef P2PSIM_LINUX_MISCDEVICE_H
#define P2PSIM_LINUX_MISCDEVICE_H

#include <p2psim/linux/cdev.h>

#define MISC_MAJOR 10
#define MISC_DYNAMIC_MINOR 255

struct miscdevice {
	int minor;			/* MISC_DYNAMIC_MINOR: written by misc_register() */
	const char *name;		/* of the device node */
	const struct file_operations *fops;
	struct list_head list;
	struct device *parent;
	struct device *this_device;	/* written by misc_register() */
	const char *nodename;		/* instead of name, or NULL */
	umode_t mode;

	struct cdev *cdev;		/* p2psim's own */
};

/* 0; -EBUSY: no minor, or somebody has it; -ENOMEM.  open() finds the miscdevice in file->private_data. */
P2PSIM_EXPORT int misc_register(struct miscdevice *misc);
P2PSIM_EXPORT void misc_deregister(struct miscdevice *misc);

/* A module that is one misc device; with module.h. */
#define module_misc_device(misc)                                                                                       \
	static int __init misc##_init(void)                                                                            \
	{                                                                                                              \
		return misc_register(&(misc));                                                                         \
	}                                                                                                              \
	static void __exit misc##_exit(void)                                                                           \
	{                                                                                                              \
		misc_deregister(&(misc));                                                                              \
	}                                                                                                              \
	module_init(misc##_init);                                                                                      \
	module_exit(misc##_exit)

#endif
