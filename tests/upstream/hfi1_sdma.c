/* SPDX-License-Identifier: MIT */
/*
 * A device around two unmodified files of Linux 6.1, drivers/infiniband/hw/hfi1/mmu_rb.c and user_pages.c: they keep what user
 * space has sent pinned, until a notifier says that the range is going.  Here is what user_sdma.c does with them, one page a
 * request, and the device: it reads the page and returns its first byte.
 *
 *	the references of a node		who puts it
 *	the cache's				mmu_notifier_range_start(), hfi1_mmu_rb_evict(), hfi1_mmu_rb_unregister()
 *	the request's				the device, when it is through: hfi1_mmu_rb_release() leaves the rest to a worker
 */
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "hfi.h"
#include "mmu_rb.h"

#include "hfi1_sdma.h"

static int how;
module_param(how, int, 0);

struct queue {
	struct mmu_rb_handler *handler;
	struct workqueue_struct *wq;
	struct mutex enter;		/* SDMA_ENTER_FIRST: of looking, entering and pinning */
	struct mmu_interval_notifier all; /* SDMA_ASK_SEQUENCE: has anything been invalidated since? */
	spinlock_t lock;		/* of that question and what follows from it */
	atomic_t pinned;
	struct workqueue_struct *device;
};

struct node {
	struct mmu_rb_node rb;
	struct page *page;		/* NULL: not pinned */
};

/* hfi1_can_pin_pages() asks: everybody may lock as much as he likes. */
bool capable(int cap)
{
	return true;
}

static void free_node(struct queue *q, struct node *node)
{
	if (node->page) {
		hfi1_release_user_pages(q->handler->mn.mm, &node->page, 1, false);
		atomic_dec(&q->pinned);
	}
	kfree(node);
}

static bool same_address(struct mmu_rb_node *rb, unsigned long addr, unsigned long len)
{
	return rb->addr == addr;
}

static int evict(void *queue, struct mmu_rb_node *rb, void *left, bool *stop)
{
	if (--*(long *)left <= 0)
		*stop = true;
	return 1;
}

static void removed(void *queue, struct mmu_rb_node *rb)
{
	might_sleep();
	free_node(queue, container_of(rb, struct node, rb));
}

static struct mmu_rb_ops ops = { .filter = same_address, .evict = evict, .remove = removed };

/* With a reference, or NULL. */
static struct node *find(struct queue *q, unsigned long addr)
{
	struct mmu_rb_node *rb;

	spin_lock(&q->handler->lock);
	rb = hfi1_mmu_rb_get_first(q->handler, addr, PAGE_SIZE);
	if (rb)
		kref_get(&rb->refcount);
	spin_unlock(&q->handler->lock);
	return rb ? container_of(rb, struct node, rb) : NULL;
}

static int pin(struct queue *q, struct node *node)
{
	int pinned;

	if (!hfi1_can_pin_pages(NULL, current->mm, atomic_read(&q->pinned), 1))
		return -ENOMEM;
	pinned = hfi1_acquire_user_pages(current->mm, node->rb.addr, 1, false, &node->page);
	if (pinned != 1)
		return pinned < 0 ? pinned : -EFAULT;
	atomic_inc(&q->pinned);
	return 0;
}

/* The cache's reference and, for the caller, one more. */
static struct node *new_node(unsigned long addr)
{
	struct node *node = kzalloc(sizeof(*node), GFP_KERNEL);

	if (!node)
		return NULL;
	node->rb.addr = addr;
	node->rb.len = PAGE_SIZE;
	kref_init(&node->rb.refcount);
	kref_get(&node->rb.refcount);
	return node;
}

static bool invalidate(struct mmu_interval_notifier *all, const struct mmu_notifier_range *range, unsigned long seq)
{
	struct queue *q = container_of(all, struct queue, all);

	spin_lock(&q->lock);
	mmu_interval_set_seq(all, seq);
	spin_unlock(&q->lock);
	return true;
}

static const struct mmu_interval_notifier_ops all_ops = { .invalidate = invalidate };

/* -EAGAIN: something was invalidated since seq, and has not found the node. */
static int insert(struct queue *q, struct node *node, unsigned long seq)
{
	int ret;

	if (how != SDMA_ASK_SEQUENCE)
		return hfi1_mmu_rb_insert(q->handler, &node->rb);
	spin_lock(&q->lock);
	ret = mmu_interval_read_retry(&q->all, seq) ? -EAGAIN : hfi1_mmu_rb_insert(q->handler, &node->rb);
	spin_unlock(&q->lock);
	return ret;
}

/* add_system_pinning(): -EEXIST when another request was faster. */
static int pin_and_enter(struct queue *q, unsigned long addr, struct node **result)
{
	unsigned long seq = how == SDMA_ASK_SEQUENCE ? mmu_interval_read_begin(&q->all) : 0;
	struct node *node = new_node(addr);
	int ret;

	if (!node)
		return -ENOMEM;
	ret = pin(q, node);
	if (!ret)
		ret = insert(q, node, seq);
	if (ret)
		free_node(q, node);
	else
		*result = node;
	return ret;
}

/* get_system_cache_entry() */
static int get_pinned_first(struct queue *q, unsigned long addr, struct node **node)
{
	int ret;

	do {
		*node = find(q, addr);
		ret = *node ? 0 : pin_and_enter(q, addr, node);
	} while (ret == -EEXIST || ret == -EAGAIN);
	return ret;
}

/* A node that is not pinned yet, or whose request has failed, may be in the cache: q->enter keeps others from it. */
static int enter(struct queue *q, unsigned long addr, struct node **result)
{
	struct node *node = new_node(addr);
	int ret;

	if (!node)
		return -ENOMEM;
	ret = hfi1_mmu_rb_insert(q->handler, &node->rb);
	if (ret)
		kfree(node);
	else
		*result = node;
	return ret;
}

/* Whoever begins to invalidate once the node is in finds it. */
static int get_entered_first(struct queue *q, unsigned long addr, struct node **node)
{
	int ret = 0;

	mutex_lock(&q->enter);
	*node = find(q, addr);
	if (!*node)
		ret = enter(q, addr, node);
	if (!ret && !(*node)->page) {
		ret = pin(q, *node);
		if (ret)
			kref_put(&(*node)->rb.refcount, hfi1_mmu_rb_release);
	}
	mutex_unlock(&q->enter);
	return ret;
}

static int get(struct queue *q, unsigned long addr, struct node **node)
{
	return how == SDMA_ENTER_FIRST ? get_entered_first(q, addr, node) : get_pinned_first(q, addr, node);
}

/* What the device does, in its own time. */
struct request {
	struct work_struct work;
	struct node *node;
	char *first;			/* where to put it, for who waits; or NULL */
};

static void transfer(struct work_struct *work)
{
	struct request *r = container_of(work, struct request, work);
	char first;

	memcpy_from_page(&first, r->node->page, 0, 1);
	kref_put(&r->node->rb.refcount, hfi1_mmu_rb_release);
	if (r->first)
		*r->first = first;
	else
		kfree(r);
}

static int post(struct queue *q, unsigned long addr, struct request *r)
{
	int ret = get(q, addr & PAGE_MASK, &r->node);

	if (ret)
		return ret;
	INIT_WORK(&r->work, transfer);
	queue_work(q->device, &r->work);
	return 0;
}

static long post_and_wait(struct queue *q, unsigned long addr)
{
	char first;
	struct request r = { .first = &first };
	int ret = post(q, addr, &r);

	if (ret)
		return ret;
	flush_work(&r.work);
	return first;
}

static long post_and_go(struct queue *q, unsigned long addr)
{
	struct request *r = kzalloc(sizeof(*r), GFP_KERNEL);
	int ret = r ? post(q, addr, r) : -ENOMEM;

	if (ret)
		kfree(r);
	return ret;
}

static long sdma_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct queue *q = file->private_data;
	long left = arg;

	switch (cmd) {
	case SDMA_SEND:
		return post_and_wait(q, arg);
	case SDMA_POST:
		return post_and_go(q, arg);
	case SDMA_EVICT:
		hfi1_mmu_rb_evict(q->handler, &left);
		return arg - left;
	case SDMA_CACHED:
		return atomic_read(&q->pinned);
	default:
		return -ENOTTY;
	}
}

static int sdma_open(struct inode *inode, struct file *file)
{
	struct queue *q = kzalloc(sizeof(*q), GFP_KERNEL);
	int ret = -ENOMEM;

	if (!q)
		return ret;
	mutex_init(&q->enter);
	spin_lock_init(&q->lock);
	q->wq = alloc_workqueue("hfi1", 0, 0);
	if (!q->wq)
		goto free;
	q->device = alloc_workqueue("device", 0, 0);
	if (!q->device)
		goto destroy;
	ret = hfi1_mmu_rb_register(q, &ops, q->wq, &q->handler);
	if (ret)
		goto stop;
	if (how == SDMA_ASK_SEQUENCE)
		ret = mmu_interval_notifier_insert(&q->all, current->mm, 0, ULONG_MAX, &all_ops);
	if (ret)
		goto unregister;
	file->private_data = q;
	return 0;

unregister:
	hfi1_mmu_rb_unregister(q->handler);
stop:
	destroy_workqueue(q->device);
destroy:
	destroy_workqueue(q->wq);
free:
	kfree(q);
	return ret;
}

/* hfi1_user_sdma_free_queues() */
static int sdma_release(struct inode *inode, struct file *file)
{
	struct queue *q = file->private_data;

	if (how != SDMA_CLOSE_EARLY)
		flush_workqueue(q->device);
	hfi1_mmu_rb_unregister(q->handler);
	if (how == SDMA_ASK_SEQUENCE)
		mmu_interval_notifier_remove(&q->all);
	destroy_workqueue(q->device);
	destroy_workqueue(q->wq);
	kfree(q);
	return 0;
}

static const struct file_operations sdma_fops = {
	.owner = THIS_MODULE,
	.open = sdma_open,
	.release = sdma_release,
	.unlocked_ioctl = sdma_ioctl,
};

static struct miscdevice sdma_device = { .minor = MISC_DYNAMIC_MINOR, .name = "hfi1_sdma", .fops = &sdma_fops };

module_misc_device(sdma_device);
MODULE_LICENSE("Dual MIT/GPL");
