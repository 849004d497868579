/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/kobject.h, 6.1 (declared: there is no sysfs; linking says what is missing). */
#ifndef P2PSIM_LINUX_KOBJECT_H
#define P2PSIM_LINUX_KOBJECT_H

#include <p2psim/linux/kernel.h>
#include <p2psim/linux/list.h>
#include <p2psim/linux/refcount.h>

struct kobj_type;

struct kobject {
	const char *name;
	struct kobject *parent;
	const struct kobj_type *ktype;
	struct kref kref;
};

void kobject_init(struct kobject *kobj, const struct kobj_type *ktype);
int kobject_add(struct kobject *kobj, struct kobject *parent, const char *fmt, ...);
int kobject_init_and_add(struct kobject *kobj, const struct kobj_type *ktype, struct kobject *parent, const char *fmt, ...);
void kobject_del(struct kobject *kobj);
struct kobject *kobject_get(struct kobject *kobj);
void kobject_put(struct kobject *kobj);

#endif
