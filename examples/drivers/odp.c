/* SPDX-License-Identifier: MIT */
/*
 * On-demand paging as mlx5 has it, implicit: the region is any address, and costs nothing where nothing is used.  It has no
 * notifier, but children, in an xarray: an interval notifier and a DMA mapping, for as long as a page is mapped.
 *
 *	the device faults			munmap(), reclaim, ...			worker
 *	child := the listed one, or a new one
 *	read_begin(); hmm_range_fault()
 *	lock; dying? retry? map, entry; unlock
 *						invalidate(): lock; set_seq
 *						  entry out; dma_unmap_page()
 *						  dying; unlist; queue destroy
 *						unlock					waits for faults; frees
 *
 * The entry goes before the DMA mapping, that before the page.  Who unlists a child destroys it; a fault that finds it dying
 * looks again.  Reduced: children of one page, no keys; bus address 0 is none.
 */
#include "drivers.h"

#include <linux/dma-mapping.h>
#include <linux/hmm.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

struct odp {
	struct mm_struct *mm;
	struct device *dev;
	unsigned long start;
	struct xarray children;
	struct srcu_struct srcu;	/* faults, which use what they have found in `children` */
	u64 table[DRIVER_PAGES];	/* the device's */
	enum driver_fault wrong;
};

struct odp_child {
	struct mmu_interval_notifier notifier;
	struct odp *odp;
	unsigned long page;
	struct mutex lock;		/* taken inside invalidate() */
	u64 entry;			/* lock; 0: not mapped */
	bool dying;			/* lock */
	struct work_struct destroy;
};

static bool unlist(struct odp_child *child)
{
	return xa_cmpxchg(&child->odp->children, child->page, child, NULL, GFP_ATOMIC) == child;
}

static void set_entry(struct odp_child *child, u64 entry)
{
	WRITE_ONCE(child->odp->table[child->page], entry);
	trace_puts(entry ? "entry in" : "entry out");
	if (!entry)
		dma_unmap_page(child->odp->dev, child->entry, PAGE_SIZE, DMA_BIDIRECTIONAL);
	child->entry = entry;
}

static void destroy_child(struct work_struct *work)
{
	struct odp_child *child = container_of(work, struct odp_child, destroy);

	if (child->odp->wrong == DRIVER_STAYS_LISTED)
		unlist(child);
	synchronize_srcu(&child->odp->srcu);
	mmu_interval_notifier_remove(&child->notifier);
	if (child->entry)	/* the region goes */
		set_entry(child, 0);
	kfree(child);
}

static bool odp_invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			   unsigned long cur_seq)
{
	struct odp_child *child = container_of(sub, struct odp_child, notifier);

	if (!mmu_notifier_range_blockable(range))
		return false;
	mutex_lock(&child->lock);
	mmu_interval_set_seq(sub, cur_seq);
	if (child->entry) {
		set_entry(child, 0);
		child->dying = child->odp->wrong != DRIVER_STAYS_LISTED;
		if (!child->dying || unlist(child))
			queue_work(system_unbound_wq, &child->destroy);
	}
	mutex_unlock(&child->lock);
	return true;
}

static const struct mmu_interval_notifier_ops child_ops = { .invalidate = odp_invalidate };

/* Listed; NULL: out of memory, or another fault was faster. */
static struct odp_child *new_child(struct odp *odp, unsigned long page)
{
	struct odp_child *child = kzalloc(sizeof(*child), GFP_KERNEL);

	if (!child)
		return NULL;
	*child = (struct odp_child){ .odp = odp, .page = page };
	mutex_init(&child->lock);
	INIT_WORK(&child->destroy, destroy_child);
	if (!mmu_interval_notifier_insert(&child->notifier, odp->mm, odp->start + page * PAGE_SIZE, PAGE_SIZE,
					  &child_ops)) {
		if (!xa_cmpxchg(&odp->children, page, NULL, child, GFP_KERNEL))
			return child;
		mmu_interval_notifier_remove(&child->notifier);
	}
	kfree(child);
	return NULL;
}

static int map_child(struct odp *odp, struct odp_child *child)
{
	unsigned long pfn = 0, start = odp->start + child->page * PAGE_SIZE;
	struct hmm_range range = { .notifier = &child->notifier, .start = start, .end = start + PAGE_SIZE,
				   .hmm_pfns = &pfn, .default_flags = HMM_PFN_REQ_FAULT };
	dma_addr_t dma;
	int ret;

	range.notifier_seq = mmu_interval_read_begin(&child->notifier);
	mmap_read_lock(odp->mm);
	ret = hmm_range_fault(&range);
	mmap_read_unlock(odp->mm);
	mutex_lock(&child->lock);
	if (child->dying || (mmu_interval_read_retry(range.notifier, range.notifier_seq) && odp->wrong != DRIVER_NO_RETRY))
		ret = -EBUSY;
	if (!ret && !child->entry) {
		dma = dma_map_page(odp->dev, hmm_pfn_to_page(pfn), 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
		ret = dma_mapping_error(odp->dev, dma) ? -EFAULT : 0;
		if (!ret)
			set_entry(child, dma);
	}
	if (ret != -EBUSY && odp->wrong == DRIVER_PUTS_UNDER_LOCK)
		mmput(odp->mm);
	mutex_unlock(&child->lock);
	return ret;
}

/* The last mm_users is not put under a child's lock: the end of the process wants it. */
static int odp_fault(void *driver, unsigned long page)
{
	struct odp *odp = driver;
	struct odp_child *child;
	int idx, tries, ret = -EBUSY;

	if (!mmget_not_zero(odp->mm))
		return -EFAULT;
	idx = srcu_read_lock(&odp->srcu);
	for (tries = 0; tries < 8 && ret == -EBUSY; tries++) {
		child = xa_load(&odp->children, page) ?: new_child(odp, page);
		ret = child ? map_child(odp, child) : -EBUSY;
	}
	srcu_read_unlock(&odp->srcu, idx);
	if (odp->wrong != DRIVER_PUTS_UNDER_LOCK)
		mmput(odp->mm);
	return ret;
}

static void odp_destroy(void *driver)
{
	struct odp *odp = driver;
	struct odp_child *child;
	unsigned long page;

	xa_for_each(&odp->children, page, child)
		if (xa_cmpxchg(&odp->children, page, child, NULL, GFP_KERNEL) == child)
			destroy_child(&child->destroy);
	flush_workqueue(system_unbound_wq);
	cleanup_srcu_struct(&odp->srcu);
	mmdrop(odp->mm);
	kfree(odp);
}

static void *odp_create(struct mm_struct *mm, unsigned long start, struct device *dev, enum driver_fault wrong)
{
	struct odp *odp = kzalloc(sizeof(*odp), GFP_KERNEL);

	if (!odp)
		return NULL;
	*odp = (struct odp){ .mm = mm, .start = start, .dev = dev, .wrong = wrong };
	xa_init(&odp->children);
	mmgrab(mm);
	if (!init_srcu_struct(&odp->srcu))
		return odp;
	mmdrop(mm);
	kfree(odp);
	return NULL;
}

static u64 odp_entry(void *driver, unsigned long page)
{
	return READ_ONCE(((struct odp *)driver)->table[page]);
}

const struct driver_ops odp_driver = { odp_create, odp_destroy, odp_fault, odp_entry };
