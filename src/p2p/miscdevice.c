/* SPDX-License-Identifier: MIT */
/*
 * Misc devices: minors of major 10, handed out from 127 down as the kernel does, each with its cdev and its device.
 */
#include <p2psim/linux/miscdevice.h>

#include "p2p/chrdev.h"

#define DYNAMIC_MINORS 128

static int free_minor(void)
{
	int minor;

	for (minor = DYNAMIC_MINORS - 1; minor >= 0; minor--)
		if (!chrdev_find(MKDEV(MISC_MAJOR, (dev_t)minor)))
			return minor;
	return -EBUSY;
}

/* What the kernel's misc_open() does before the driver's open(): the driver finds its miscdevice. */
struct misc_cdev {
	struct cdev cdev;		/* first: freed with it */
	struct miscdevice *misc;
};

void *chrdev_private(const struct cdev *cdev)
{
	return cdev->is_misc ? container_of(cdev, struct misc_cdev, cdev)->misc : NULL;
}

static struct cdev *misc_cdev_alloc(struct miscdevice *misc)
{
	struct misc_cdev *wrapped = kzalloc(sizeof(*wrapped), GFP_KERNEL);

	if (!wrapped)
		return NULL;
	cdev_init(&wrapped->cdev, misc->fops);
	wrapped->cdev.allocated = true;
	wrapped->cdev.is_misc = true;
	wrapped->misc = misc;
	return &wrapped->cdev;
}

static int add_both(struct miscdevice *misc, int minor)
{
	dev_t dev = MKDEV(MISC_MAJOR, (dev_t)minor);
	int error;

	misc->cdev = misc_cdev_alloc(misc);
	if (!misc->cdev)
		return -ENOMEM;
	error = cdev_add(misc->cdev, dev, 1);
	if (error) {
		kfree(misc->cdev);
		return error;
	}
	misc->this_device = device_create(NULL, misc->parent, dev, misc, "%s", misc->nodename ? misc->nodename : misc->name);
	if (!IS_ERR(misc->this_device))
		return 0;
	cdev_del(misc->cdev);
	return (int)PTR_ERR(misc->this_device);
}

int misc_register(struct miscdevice *misc)
{
	int minor = misc->minor == MISC_DYNAMIC_MINOR ? free_minor() : misc->minor;
	int error = minor < 0 ? minor : add_both(misc, minor);

	INIT_LIST_HEAD(&misc->list);
	if (!error)
		misc->minor = minor;
	return error;
}

void misc_deregister(struct miscdevice *misc)
{
	device_unregister(misc->this_device);
	cdev_del(misc->cdev);
	if (misc->minor < DYNAMIC_MINORS)
		misc->minor = MISC_DYNAMIC_MINOR;
}
