/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/kobject.h, 6.1 (declared: there is no sysfs; linking says what is missing). */
#ifndef P2PSIM_LINUX_KOBJECT_H
#define P2PSIM_LINUX_KOBJECT_H

#include <p2psim/linux/idr.h>
#include <p2psim/linux/kernel.h>
#include <p2psim/linux/list.h>
#include <p2psim/linux/refcount.h>

struct address_space;
struct file;
struct kobj_type;
struct vm_area_struct;

struct attribute {
	const char *name;
	umode_t mode;
};

struct attribute_group {
	const char *name;
	struct attribute **attrs;
};


struct kobject {
	const char *name;
	struct kobject *parent;
	const struct kobj_type *ktype;
	struct kref kref;
};

struct bin_attribute {
	struct attribute attr;
	size_t size;
	void *private;
	ssize_t (*read)(struct file *file, struct kobject *kobj, struct bin_attribute *attr, char *buf, loff_t at, size_t len);
	ssize_t (*write)(struct file *file, struct kobject *kobj, struct bin_attribute *attr, char *buf, loff_t at, size_t len);
};

void kobject_init(struct kobject *kobj, const struct kobj_type *ktype);
int kobject_add(struct kobject *kobj, struct kobject *parent, const char *fmt, ...);
int kobject_init_and_add(struct kobject *kobj, const struct kobj_type *ktype, struct kobject *parent, const char *fmt, ...);
void kobject_del(struct kobject *kobj);
struct kobject *kobject_get(struct kobject *kobj);
void kobject_put(struct kobject *kobj);

#endif
