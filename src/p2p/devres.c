/* SPDX-License-Identifier: MIT */
/*
 * What goes with the driver: a list of each device, released from the last to the first.  Mirrors: drivers/base/devres.c, 6.1
 * (reduced: actions and memory, no groups).
 */
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/linux/device.h>
#include <p2psim/linux/interrupt.h>
#include <p2psim/linux/io.h>
#include <p2psim/step.h>

struct p2psim_devres {
	struct p2psim_devres *next;
	void (*action)(void *data);
	void *data;
};

static int add(struct device *dev, void (*action)(void *data), void *data)
{
	struct p2psim_devres *res = (kzalloc)(sizeof(*res), GFP_KERNEL);

	if (!res)
		return -ENOMEM;
	*res = (struct p2psim_devres){ dev->devres, action, data };
	dev->devres = res;
	return 0;
}

/* Takes it off the list; false: it is not there. */
static bool take(struct device *dev, void (*action)(void *data), const void *data)
{
	struct p2psim_devres **link = &dev->devres, *res;

	while (*link && ((*link)->action != action || (*link)->data != data))
		link = &(*link)->next;
	res = *link;
	if (!res) {
		p2psim_violate(P2PSIM_BALANCE, 0, p2psim_object_id(&dev->obj), 0, "%s has nothing of the kind to give back",
			       dev_name(dev));
		return false;
	}
	*link = res->next;
	(kfree)(res);
	return true;
}

int devres_release_all(struct device *dev)
{
	struct p2psim_devres *res;
	int count = 0;

	for (; dev->devres; count++) {
		res = dev->devres;
		dev->devres = res->next;
		res->action(res->data);
		(kfree)(res);
	}
	return count;
}

int devm_add_action(struct device *dev, void (*action)(void *data), void *data)
{
	return add(dev, action, data);
}

int devm_add_action_or_reset(struct device *dev, void (*action)(void *data), void *data)
{
	int error = add(dev, action, data);

	if (error)
		action(data);
	return error;
}

void devm_remove_action(struct device *dev, void (*action)(void *data), void *data)
{
	take(dev, action, data);
}

/* ---- memory ---- */

static void free_memory(void *data)
{
	(kfree)(data);
}

void *(devm_kmalloc)(struct device *dev, size_t size, gfp_t gfp)
{
	void *memory = (kmalloc)(size, gfp);

	if (!memory || !add(dev, free_memory, memory))
		return memory;
	(kfree)(memory);
	return NULL;
}

char *(devm_kstrdup)(struct device *dev, const char *s, gfp_t gfp)
{
	size_t bytes = s ? strlen(s) + 1 : 0;
	char *copy = s ? (devm_kmalloc)(dev, bytes, gfp) : NULL;

	return copy ? memcpy(copy, s, bytes) : NULL;
}

void devm_kfree(struct device *dev, const void *ptr)
{
	if (ptr && take(dev, free_memory, ptr))
		(kfree)(ptr);
}

/* ---- registers and interrupts ---- */

static void unmap_registers(void *data)
{
	(iounmap)(data);
}

void __iomem *(devm_ioremap)(struct device *dev, resource_size_t phys, resource_size_t size)
{
	void __iomem *addr = (ioremap)(phys, size);

	if (!addr || !add(dev, unmap_registers, addr))
		return addr;
	(iounmap)(addr);
	return NULL;
}

void devm_iounmap(struct device *dev, void __iomem *addr)
{
	if (take(dev, unmap_registers, addr))
		(iounmap)(addr);
}

struct devm_irq {
	unsigned int irq;
	void *dev_id;
};

static void free_interrupt(void *data)
{
	struct devm_irq *devm = data;

	(free_irq)(devm->irq, devm->dev_id);
	(kfree)(devm);
}

int(devm_request_threaded_irq)(struct device *dev, unsigned int irq, irq_handler_t handler, irq_handler_t thread_fn,
			       unsigned long flags, const char *name, void *dev_id)
{
	struct devm_irq *devm = (kzalloc)(sizeof(*devm), GFP_KERNEL);
	int error;

	if (!devm)
		return -ENOMEM;
	*devm = (struct devm_irq){ irq, dev_id };
	error = (request_threaded_irq)(irq, handler, thread_fn, flags, name ? name : dev_name(dev), dev_id);
	if (error)
		(kfree)(devm);
	else
		error = devm_add_action_or_reset(dev, free_interrupt, devm);
	return error;
}

void(devm_free_irq)(struct device *dev, unsigned int irq, void *dev_id)
{
	struct p2psim_devres *res = dev->devres;
	struct devm_irq *devm = NULL;

	for (; res; res = res->next) {
		devm = res->data;
		if (res->action == free_interrupt && devm->irq == irq && devm->dev_id == dev_id)
			break;
	}
	if (take(dev, free_interrupt, res ? devm : NULL))
		free_interrupt(devm);
}
