/* SPDX-License-Identifier: MIT */
/*
 * Numbers of character devices: who has reserved them (regions), who answers for them (cdevs), and the inodes of those that
 * were opened (nodes).
 *
 * The table is one object: adding and removing write it, opening reads it.  Nodes are the machine's, not the driver's: they live
 * until the end of the execution and may fail for want of arena alone.
 */
#include <string.h>

#include <p2psim/linux/slab.h>

#include "core/layer.h"
#include "p2p/chrdev.h"
#include "p2p/internal.h"
#include "vma/internal.h"

#define DYNAMIC_FIRST 254		/* Documentation/admin-guide/devices.txt: 234-254, then 384-511 */
#define DYNAMIC_LAST 234
#define DYNAMIC_EXTENDED_FIRST 511
#define DYNAMIC_EXTENDED_LAST 384

struct region {
	struct list_head link;
	dev_t from;
	unsigned int count;
	const char *name;
	struct cdev *cdev;		/* of register_chrdev() */
};

struct chrdev_state {
	struct p2psim_object obj;
	struct list_head regions, cdevs, nodes;
};

static struct chrdev_state *chrdev_state(void)
{
	struct chrdev_state *state = p2psim_layer_state(P2PSIM_LAYER_CHRDEV, sizeof(*state));

	if (state && !state->regions.next) {
		p2psim_object_init(&state->obj, "character devices");
		INIT_LIST_HEAD(&state->regions);
		INIT_LIST_HEAD(&state->cdevs);
		INIT_LIST_HEAD(&state->nodes);
	}
	return state;
}

static void table_step(struct chrdev_state *state, bool write, const char *label)
{
	p2psim_step_on(write ? P2PSIM_STEP_WRITE : P2PSIM_STEP_READ, p2psim_object_id(&state->obj), write, label);
}

static bool overlap(dev_t a, unsigned int a_count, dev_t b, unsigned int b_count)
{
	return a < b + b_count && b < a + a_count;
}

/* ---- regions ---- */

static bool is_taken(struct chrdev_state *state, dev_t from, unsigned int count)
{
	struct region *region;

	list_for_each_entry(region, &state->regions, link)
		if (overlap(from, count, region->from, region->count))
			return true;
	return false;
}

static struct region *take(dev_t from, unsigned int count, const char *name, int *error)
{
	struct chrdev_state *state = chrdev_state();
	struct region *region = state ? kzalloc(sizeof(*region), GFP_KERNEL) : NULL;

	*error = region ? 0 : -ENOMEM;
	if (!region)
		return NULL;
	table_step(state, true, "register_chrdev_region");
	if (is_taken(state, from, count) || !count || MINOR(from) + count - 1 > MINORMASK) {
		*error = count && MINOR(from) + count - 1 <= MINORMASK ? -EBUSY : -EINVAL;
		kfree(region);
		return NULL;
	}
	region->from = from;
	region->count = count;
	region->name = name;
	list_add_tail(&region->link, &state->regions);
	return region;
}

int register_chrdev_region(dev_t from, unsigned int count, const char *name)
{
	int error;

	take(from, count, name, &error);
	return error;
}

/* A major with no region at all, or 0. */
static unsigned int free_major(void)
{
	struct chrdev_state *state = chrdev_state();
	unsigned int major;

	for (major = DYNAMIC_FIRST; state && major >= DYNAMIC_LAST; major--)
		if (!is_taken(state, MKDEV(major, 0), MINORMASK + 1))
			return major;
	for (major = DYNAMIC_EXTENDED_FIRST; state && major >= DYNAMIC_EXTENDED_LAST; major--)
		if (!is_taken(state, MKDEV(major, 0), MINORMASK + 1))
			return major;
	return 0;
}

int alloc_chrdev_region(dev_t *dev, unsigned int baseminor, unsigned int count, const char *name)
{
	unsigned int major = free_major();
	int error;

	if (!major)
		return -EBUSY;
	take(MKDEV(major, baseminor), count, name, &error);
	if (!error)
		*dev = MKDEV(major, baseminor);
	return error;
}

static struct region *drop(dev_t from, unsigned int count)
{
	struct chrdev_state *state = chrdev_state();
	struct region *region;

	table_step(state, true, "unregister_chrdev_region");
	list_for_each_entry(region, &state->regions, link) {
		if (region->from == from && region->count == count) {
			list_del(&region->link);
			return region;
		}
	}
	return NULL;
}

void unregister_chrdev_region(dev_t from, unsigned int count)
{
	kfree(drop(from, count));
}

int register_chrdev(unsigned int major, const char *name, const struct file_operations *fops)
{
	unsigned int chosen = major ? major : free_major();
	struct region *region;
	int error;

	if (!chosen)
		return -EBUSY;
	region = take(MKDEV(chosen, 0), 256, name, &error);
	if (!region)
		return error;
	region->cdev = cdev_alloc();
	error = region->cdev ? 0 : -ENOMEM;
	if (!error) {
		region->cdev->ops = fops;
		region->cdev->owner = fops->owner;
		error = cdev_add(region->cdev, MKDEV(chosen, 0), 256);
	}
	if (error) {
		kfree(region->cdev);
		unregister_chrdev_region(MKDEV(chosen, 0), 256);
	}
	return error ? error : major ? 0 : (int)chosen;
}

void unregister_chrdev(unsigned int major, const char *name)
{
	struct region *region = drop(MKDEV(major, 0), 256);

	if (region && region->cdev)
		cdev_del(region->cdev);
	kfree(region);
}

/* ---- cdevs ---- */

void cdev_init(struct cdev *cdev, const struct file_operations *fops)
{
	*cdev = (struct cdev){ .ops = fops };
	INIT_LIST_HEAD(&cdev->list);
}

struct cdev *cdev_alloc(void)
{
	struct cdev *cdev = kzalloc(sizeof(*cdev), GFP_KERNEL);

	if (!cdev)
		return NULL;
	cdev_init(cdev, NULL);
	cdev->allocated = true;
	return cdev;
}

int cdev_add(struct cdev *cdev, dev_t dev, unsigned int count)
{
	struct chrdev_state *state = chrdev_state();
	struct cdev *other;

	if (!state || p2psim_inject_point())
		return -ENOMEM;
	table_step(state, true, "cdev_add");
	list_for_each_entry(other, &state->cdevs, list)
		if (overlap(dev, count, other->dev, other->count))
			return -EBUSY;
	cdev->dev = dev;
	cdev->count = count;
	list_add_tail(&cdev->list, &state->cdevs);
	return 0;
}

void cdev_del(struct cdev *cdev)
{
	struct device *parent = cdev->parent;

	table_step(chrdev_state(), true, "cdev_del");
	list_del_init(&cdev->list);
	cdev->parent = NULL;
	if (cdev->allocated)
		kfree(cdev);
	put_device(parent);
}

int cdev_device_add(struct cdev *cdev, struct device *dev)
{
	int error;

	if (dev->devt) {
		error = cdev_add(cdev, dev->devt, 1);
		if (error)
			return error;
		cdev->parent = get_device(dev);
	}
	error = device_add(dev);
	if (error && dev->devt)
		cdev_del(cdev);
	return error;
}

void cdev_device_del(struct cdev *cdev, struct device *dev)
{
	device_del(dev);
	if (dev->devt)
		cdev_del(cdev);
}

struct cdev *chrdev_find(dev_t dev)
{
	struct chrdev_state *state = chrdev_state();
	struct cdev *cdev;

	if (!state)
		return NULL;
	table_step(state, false, "open");
	list_for_each_entry(cdev, &state->cdevs, list)
		if (overlap(dev, 1, cdev->dev, cdev->count))
			return cdev;
	return NULL;
}

/* ---- nodes ---- */

dev_t chrdev_by_name(const char *name)
{
	struct p2psim_p2p_state *state = p2psim_p2p_state();
	struct device *dev;

	if (!state)
		return 0;
	list_for_each_entry(dev, &state->devices, link)
		if (dev->added && dev->devt && !strcmp(dev_name(dev), name))
			return dev->devt;
	return 0;
}

struct chrdev_node *chrdev_node(dev_t dev)
{
	struct chrdev_state *state = chrdev_state();
	struct chrdev_node *node;

	list_for_each_entry(node, &state->nodes, link)
		if (node->inode.i_rdev == dev)
			return node;
	node = p2psim_arena_alloc(sizeof(*node));
	if (!node)
		return NULL;
	file_init(&node->host, "device node", NULL, NULL, 0);
	node->inode.i_rdev = dev;
	node->inode.i_mode = 0020600; /* S_IFCHR, rw for root */
	node->inode.i_mapping = &node->host.mapping;
	list_add_tail(&node->link, &state->nodes);
	return node;
}
