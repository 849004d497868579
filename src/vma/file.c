/* SPDX-License-Identifier: MIT */
/*
 * Files of devices: a reference count, the driver's operations, and the reverse map of who has it mapped.
 */
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/sched.h>
#include <p2psim/step.h>
#include <p2psim/trace.h>
#include <p2psim/world.h>

#include "vma/internal.h"

void file_init(struct file *file, const char *name, const struct file_operations *fops, void *private_data, fmode_t mode)
{
	p2psim_object_init(&file->obj, "file");
	p2psim_object_rename(&file->obj, "%s", name);
	file->obj.name = p2psim_world_object_name(p2psim_world_current(), file->obj.id);
	file->f_op = fops;
	file->private_data = private_data;
	file->f_mode = mode;
	file->f_count.counter = 1;
	file->f_mapping = &file->mapping;
	file->f_inode = &file->inode;
	file->inode.i_mapping = &file->mapping;
	file->mapping.host = file;
	__init_rwsem(&file->mapping.i_mmap_rwsem, "i_mmap_rwsem");
}

struct file *p2psim_file_create(const char *name, const struct file_operations *fops, void *private_data, fmode_t mode)
{
	struct file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (file)
		file_init(file, name, fops, private_data, mode);
	return file;
}

struct file *get_file(struct file *file)
{
	if (file->f_count.counter++ <= 0)
		p2psim_violate(P2PSIM_UAF, 0, file->obj.id, 0, "a reference is taken of a file that is closed");
	return file;
}

void file_release(struct file *file)
{
	if (file->mapping.i_mmap.root)
		p2psim_violate(P2PSIM_BALANCE, 0, file->obj.id, 0, "%s is closed while it is mapped", file->obj.name);
	if (file->f_op && file->f_op->release)
		file->f_op->release(file->f_inode, file);
	if (file->put_node)
		file->put_node(file);
	kfree(file);
}

/* As in the kernel, ->release() runs when the system call is over, without its locks; outside of one, at once. */
void fput(struct file *file)
{
	struct system_call *call = current->private_data;

	if (--file->f_count.counter)
		return;
	if (!call) {
		file_release(file);
		return;
	}
	file->next_released = call->released;
	call->released = file;
}
