/* SPDX-License-Identifier: MIT */
/*
 * gpu0 of 5.2: the callback, the canonical loop, and what stands before and after a scenario.
 *
 *	gpu0					whoever changes page tables
 *	register a range
 *	wait until valid; hmm_range_fault()
 *						sync_cpu_device_pagetables(): lock, drop, unlock
 *	lock; valid? install : again; unlock
 *	unregister the range
 */
#include "era_hmm_gpu.h"

#include <errno.h>

#include <p2psim/linux/mman.h>
#include <p2psim/linux/sched/mm.h>
#include <p2psim/linux/slab.h>
#include <p2psim/step.h>

#define TRIES_MAX 4

const uint64_t era_flags[HMM_PFN_FLAG_MAX] = { [HMM_PFN_VALID] = 1, [HMM_PFN_WRITE] = 2,
						      [HMM_PFN_DEVICE_PRIVATE] = 4 };
const uint64_t era_values[HMM_PFN_VALUE_MAX] = { [HMM_PFN_ERROR] = 8, [HMM_PFN_NONE] = 0, [HMM_PFN_SPECIAL] = 16 };

/* ---- The driver ---- */

static int gpu_sync(struct hmm_mirror *mirror, const struct hmm_update *update)
{
	struct gpu *gpu = container_of(mirror, struct gpu, mirror);
	unsigned long i;

	p2psim_step("gpu:sync");
	if (update->blockable)
		mutex_lock(&gpu->lock);
	else if (!mutex_trylock(&gpu->lock))
		return -EAGAIN;
	for (i = 0; i < PAGES; i++)
		if (update->start < AT(i + 1) && AT(i) < update->end)
			gpu->ptes[i] = 0;
	mutex_unlock(&gpu->lock);
	p2psim_step("gpu:synced");
	return 0;
}

static void gpu_release(struct hmm_mirror *mirror)
{
	struct hmm_update everything = { .end = ULONG_MAX, .blockable = true };

	gpu_sync(mirror, &everything);
}

static const struct hmm_mirror_ops gpu_ops = { .release = gpu_release, .sync_cpu_device_pagetables = gpu_sync };

void era_range_init(struct hmm_range *range, uint64_t *pfns)
{
	range->pfns = pfns;
	range->flags = era_flags;
	range->values = era_values;
	range->default_flags = era_flags[HMM_PFN_VALID];
	range->pfn_flags_mask = 0;
	range->pfn_shift = 8;
}

/* One try: 0, -EAGAIN to try again, or an error. */
static int gpu_try(struct era *t, struct hmm_range *range, unsigned long start)
{
	unsigned long i, first = (start - START) / PAGE_SIZE;
	long ret;

	if (!hmm_range_wait_until_valid(range, HMM_RANGE_DEFAULT_TIMEOUT))
		return -ETIMEDOUT;
	down_read(&t->mm->mmap_sem);
	ret = hmm_range_fault(range, true);
	up_read(&t->mm->mmap_sem);
	if (ret < 0)
		return ret == -EBUSY ? -EAGAIN : (int)ret;

	mutex_lock(&t->gpu->lock);
	ret = hmm_range_valid(range) ? 0 : -EAGAIN;
	p2psim_step("gpu:install");
	for (i = 0; !ret && start + i * PAGE_SIZE < range->end; i++) {
		t->gpu->ptes[first + i] = range->pfns[i];
		t->gpu->got_nothing |= range->pfns[i] == era_values[HMM_PFN_NONE];
	}
	mutex_unlock(&t->gpu->lock);
	return (int)ret;
}

int era_fault(struct era *t, unsigned long start, unsigned long end)
{
	uint64_t pfns[PAGES] = {};
	struct hmm_range range;
	int ret, tries = 0;

	era_range_init(&range, pfns);
	ret = hmm_range_register(&range, &t->gpu->mirror, start, end, PAGE_SHIFT);
	if (ret)
		return ret;
	do {
		ret = gpu_try(t, &range, start);
	} while (ret == -EAGAIN && ++tries < TRIES_MAX);
	hmm_range_unregister(&range);
	return ret;
}

/* ---- Before and after ---- */

static int build(void *state)
{
	struct era *t = state;
	long at;

	t->gpu = kzalloc(sizeof(*t->gpu), GFP_KERNEL);
	t->app = p2psim_process_create("app");
	if (!t->gpu || !t->app)
		return -ENOMEM;
	t->mm = p2psim_process_mm(t->app);
	mmgrab(t->mm);
	mutex_init(&t->gpu->lock);
	p2psim_object_rename(&t->gpu->lock.lock.obj, "gpu0.lock");
	at = p2psim_mmap(t->app, START, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	return at < 0 ? (int)at : p2psim_store_byte(t->app, AT(0), 'a') ?: p2psim_store_byte(t->app, AT(1), 'b');
}

int era_mirror(struct era *t, struct hmm_mirror *mirror)
{
	int ret;

	if (!mirror->ops)
		mirror->ops = &gpu_ops;
	down_write(&t->mm->mmap_sem);
	ret = hmm_mirror_register(mirror, t->mm);
	up_write(&t->mm->mmap_sem);
	return ret;
}

void era_teardown(void *state)
{
	struct era *t = state;

	if (t->second.hmm)
		hmm_mirror_unregister(&t->second);
	if (t->gpu && t->gpu->owns_range)
		hmm_range_unregister(&t->gpu->range);
	if (t->gpu && t->gpu->mirror.hmm)
		hmm_mirror_unregister(&t->gpu->mirror);
	mmu_notifier_synchronize();
	if (t->app)
		p2psim_process_exit(t->app);
	if (t->mm)
		mmdrop(t->mm);
	kfree(t->gpu);
}

static int fail(struct era *t, int ret)
{
	if (ret)
		era_teardown(t);
	return ret;
}

int era_setup(void *state)
{
	struct era *t = state;

	return fail(t, build(t) ?: era_mirror(t, &t->gpu->mirror));
}

int era_setup_unmirrored(void *state)
{
	return fail(state, build(state));
}

static int sync_second(struct hmm_mirror *mirror, const struct hmm_update *update)
{
	return 0;
}

static const struct hmm_mirror_ops second_ops = { .sync_cpu_device_pagetables = sync_second };

int era_setup_two_mirrors(void *state)
{
	struct era *t = state;

	t->second.ops = &second_ops;
	return fail(t, build(t) ?: era_mirror(t, &t->gpu->mirror) ?: era_mirror(t, &t->second));
}

int era_setup_range(void *state)
{
	struct era *t = state;
	int ret = build(t) ?: era_mirror(t, &t->gpu->mirror);

	if (!ret) {
		era_range_init(&t->gpu->range, t->gpu->pfns);
		ret = hmm_range_register(&t->gpu->range, &t->gpu->mirror, START, END, PAGE_SHIFT);
		t->gpu->owns_range = !ret;
	}
	return fail(t, ret);
}

/* Page 0 goes, page 1 stays. */
int era_setup_hole(void *state)
{
	struct era *t = state;
	int ret = era_setup(t);

	return ret ? ret : fail(t, p2psim_munmap(t->app, AT(0), PAGE_SIZE));
}

