/* SPDX-License-Identifier: MIT */
/*
 * A driver of Linux 5.2: kernel includes only, mmap_sem, hmm_mirror.  It is compiled with what p2psim-kernel-5.2.pc says and
 * nothing else.  One page, filled by the loop of Documentation/vm/hmm.rst of that time.
 */
#include <linux/err.h>
#include <linux/hmm.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/slab.h>

#include "driver_5_2.h"

struct old_driver {
	struct hmm_mirror mirror;
	struct mm_struct *mm;
	struct mutex lock;
	unsigned long addr;
	uint64_t entry;			/* lock */
};

static const uint64_t old_flags[HMM_PFN_FLAG_MAX] = {
	[HMM_PFN_VALID] = 1 << 0, [HMM_PFN_WRITE] = 1 << 1, [HMM_PFN_DEVICE_PRIVATE] = 1 << 2,
};
static const uint64_t old_values[HMM_PFN_VALUE_MAX] = {
	[HMM_PFN_ERROR] = 1 << 3, [HMM_PFN_NONE] = 0, [HMM_PFN_SPECIAL] = 1 << 4,
};

static int old_sync(struct hmm_mirror *mirror, const struct hmm_update *update)
{
	struct old_driver *driver = container_of(mirror, struct old_driver, mirror);

	if (update->blockable)
		mutex_lock(&driver->lock);
	else if (!mutex_trylock(&driver->lock))
		return -EAGAIN;
	if (update->start <= driver->addr && driver->addr < update->end)
		driver->entry = 0;
	mutex_unlock(&driver->lock);
	return 0;
}

static const struct hmm_mirror_ops old_ops = { .sync_cpu_device_pagetables = old_sync };

struct old_driver *old_driver_create(struct mm_struct *mm, unsigned long addr)
{
	struct old_driver *driver = kzalloc(sizeof(*driver), GFP_KERNEL);
	int ret;

	if (!driver)
		return ERR_PTR(-ENOMEM);
	mutex_init(&driver->lock);
	driver->mm = mm;
	driver->addr = addr;
	driver->mirror.ops = &old_ops;
	down_write(&mm->mmap_sem);
	ret = hmm_mirror_register(&driver->mirror, mm);
	up_write(&mm->mmap_sem);
	if (!ret)
		return driver;
	kfree(driver);
	return ERR_PTR(ret);
}

void old_driver_destroy(struct old_driver *driver)
{
	hmm_mirror_unregister(&driver->mirror);
	kfree(driver);
}

long old_driver_fault(struct old_driver *driver)
{
	uint64_t pfn = 0;
	struct hmm_range range = {
		.pfns = &pfn, .flags = old_flags, .values = old_values, .default_flags = 1 << 0, .pfn_shift = 8,
	};
	bool done = false;
	long ret;

	ret = hmm_range_register(&range, driver->mm, driver->addr, driver->addr + PAGE_SIZE, PAGE_SHIFT);
	if (ret)
		return ret;
	while (!done) {
		if (!hmm_range_wait_until_valid(&range, HMM_RANGE_DEFAULT_TIMEOUT)) {
			ret = -EBUSY;
			break;
		}
		down_read(&driver->mm->mmap_sem);
		ret = hmm_range_fault(&range, true);
		up_read(&driver->mm->mmap_sem);
		if (ret < 0 && ret != -EBUSY)
			break;
		mutex_lock(&driver->lock);
		done = ret > 0 && hmm_range_valid(&range);
		if (done)
			driver->entry = pfn;
		mutex_unlock(&driver->lock);
	}
	hmm_range_unregister(&range);
	return ret;
}

bool old_driver_has_page(struct old_driver *driver)
{
	return driver->entry & old_flags[HMM_PFN_VALID];
}
