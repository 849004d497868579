/* SPDX-License-Identifier: MIT */
/*
 * The end of an address space (1.10), and mmap_lock (1.13).
 */
#include "vma_bench.h"

#include <limits.h>

#include <p2psim/linux/sched/mm.h>
#include <p2psim/task.h>

struct watcher {
	struct vma_bench *b;
	struct mmu_interval_notifier sub;
};

static bool watch(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct vma_bench *b = container_of(sub, struct watcher, sub)->b;

	bench_say(b, "interval %s %s%c; ", bench_event(range->event),
		  !range->start && range->end == ULONG_MAX ? "all " : "", bench_lock(b));
	return true;
}

static const struct mmu_interval_notifier_ops watch_ops = { .invalidate = watch };

/*
 *	release without mmap_lock, UNMAP of everything under R to who is still subscribed, close() in ascending order under W,
 *	the file's release after the locks.
 */
static void test_exit_follows_the_order_of_1_10(void **state)
{
	struct vma_bench *b = *state;
	struct watcher w = { .b = b };

	bench_device(b, 4, 1);
	bench_device(b, 1, 2);
	bench_listen(b);
	assert_int_equal(mmu_interval_notifier_insert(&w.sub, b->mm, AT(0), PAGES(9), &watch_ops), 0);
	mmgrab(b->mm);
	fput(b->file);
	bench_log(b);
	p2psim_process_exit(b->app);
	assert_string_equal(bench_log(b), "interval RELEASE all -; release() -; interval UNMAP all R; close 1-3 W; "
					  "close 4-5 W; release -; ");
	mmu_interval_notifier_remove(&w.sub);
	mmu_notifier_unregister(&b->listener, b->mm);
	assert_int_equal(b->mm->map_count, 0);
	mmdrop(b->mm);
	b->app = NULL;
	b->file = NULL;
	b->listens = false;
}

/*
 * T7: an importer's region outlives the address space.  It hears RELEASE, then UNMAP of everything; from then on nothing can
 * be mapped again, and it is removed whenever its owner comes to it.
 */
static void test_T7_a_region_outlives_the_address_space(void **state)
{
	struct vma_bench *b = *state;
	struct watcher w = { .b = b };

	bench_anon(b, 0, 1, RW);
	bench_touch(b, 0);
	assert_int_equal(mmu_interval_notifier_insert(&w.sub, b->mm, AT(0), PAGES(1), &watch_ops), 0);
	mmgrab(b->mm);
	p2psim_process_exit(b->app);
	b->app = NULL;
	assert_string_equal(bench_log(b), "interval RELEASE all -; interval UNMAP all R; ");
	assert_false(mmget_not_zero(b->mm));
	assert_null(bench_vma(b, 0));
	mmu_interval_notifier_remove(&w.sub);
	assert_string_equal(bench_log(b), "");
	mmdrop(b->mm);
}

static void test_an_empty_address_space_ends_without_an_unmap(void **state)
{
	struct vma_bench *b = *state;
	struct watcher w = { .b = b };

	assert_int_equal(mmu_interval_notifier_insert(&w.sub, b->mm, AT(0), PAGES(9), &watch_ops), 0);
	p2psim_process_exit(b->app);
	assert_string_equal(bench_log(b), "interval RELEASE all -; ");
	mmu_interval_notifier_remove(&w.sub);
	b->app = NULL;
}

static void test_a_user_of_the_mm_keeps_the_address_space(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 0, 1);
	mmget(b->mm);
	bench_log(b);
	p2psim_process_exit(b->app);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(bench_vmas(b), "0-1 rw");
	mmput(b->mm);
	assert_string_equal(bench_log(b), "close 0-1 W; ");
	b->app = NULL;
}

static void test_a_thread_of_the_process_has_its_mm(void **state)
{
	struct vma_bench *b = *state;

	p2psim_process_attach(b->app);
	assert_ptr_equal(current->mm, b->mm);
	p2psim_process_detach();
	assert_null(current->mm);
	p2psim_process_attach(b->app);
	p2psim_process_exit(b->app);
	assert_null(current->mm);
	b->app = NULL;
}

/* ---- mmap_lock ---- */

static void test_a_downgraded_lock_is_held_for_reading(void **state)
{
	struct vma_bench *b = *state;

	mmap_write_lock(b->mm);
	mmap_assert_write_locked(b->mm);
	mmap_write_downgrade(b->mm);
	mmap_assert_locked(b->mm);
	assert_null(p2psim_world_violation(b->world));
	mmap_assert_write_locked(b->mm);
	assert_violation(b->world, P2PSIM_CONTRACT, "must be held for writing");
	mmap_read_unlock(b->mm);
	mmap_assert_locked(b->mm);
	assert_violation(b->world, P2PSIM_CONTRACT, "must be held");
}

static void test_readers_share_and_a_writer_is_alone(void **state)
{
	struct vma_bench *b = *state;

	assert_true(mmap_read_trylock(b->mm));
	assert_false(mmap_write_trylock(b->mm));
	mmap_read_unlock(b->mm);
	assert_true(mmap_write_trylock(b->mm));
	assert_false(mmap_read_trylock(b->mm));
	mmap_write_unlock(b->mm);
}

struct victim {
	struct vma_bench *b;
	int unmap, protect;
	long map, remap;
};

static void victim_calls(void *arg)
{
	struct victim *v = arg;

	v->map = p2psim_mmap(v->b->app, AT(0), PAGE_SIZE, RW, FIXED_ANON, NULL, 0);
	v->unmap = p2psim_munmap(v->b->app, AT(4), PAGE_SIZE);
	v->protect = p2psim_mprotect(v->b->app, AT(4), PAGE_SIZE, PROT_READ);
	v->remap = p2psim_mremap(v->b->app, AT(4), PAGE_SIZE, PAGES(2), 0, 0);
}

/* A fatal signal ends the wait for mmap_lock: -EINTR, nothing done. */
static void test_a_killed_wait_for_the_lock_is_EINTR(void **state)
{
	struct vma_bench *b = *state;
	struct victim v = { .b = b };
	struct task_struct *task;

	bench_anon(b, 4, 1, RW);
	mmap_read_lock(b->mm);
	task = p2psim_task_spawn("victim", victim_calls, &v);
	assert_int_equal(p2psim_run_alone(task), -EAGAIN);
	p2psim_task_kill(task);
	p2psim_run_alone(task);
	mmap_read_unlock(b->mm);
	assert_int_equal(v.map, -EINTR);
	assert_int_equal(v.unmap, -EINTR);
	assert_int_equal(v.protect, -EINTR);
	assert_int_equal(v.remap, -EINTR);
	assert_string_equal(bench_vmas(b), "4-5 rw");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_exit_follows_the_order_of_1_10),
		bench_test(test_T7_a_region_outlives_the_address_space),
		bench_test(test_an_empty_address_space_ends_without_an_unmap),
		bench_test(test_a_user_of_the_mm_keeps_the_address_space),
		bench_test(test_a_thread_of_the_process_has_its_mm),
		bench_test(test_a_downgraded_lock_is_held_for_reading),
		bench_test(test_readers_share_and_a_writer_is_alone),
		bench_test(test_a_killed_wait_for_the_lock_is_EINTR),
	};

	return cmocka_run_group_tests_name("exit", tests, NULL, NULL);
}
