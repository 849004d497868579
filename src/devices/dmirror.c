/* SPDX-License-Identifier: MIT */
/*
 * dmirror: the four devices, their files and their commands.  Mirrors: lib/test_hmm.c, 6.1, in behaviour; where that one has a
 * defect that the CPU would trip over, this one has not (enum p2psim_dmirror_mistake switches them on).
 */
#include "devices/dmirror_internal.h"

#include <p2psim/check.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/uaccess.h>
#include <p2psim/trace.h>

#define CHUNK_PAGES 65536UL

/* ---- files ---- */

static int dmirror_open(struct inode *inode, struct file *file)
{
	struct dmirror_device *device = container_of(inode->i_cdev, struct dmirror_device, cdev);
	struct dmirror *dmirror = kzalloc(sizeof(*dmirror), GFP_KERNEL);
	int ret;

	if (!dmirror)
		return -ENOMEM;
	dmirror->device = device;
	mutex_init(&dmirror->mutex);
	ret = mmu_interval_notifier_insert(&dmirror->notifier, current->mm, 0, ULONG_MAX & PAGE_MASK, &dmirror_notifier_ops);
	if (ret) {
		kfree(dmirror);
		return ret;
	}
	mutex_lock(&device->mirrors_lock);
	list_add_tail(&dmirror->link, &device->mirrors);
	mutex_unlock(&device->mirrors_lock);
	file->private_data = dmirror;
	return 0;
}

/* Pages of all mirrors of the device go back, not only of this one. */
static int dmirror_release(struct inode *inode, struct file *file)
{
	struct dmirror *dmirror = file->private_data;
	struct dmirror_device *device = dmirror->device;

	(void)inode;
	mutex_lock(&device->mirrors_lock);
	list_del(&dmirror->link);
	mutex_unlock(&device->mirrors_lock);
	mmu_interval_notifier_remove(&dmirror->notifier);
	if (!dmirror_has(device, P2PSIM_DMIRROR_NO_EVICT))
		dmirror_evict(device);
	dmirror_erase(dmirror, 0, ULONG_MAX);
	kfree(dmirror);
	return 0;
}

/* Fresh pages of RAM: a VM_MIXEDMAP VMA. */
static int dmirror_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long addr;
	struct page *page;
	int ret = 0;

	(void)file;
	for (addr = vma->vm_start; addr < vma->vm_end && !ret; addr += PAGE_SIZE) {
		page = alloc_page(GFP_KERNEL);
		if (!page)
			return -ENOMEM;
		ret = vm_insert_page(vma, addr, page);
		put_page(page);
	}
	return ret;
}

static int dmirror_do(struct dmirror *dmirror, unsigned int command, struct p2psim_dmirror_cmd *cmd)
{
	switch (command) {
	case P2PSIM_DMIRROR_READ:
		return dmirror_read(dmirror, cmd);
	case P2PSIM_DMIRROR_WRITE:
		return dmirror_write(dmirror, cmd);
	case P2PSIM_DMIRROR_MIGRATE_TO_DEV:
		return dmirror_migrate_to_device(dmirror, cmd);
	case P2PSIM_DMIRROR_MIGRATE_TO_SYS:
		return dmirror_migrate_to_system(dmirror, cmd);
	case P2PSIM_DMIRROR_SNAPSHOT:
		return dmirror_snapshot(dmirror, cmd);
	case P2PSIM_DMIRROR_EXCLUSIVE:
		return dmirror_exclusive(dmirror, cmd);
	case P2PSIM_DMIRROR_CHECK_EXCLUSIVE:
		return dmirror_check_exclusive(dmirror, cmd);
	case P2PSIM_DMIRROR_RELEASE:
		dmirror_remove_chunks(dmirror->device);
		return 0;
	}
	return -EINVAL;
}

static long dmirror_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	void __user *at = u64_to_user_ptr(arg);
	struct p2psim_dmirror_cmd cmd;
	int ret;

	if (copy_from_user(&cmd, at, sizeof(cmd)))
		return -EFAULT;
	if (cmd.addr & ~PAGE_MASK || cmd.addr >= cmd.addr + (cmd.npages << PAGE_SHIFT))
		return -EINVAL;
	cmd.cpages = cmd.faults = 0;
	ret = dmirror_do(file->private_data, command, &cmd);
	if (ret)
		return ret;
	return copy_to_user(at, &cmd, sizeof(cmd)) ? -EFAULT : 0;
}

static const struct file_operations dmirror_fops = {
	.open = dmirror_open,
	.release = dmirror_release,
	.mmap = dmirror_mmap,
	.unlocked_ioctl = dmirror_ioctl,
};

/* ---- devices ---- */

static void device_freed(struct device *device)
{
	kfree(container_of(device, struct dmirror_device, device));
}

static int add_device(struct p2psim_dmirror *d, int number)
{
	struct dmirror_device *device = kzalloc(sizeof(*device), GFP_KERNEL);
	int ret;

	if (!device)
		return -ENOMEM;
	device->driver = d;
	device->coherent = number >= 2;
	mutex_init(&device->devmem_lock);
	mutex_init(&device->mirrors_lock);
	spin_lock_init(&device->lock);
	INIT_LIST_HEAD(&device->chunks);
	INIT_LIST_HEAD(&device->mirrors);
	INIT_LIST_HEAD(&device->moves);
	init_waitqueue_head(&device->moved);
	cdev_init(&device->cdev, &dmirror_fops);
	device_initialize(&device->device);
	device->device.devt = MKDEV(MAJOR(d->numbers), (unsigned int)number);
	device->device.release = device_freed;
	ret = dev_set_name(&device->device, "hmm_dmirror%d", number);
	if (!ret)
		ret = cdev_device_add(&device->cdev, &device->device);
	if (ret)
		put_device(&device->device);
	else
		d->devices[number] = device;
	return ret;
}

void p2psim_dmirror_unload(struct p2psim_dmirror *d)
{
	struct dmirror_device *device;
	int i;

	if (!d)
		return;
	for (i = 0; i < P2PSIM_DMIRROR_DEVICES; i++) {
		device = d->devices[i];
		if (!device)
			continue;
		cdev_device_del(&device->cdev, &device->device);
		dmirror_remove_chunks(device);
		put_device(&device->device);
	}
	unregister_chrdev_region(d->numbers, P2PSIM_DMIRROR_DEVICES);
	kfree(d);
}

int p2psim_dmirror_load(const struct p2psim_dmirror_config *config, struct p2psim_dmirror **driver)
{
	struct p2psim_dmirror *d = kzalloc(sizeof(*d), GFP_KERNEL);
	int i, ret;

	*driver = NULL;
	if (!d)
		return -ENOMEM;
	if (config)
		d->config = *config;
	if (!d->config.chunk_pages)
		d->config.chunk_pages = CHUNK_PAGES;
	ret = alloc_chrdev_region(&d->numbers, 0, P2PSIM_DMIRROR_DEVICES, "HMM_DMIRROR");
	if (ret) {
		kfree(d);
		return ret;
	}
	for (i = 0; i < P2PSIM_DMIRROR_DEVICES && !ret; i++)
		ret = add_device(d, i);
	if (ret)
		p2psim_dmirror_unload(d);
	else
		*driver = d;
	return ret;
}

/* ---- for those who look from outside ---- */

char p2psim_dmirror_entry(const struct file *file, unsigned long addr)
{
	const struct dmirror_entry *entry = dmirror_find(file->private_data, addr >> PAGE_SHIFT);

	return entry ? "rwx"[entry->access] : '.';
}

int p2psim_dmirror_number_of(const struct p2psim_dmirror *d, const void *owner)
{
	int i;

	for (i = 0; d && owner && i < P2PSIM_DMIRROR_DEVICES; i++)
		if (d->devices[i] == owner)
			return i;
	return -1;
}
