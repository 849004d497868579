/* SPDX-License-Identifier: MIT */
/*
 * D13: why a mirror wants to hear the reason of an invalidation.
 *
 * gpu0 keeps read access where a range has only lost its write permission.  It is told the VMA, or it has to look for one;
 * and a page that is reclaimed is announced without mmap_sem:
 *
 *	kswapd
 *	start(CLEAR, page, vma)
 *	  gpu0.sync_cpu_device_pagetables(range)
 *	    range->vma is there: its flags
 *	    as it was: find_vma()		without the lock that keeps it
 *
 * The callback is that of 5.4: Campbell's patch, to which the mail answers.
 */
#define P2PSIM_HMM_MIRROR_RANGE
#include <p2psim/linux-5.2/hmm.h>

#include <errno.h>

#include <p2psim/linux/mman.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/process.h>
#include <p2psim/reclaim.h>
#include <p2psim/trace.h>

#include "eras.h"

#define START 0x10000UL

struct reason {
	struct p2psim_process *app;
	struct mm_struct *mm;
	struct hmm_mirror mirror;
	struct mutex lock;
	bool may_read, may_write;	/* lock */
};

static int gpu_sync(struct hmm_mirror *mirror, const struct mmu_notifier_range *range)
{
	struct reason *t = container_of(mirror, struct reason, mirror);
	struct vm_area_struct *vma = range->vma ? range->vma : find_vma(range->mm, range->start);

	mutex_lock(&t->lock);
	t->may_write = false;
	t->may_read &= range->event == MMU_NOTIFY_PROTECTION_VMA && vma && (vma->vm_flags & VM_READ);
	mutex_unlock(&t->lock);
	p2psim_note("gpu0 may %s", t->may_read ? P2PSIM_STR("read still") : P2PSIM_STR("do nothing more"));
	return 0;
}

static const struct hmm_mirror_ops ops = { .sync_cpu_device_pagetables = gpu_sync };

static void teardown(void *state)
{
	struct reason *t = state;

	if (t->mirror.hmm)
		hmm_mirror_unregister(&t->mirror);
	mmu_notifier_synchronize();
	if (t->app)
		p2psim_process_exit(t->app);
}

static int setup(void *state)
{
	struct reason *t = state;
	int ret;

	t->app = p2psim_process_create("app");
	if (!t->app)
		return -ENOMEM;
	t->mm = p2psim_process_mm(t->app);
	mutex_init(&t->lock);
	t->mirror.ops = &ops;
	t->may_read = t->may_write = true;
	ret = (int)min(0L, p2psim_mmap(t->app, START, PAGE_SIZE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0));
	if (!ret)
		ret = p2psim_store_byte(t->app, START, 'a');
	down_write(&t->mm->mmap_sem);
	if (!ret)
		ret = hmm_mirror_register(&t->mirror, t->mm);
	up_write(&t->mm->mmap_sem);
	if (ret)
		teardown(t);
	return ret;
}

static void app_protects(void *state)
{
	p2psim_mprotect(((struct reason *)state)->app, START, PAGE_SIZE, PROT_READ);
}

static void kswapd_reclaims(void *state)
{
	p2psim_reclaim_address(((struct reason *)state)->app, START);
}

/* The page is read-only, or gone. */
static bool may_still_write(void *state)
{
	return ((struct reason *)state)->may_write;
}

#define FIELDS                                                                                                         \
	.question = "Must a mirror look for the VMA of an invalidation, where nothing keeps it?",                      \
	.source = "Gunthorpe, 2019-06-08, Re: [RFC] mm/hmm: pass mmu_notifier_range to sync_cpu_device_pagetables",    \
	.state_size = sizeof(struct reason), .setup = setup,                                                           \
	.tasks = { { "app", app_protects }, { "kswapd", kswapd_reclaims } }, .exists = may_still_write,                \
	.teardown = teardown

const struct p2psim_scenario p2psim_era_reason[] = {
	ERA_PAIR("D13-no-reason", D13_NO_REASON, NULL, P2PSIM_VIOLATION, P2PSIM_CONTRACT, FIELDS)
	{},
};
