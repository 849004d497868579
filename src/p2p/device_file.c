/* SPDX-License-Identifier: MIT */
/*
 * System calls on a device file: each runs in the process's address space, and files that were put inside it are released at its
 * end.
 */
#include <unistd.h>

#include <p2psim/device_file.h>
#include <p2psim/linux/module.h>
#include <p2psim/linux/poll.h>
#include <p2psim/process.h>
#include <p2psim/trace.h>

#include "p2p/chrdev.h"
#include "p2p/internal.h"
#include "vma/internal.h"

#define ENOIOCTLCMD 515

static fmode_t mode_of(int flags)
{
	static const fmode_t modes[] = { [O_RDONLY] = FMODE_READ, [O_WRONLY] = FMODE_WRITE, [O_RDWR] = FMODE_READ | FMODE_WRITE };

	return (flags & O_ACCMODE) <= O_RDWR ? modes[flags & O_ACCMODE] : 0;
}

/* What an open file keeps: the driver's code, and through the cdev its device. */
struct kept {
	struct module *module;
	struct device *device;
};

static void put_kept(struct kept *kept)
{
	put_device(kept->device);
	module_put(kept->module);
	kfree(kept);
}

static void put_node(struct file *file)
{
	put_kept(file->node_private);
}

static struct kept *keep(struct cdev *cdev, int *error)
{
	struct kept *kept = kzalloc(sizeof(*kept), GFP_KERNEL);

	*error = kept ? 0 : -ENOMEM;
	if (kept && !try_module_get(cdev->owner ? cdev->owner : cdev->ops->owner)) {
		kfree(kept);
		*error = -ENXIO;
		return NULL;
	}
	if (!kept)
		return NULL;
	kept->module = cdev->owner ? cdev->owner : cdev->ops->owner;
	kept->device = get_device(cdev->parent);
	return kept;
}

static int call_open(struct cdev *cdev, struct chrdev_node *node, struct file *file)
{
	file->f_inode = &node->inode;
	file->f_mapping = node->inode.i_mapping;
	node->inode.i_cdev = cdev;
	return file->f_op->open ? file->f_op->open(file->f_inode, file) : 0;
}

static int open_cdev(struct cdev *cdev, dev_t dev, int flags, struct file **opened)
{
	struct chrdev_node *node = chrdev_node(dev);
	struct kept *kept;
	struct file *file;
	int error;

	if (!node)
		return -ENOMEM;
	kept = keep(cdev, &error);
	if (!kept)
		return error;
	file = p2psim_file_create(cdev->parent ? dev_name(cdev->parent) : "device", cdev->ops, chrdev_private(cdev),
				  mode_of(flags));
	error = file ? 0 : -ENOMEM;
	if (file) {
		file->f_flags = (unsigned int)flags;
		file->node_private = kept;
		error = call_open(cdev, node, file);
	}
	if (!error) {
		file->put_node = put_node;
		*opened = file;
		return 0;
	}
	kfree(file); /* ->release() is for files that were opened */
	put_kept(kept);
	return error;
}

int p2psim_chrdev_open(struct p2psim_process *process, dev_t dev, int flags, struct file **file)
{
	struct system_call call;
	struct cdev *cdev;
	int error = -ENXIO;

	*file = NULL;
	system_call_begin(&call, p2psim_process_mm(process));
	cdev = chrdev_find(dev);
	if (cdev)
		error = open_cdev(cdev, dev, flags, file);
	system_call_end(&call);
	return error;
}

int(p2psim_device_open)(struct p2psim_process *process, const char *name, int flags, struct file **file)
{
	dev_t dev = chrdev_by_name(name);
	int error;

	*file = NULL;
	p2psim_enter("%s: open %s", P2PSIM_STR(p2psim_process_name(process)), P2PSIM_STR(name));
	error = dev ? p2psim_chrdev_open(process, dev, flags, file) : -ENOENT;
	p2psim_leave("open = %e", (uint64_t)(int64_t)error);
	return error;
}

long(p2psim_ioctl)(struct p2psim_process *process, struct file *file, unsigned int cmd, unsigned long arg)
{
	struct system_call call;
	long ret = -ENOTTY;

	p2psim_enter("%s: ioctl(%s, %x)", P2PSIM_STR(p2psim_process_name(process)), P2PSIM_STR(file->obj.name), (uint64_t)cmd);
	system_call_begin(&call, p2psim_process_mm(process));
	if (file->f_op->unlocked_ioctl)
		ret = file->f_op->unlocked_ioctl(file, cmd, arg);
	if (ret == -ENOIOCTLCMD)
		ret = -ENOTTY;
	system_call_end(&call);
	p2psim_leave(ret < 0 ? "ioctl = %e" : "ioctl = %d", (uint64_t)(int64_t)ret);
	return ret;
}

long p2psim_device_read(struct p2psim_process *process, struct file *file, unsigned long addr, size_t len)
{
	struct system_call call;
	long ret;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (!file->f_op->read)
		return -EINVAL;
	system_call_begin(&call, p2psim_process_mm(process));
	ret = file->f_op->read(file, (char __user *)addr, len, &file->f_pos);
	system_call_end(&call);
	return ret;
}

long p2psim_device_write(struct p2psim_process *process, struct file *file, unsigned long addr, size_t len)
{
	struct system_call call;
	long ret;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (!file->f_op->write)
		return -EINVAL;
	system_call_begin(&call, p2psim_process_mm(process));
	ret = file->f_op->write(file, (const char __user *)addr, len, &file->f_pos);
	system_call_end(&call);
	return ret;
}

long p2psim_lseek(struct p2psim_process *process, struct file *file, long offset, int whence)
{
	loff_t (*llseek)(struct file *file, loff_t offset, int whence) = file->f_op->llseek ? file->f_op->llseek : no_llseek;
	struct system_call call;
	long ret;

	system_call_begin(&call, p2psim_process_mm(process));
	ret = llseek(file, offset, whence);
	system_call_end(&call);
	return ret;
}

unsigned int p2psim_device_poll(struct p2psim_process *process, struct file *file)
{
	struct system_call call;
	__poll_t ready;

	if (!file->f_op->poll)
		return DEFAULT_POLLMASK;
	system_call_begin(&call, p2psim_process_mm(process));
	ready = file->f_op->poll(file, NULL);
	system_call_end(&call);
	return ready;
}

int(p2psim_close)(struct p2psim_process *process, struct file *file)
{
	struct system_call call;
	int error = 0;

	p2psim_enter("%s: close %s", P2PSIM_STR(p2psim_process_name(process)), P2PSIM_STR(file->obj.name));
	system_call_begin(&call, p2psim_process_mm(process));
	if (file->f_op->flush)
		error = file->f_op->flush(file, p2psim_process_mm(process));
	fput(file);
	system_call_end(&call);
	p2psim_leave("close = %e", (uint64_t)(int64_t)error);
	return error;
}

/* ---- for drivers' tables ---- */

loff_t default_llseek(struct file *file, loff_t offset, int whence)
{
	loff_t pos = whence == SEEK_CUR ? file->f_pos + offset : offset;

	if ((whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) || pos < 0)
		return -EINVAL;
	file->f_pos = pos;
	return pos;
}

loff_t noop_llseek(struct file *file, loff_t offset, int whence)
{
	return file->f_pos;
}

loff_t no_llseek(struct file *file, loff_t offset, int whence)
{
	return -ESPIPE;
}

int nonseekable_open(struct inode *inode, struct file *file)
{
	return 0;
}

long compat_ptr_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return file->f_op->unlocked_ioctl ? file->f_op->unlocked_ioctl(file, cmd, arg & U32_MAX) : -ENOIOCTLCMD;
}
