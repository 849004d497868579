/* SPDX-License-Identifier: MIT */
/*
 * A character driver as it would stand in drivers/char/: two counters behind /dev/counter0 and /dev/counter1, with everything
 * that it knows in static variables.  Built as a module, from kernel includes alone.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "counter.h"

#define COUNTERS 2

static int first = 10;
module_param(first, int, 0644);
MODULE_PARM_DESC(first, "what a counter begins with");
static bool fail;
module_param(fail, bool, 0);
static char *label = "nothing";
module_param_named(name, label, charp, 0);

struct counter {
	struct cdev cdev;
	struct device device;
	unsigned long value;
};

struct session {
	struct counter *counter;
	struct list_head list;
};

static struct counter counters[COUNTERS];
static DEFINE_MUTEX(lock);		/* of all values and sessions */
static LIST_HEAD(sessions);
static dev_t number;
static unsigned long opens;		/* .bss: 0 whenever the module is loaded */
static unsigned long closes = 100;	/* .data */

static int counter_open(struct inode *inode, struct file *file)
{
	struct session *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	s->counter = container_of(inode->i_cdev, struct counter, cdev);
	mutex_lock(&lock);
	list_add_tail(&s->list, &sessions);
	opens++;
	mutex_unlock(&lock);
	file->private_data = s;
	return 0;
}

static int counter_release(struct inode *inode, struct file *file)
{
	struct session *s = file->private_data;

	mutex_lock(&lock);
	list_del(&s->list);
	closes++;
	mutex_unlock(&lock);
	kfree(s);
	return 0;
}

static long counter_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct session *s = file->private_data;
	struct counter_status status = { 0 };

	switch (cmd) {
	case COUNTER_ADD:
		if (copy_from_user(&status, (void __user *)arg, sizeof(status)))
			return -EFAULT;
		mutex_lock(&lock);
		s->counter->value += status.value;
		mutex_unlock(&lock);
		return 0;
	case COUNTER_GET:
		mutex_lock(&lock);
		status.value = s->counter->value;
		status.opens = opens;
		status.closes = closes;
		mutex_unlock(&lock);
		status.letter = label[0];
		return copy_to_user((void __user *)arg, &status, sizeof(status)) ? -EFAULT : 0;
	default:
		return -ENOTTY;
	}
}

static ssize_t counter_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct session *s = file->private_data;

	if (len < sizeof(u64))
		return -EINVAL;
	if (put_user(s->counter->value, (u64 __user *)buf))
		return -EFAULT;
	*pos += sizeof(u64);
	return sizeof(u64);
}

static __poll_t counter_poll(struct file *file, struct poll_table_struct *table)
{
	struct session *s = file->private_data;

	return s->counter->value ? EPOLLIN | EPOLLRDNORM : 0;
}

/* One page that says what the counter was. */
static int counter_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	int ret;

	if (!page)
		return -ENOMEM;
	ret = vm_insert_page(vma, vma->vm_start, page);
	put_page(page);
	return ret;
}

static const struct file_operations counter_fops = {
	.owner = THIS_MODULE,
	.open = counter_open,
	.release = counter_release,
	.read = counter_read,
	.poll = counter_poll,
	.unlocked_ioctl = counter_ioctl,
	.mmap = counter_mmap,
	.llseek = default_llseek,
};

static void counter_freed(struct device *dev)
{
}

static void counter_remove(struct counter *counter)
{
	cdev_device_del(&counter->cdev, &counter->device);
	put_device(&counter->device);
}

static int counter_add(struct counter *counter, int id)
{
	int ret;

	counter->value = first;
	cdev_init(&counter->cdev, &counter_fops);
	counter->cdev.owner = THIS_MODULE;
	device_initialize(&counter->device);
	counter->device.devt = MKDEV(MAJOR(number), id);
	counter->device.release = counter_freed;
	ret = dev_set_name(&counter->device, "counter%d", id);
	if (!ret)
		ret = cdev_device_add(&counter->cdev, &counter->device);
	if (ret)
		put_device(&counter->device);
	return ret;
}

static int __init counter_init(void)
{
	int id, ret = alloc_chrdev_region(&number, 0, COUNTERS, "counter");

	if (ret)
		return ret;
	for (id = 0; id < COUNTERS && !ret; id++)
		ret = counter_add(&counters[id], id);
	if (!ret && !fail)
		return 0;
	for (id -= ret ? 2 : 1; id >= 0; id--)
		counter_remove(&counters[id]);
	unregister_chrdev_region(number, COUNTERS);
	return ret ? ret : -EIO;
}

static void __exit counter_exit(void)
{
	int id;

	for (id = 0; id < COUNTERS; id++)
		counter_remove(&counters[id]);
	unregister_chrdev_region(number, COUNTERS);
}

module_init(counter_init);
module_exit(counter_exit);
MODULE_DESCRIPTION("Two counters");
MODULE_LICENSE("Dual MIT/GPL");
