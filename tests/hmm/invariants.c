/* SPDX-License-Identifier: MIT */
/*
 * Cross-cutting invariants of the protocol that no single layer owns; the others of the list are in timelines.c and
 * dma_map.c, under the same names.
 */
#include "core_world.h"

#include <errno.h>

#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/notifier.h>
#include <p2psim/process.h>

#define BASE 0x100000UL
#define PAGES 16UL

struct mirror {
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	unsigned int invalidations;
};

static bool invalidate(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct mirror *mirror = container_of(sub, struct mirror, notifier);

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&mirror->lock);
	else if (!mutex_trylock(&mirror->lock))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	mirror->invalidations++;
	mutex_unlock(&mirror->lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = { .invalidate = invalidate };

static unsigned int rnd(unsigned int *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void change_something(struct p2psim_process *app, unsigned int *seed)
{
	unsigned long addr = BASE + rnd(seed) % PAGES * PAGE_SIZE, len = (1 + rnd(seed) % 4) * PAGE_SIZE;

	switch (rnd(seed) % 4) {
	case 0:
		p2psim_munmap(app, addr, len);
		break;
	case 1:
		p2psim_mprotect(app, addr, len, rnd(seed) % 2 ? PROT_READ : PROT_READ | PROT_WRITE);
		break;
	case 2:
		p2psim_madvise(app, addr, len, MADV_DONTNEED);
		break;
	default:
		p2psim_mmap(app, addr, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
		p2psim_store_byte(app, addr, 1);
		break;
	}
}

/* 9.4: the sequence never goes back; a subscription's is odd; idle is even, and nothing is active then. */
static void test_9_4_the_sequence_never_goes_back_and_idle_is_even(void **state)
{
	struct p2psim_process *app = p2psim_process_create("app");
	struct mm_struct *mm = p2psim_process_mm(app);
	unsigned long seq = 0, sub_seq = 0, now;
	struct mirror mirror = {};
	unsigned int seed = 1, i;

	(void)state;
	mutex_init(&mirror.lock);
	assert_int_equal(mmu_interval_notifier_insert(&mirror.notifier, mm, BASE, PAGES / 2 * PAGE_SIZE, &mirror_ops), 0);
	for (i = 0; i < 2000; i++) {
		change_something(app, &seed);
		now = p2psim_mm_invalidate_seq(mm);
		assert_true(now >= seq && now % 2 == 0);
		assert_true(mirror.notifier.invalidate_seq >= sub_seq && mirror.notifier.invalidate_seq % 2 == 1);
		assert_int_equal(p2psim_mm_active_invalidations(mm), 0);
		seq = now;
		sub_seq = mirror.notifier.invalidate_seq;
	}
	assert_true(mirror.invalidations > 100);
	mmu_interval_notifier_remove(&mirror.notifier);
	p2psim_process_exit(app);
}

static int opens, closes;

static void count_open(struct vm_area_struct *vma)
{
	(void)vma;
	opens++;
}

static void count_close(struct vm_area_struct *vma)
{
	(void)vma;
	closes++;
}

static const struct vm_operations_struct counted_ops = { .open = count_open, .close = count_close };

static int counted_mmap(struct file *file, struct vm_area_struct *vma)
{
	(void)file;
	vma->vm_ops = &counted_ops;
	return 0;
}

static const struct file_operations counted_fops = { .mmap = counted_mmap };

/* 9.5: opens + mmaps - closes = VMAs that live, at every moment; close() once per VMA. */
static void test_9_5_opens_and_closes_count_the_live_vmas(void **state)
{
	struct file *file = p2psim_file_create("dev", &counted_fops, NULL, FMODE_READ | FMODE_WRITE);
	struct p2psim_process *app = p2psim_process_create("app");
	unsigned int seed = 2, i;
	int mmaps = 0;

	(void)state;
	opens = closes = 0;
	for (i = 0; i < 1000; i++) {
		unsigned long page = rnd(&seed) % PAGES, addr = BASE + page * PAGE_SIZE, len = (1 + rnd(&seed) % 6) * PAGE_SIZE;

		if (rnd(&seed) % 3) {
			p2psim_munmap(app, addr, len);
		} else {
			p2psim_mmap(app, addr, len, PROT_READ, MAP_SHARED | MAP_FIXED, file, page * PAGE_SIZE);
			mmaps++;
		}
		assert_int_equal(opens + mmaps - closes, p2psim_process_mm(app)->map_count);
	}
	assert_true(opens > 50);
	p2psim_process_exit(app);
	assert_int_equal(opens + mmaps, closes);
	fput(file);
}

/* 9.9 */
static void test_9_9_a_refused_nonblockable_start_leaves_everything_as_it_was(void **state)
{
	struct p2psim_process *app = p2psim_process_create("app");
	struct mm_struct *mm = p2psim_process_mm(app);
	struct mmu_notifier_range range;
	struct mirror mirror = {};

	(void)state;
	mutex_init(&mirror.lock);
	assert_int_equal(mmu_interval_notifier_insert(&mirror.notifier, mm, BASE, PAGE_SIZE, &mirror_ops), 0);
	mutex_lock(&mirror.lock);
	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, NULL, mm, BASE, BASE + PAGE_SIZE);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&range), -EAGAIN);
	assert_int_equal(p2psim_mm_active_invalidations(mm), 0);
	assert_int_equal(p2psim_mm_invalidate_seq(mm) % 2, 0);
	mutex_unlock(&mirror.lock);
	assert_int_equal(mmu_notifier_invalidate_range_start_nonblock(&range), 0);
	mmu_notifier_invalidate_range_end(&range);
	assert_int_equal(mirror.invalidations, 1);
	mmu_interval_notifier_remove(&mirror.notifier);
	p2psim_process_exit(app);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_9_4_the_sequence_never_goes_back_and_idle_is_even),
		core_test(test_9_5_opens_and_closes_count_the_live_vmas),
		core_test(test_9_9_a_refused_nonblockable_start_leaves_everything_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
