/* SPDX-License-Identifier: MIT */
/*
 * munmap(): the order of 1.5, its checks, and what others see meanwhile.
 */
#include "vma_bench.h"

#include <p2psim/step.h>
#include <p2psim/task.h>

/*
 *	0  1  2  3  4  5  6
 *	DDDDDDDDDDDDDDDDD	munmap [2, 4)
 *	DDDDD      DDDDDD
 *
 * The upper part is new at the first cut, the lower at the second; W becomes R before the event; close() is the last.
 */
static void test_a_hole_in_the_middle_follows_the_order_of_1_5(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 0, 6);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(bench_unmap(b, 2, 2), 0);
	assert_string_equal(bench_log(b), "may_split 0-6 at 2; open 2-6 W; may_split 2-6 at 4; open 2-4 W; "
					  "UNMAP 2-4 R; end; close 2-4 R; ");
	assert_string_equal(bench_vmas(b), "0-2 rw 4-6 rw");
	assert_false(b->found_during_unmap);
}

/*
 *	0  1  2  3  4  5  6	munmap [1, 6): one event over the caller's range, holes included (fact 1)
 *	  DDDDD     EEEEE
 */
static void test_many_vmas_and_holes_are_one_event(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 1, 2);
	bench_device(b, 4, 1);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(bench_unmap(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "UNMAP 0-6 R; end; close 1-3 R; close 4-5 R; ");
	assert_int_equal(bench_unmap(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "");
}

static void test_a_failed_second_split_leaves_the_first(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 0, 6);
	b->no_split_at = AT(4);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(bench_unmap(b, 2, 2), -EBUSY);
	assert_string_equal(bench_log(b), "may_split 0-6 at 2; open 2-6 W; may_split 2-6 at 4; ");
	assert_string_equal(bench_vmas(b), "0-2 rw 2-6 rw");
}

static void test_arguments_are_checked(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 4, RW);
	assert_int_equal(p2psim_munmap(b->app, AT(0) + 1, PAGE_SIZE), -EINVAL);
	assert_int_equal(p2psim_munmap(b->app, AT(0), 0), -EINVAL);
	assert_int_equal(p2psim_munmap(b->app, TASK_SIZE + PAGE_SIZE, PAGE_SIZE), -EINVAL);
	assert_int_equal(p2psim_munmap(b->app, AT(0), TASK_SIZE), -EINVAL);
	assert_int_equal(p2psim_munmap(b->app, ~0UL & PAGE_MASK, PAGE_SIZE), -EINVAL);
	assert_int_equal(p2psim_munmap(b->app, AT(2), 1), 0);
	assert_string_equal(bench_vmas(b), "0-2 rw 3-4 rw");
}

/* A hole in the middle makes one VMA more; a cut at an end does not. */
static void test_the_limit_of_vmas_forbids_holes_only(void **state)
{
	struct vma_bench *b = *state;
	unsigned int i;

	for (i = 0; i < 6; i++)
		bench_anon(b, 4 * i, 3, RW);
	assert_int_equal(bench_unmap(b, 1, 1), -ENOMEM);
	assert_int_equal(bench_unmap(b, 0, 1), 0);
	assert_int_equal(bench_unmap(b, 6, 1), 0);
	assert_int_equal(bench_unmap(b, 9, 1), -ENOMEM);
	assert_int_equal(b->mm->map_count, 6);
}

/* Next to a VMA that may grow down the lock stays W. */
static void test_the_lock_is_not_downgraded_below_a_stack(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	p2psim_mmap(b->app, AT(4), PAGE_SIZE, RW, FIXED_ANON | MAP_GROWSDOWN, NULL, 0);
	bench_listen(b);
	assert_int_equal(bench_unmap(b, 0, 1), 0);
	assert_int_equal(bench_unmap(b, 1, 1), 0);
	assert_string_equal(bench_log(b), "UNMAP 0-1 R; end; UNMAP 1-2 W; end; ");
}

/*
 *	0     2M    4M		a cut inside a 2 MiB block that the VMA covers says CLEAR of the block, huge page or not
 *	AAAAAAAAAAAAA		(fact 12), where there are page tables
 */
static void test_a_cut_inside_a_whole_2_MiB_block_clears_it(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1024, RW);
	bench_listen(b);
	assert_int_equal(bench_unmap(b, 700, 1), 0);
	assert_string_equal(bench_log(b), "UNMAP 2bc-2bd R; end; ");
	bench_anon(b, 0, 1024, RW);
	bench_touch(b, 0);
	bench_log(b);
	assert_int_equal(bench_unmap(b, 511, 2), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-200 W; end; CLEAR 200-400 W; end; UNMAP 1ff-201 R; end; ");
}

/* ---- what another task can do in the middle of the event ---- */

static int stops_here(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	p2psim_step("announced");
	return 0;
}

static void listen_and_stop(struct vma_bench *b)
{
	static const struct mmu_notifier_ops ops = { .invalidate_range_start = stops_here };

	b->listener.ops = &ops;
	assert_int_equal(mmu_notifier_register(&b->listener, b->mm), 0);
	b->listens = true;
}

static void unmaps_2_to_4(void *arg)
{
	P2PSIM_CHECK(!bench_unmap(arg, 2, 2));
}

static void maps_over_2_to_4(void *arg)
{
	P2PSIM_CHECK(bench_anon(arg, 2, 2, PROT_READ) == (long)AT(2));
}

/*
 *	app				task 0
 *	mmap_lock W
 *	VMA leaves the tree
 *	W -> R
 *	start(UNMAP) ...
 *					mmap_lock R: gets in; no VMA there, its neighbours are; a writer would wait
 *	zap; end; close
 */
static void test_a_reader_gets_in_while_munmap_announces(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *app;

	bench_device(b, 0, 6);
	listen_and_stop(b);
	app = p2psim_task_spawn("app", unmaps_2_to_4, b);
	assert_int_equal(p2psim_run_until(app, "announced"), 0);
	assert_false(mmap_write_trylock(b->mm));
	assert_true(mmap_read_trylock(b->mm));
	assert_null(find_vma_intersection(b->mm, AT(2), AT(4)));
	assert_int_equal(find_vma(b->mm, AT(2))->vm_start, AT(4));
	mmap_read_unlock(b->mm);
	assert_int_equal(p2psim_run(), 0);
	assert_string_equal(bench_vmas(b), "0-2 rw 4-6 rw");
}

/* The unmap inside of mmap(MAP_FIXED) keeps W: nobody sees the hole. */
static void test_nobody_gets_in_while_a_fixed_mmap_unmaps(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *app;

	bench_anon(b, 0, 6, RW);
	listen_and_stop(b);
	app = p2psim_task_spawn("app", maps_over_2_to_4, b);
	assert_int_equal(p2psim_run_until(app, "announced"), 0);
	assert_false(mmap_read_trylock(b->mm));
	assert_int_equal(p2psim_run(), 0);
	assert_string_equal(bench_vmas(b), "0-2 rw 2-4 r- 4-6 rw");
}

/* A cut that finds no memory: the munmap() is refused, nothing is announced, the mm is as it was. */
static void test_each_failing_allocation_leaves_the_mapping(void **state)
{
	struct vma_bench *b = *state;
	uint64_t n;
	int error;

	bench_device(b, 0, 6);
	for (n = 1; n < 20; n++) {
		p2psim_inject_fail_nth(b->world, n);
		error = bench_unmap(b, 2, 2);
		assert_true(p2psim_mm_is_valid(b->mm));
		if (!p2psim_inject_fired(b->world, NULL))
			break;
		assert_int_equal(error, -ENOMEM);
		assert_non_null(bench_vma(b, 2));
	}
	assert_in_range(n, 2, 19);
	assert_int_equal(error, 0);
	assert_string_equal(bench_vmas(b), "0-2 rw 4-6 rw");
}

/* The file goes with its last VMA, when the system call is over and its locks are dropped. */
static void test_the_file_is_released_without_the_lock(void **state)
{
	struct vma_bench *b = *state;
	struct file *file = p2psim_file_create("gone", &bench_fops, b, FMODE_READ | FMODE_WRITE);

	p2psim_mmap(b->app, AT(0), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, file, 0);
	fput(file);
	bench_log(b);
	assert_int_equal(bench_unmap(b, 0, 1), 0);
	assert_string_equal(bench_log(b), "close 0-1 R; release -; ");
}

/* Revokes in the middle of an munmap() that has not zapped yet: the reverse map still leads to the VMA. */
static int revoke_during_unmap(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vma_bench *b = container_of(mn, struct vma_bench, listener);

	if (range->event == MMU_NOTIFY_UNMAP)
		bench_say(b, b->file->f_mapping->i_mmap.root ? "in the file's map; " : "lost; ");
	return 0;
}

static void test_the_file_still_knows_the_vma_until_its_entries_are_gone(void **state)
{
	static const struct mmu_notifier_ops ops = { .invalidate_range_start = revoke_during_unmap };
	struct vma_bench *b = *state;

	bench_device(b, 0, 1);
	b->listener.ops = &ops;
	assert_int_equal(mmu_notifier_register(&b->listener, b->mm), 0);
	b->listens = true;
	bench_log(b);
	assert_int_equal(bench_unmap(b, 0, 1), 0);
	assert_string_equal(bench_log(b), "in the file's map; close 0-1 R; ");
	assert_null(b->file->f_mapping->i_mmap.root);
}

/* After close() no hook of the driver runs again: its table is an empty one. */
static void watch_ops(struct vm_area_struct *vma)
{
	struct vma_bench *b = bench_of(vma);

	bench_say(b, vma->vm_ops->open ? "hooks; " : "none; ");
}

static void test_close_is_called_with_the_hooks_still_there(void **state)
{
	static const struct vm_operations_struct ops = { .open = bench_open, .close = watch_ops };
	struct vma_bench *b = *state;

	b->ops = &ops;
	bench_device(b, 0, 1);
	bench_log(b);
	bench_unmap(b, 0, 1);
	assert_string_equal(bench_log(b), "hooks; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_a_hole_in_the_middle_follows_the_order_of_1_5),
		bench_test(test_many_vmas_and_holes_are_one_event),
		bench_test(test_a_failed_second_split_leaves_the_first),
		bench_test(test_arguments_are_checked),
		bench_test_narrow(test_the_limit_of_vmas_forbids_holes_only),
		bench_test(test_the_lock_is_not_downgraded_below_a_stack),
		bench_test(test_a_cut_inside_a_whole_2_MiB_block_clears_it),
		bench_test(test_a_reader_gets_in_while_munmap_announces),
		bench_test(test_nobody_gets_in_while_a_fixed_mmap_unmaps),
		bench_test(test_each_failing_allocation_leaves_the_mapping),
		bench_test(test_the_file_is_released_without_the_lock),
		bench_test(test_the_file_still_knows_the_vma_until_its_entries_are_gone),
		bench_test(test_close_is_called_with_the_hooks_still_there),
	};

	return cmocka_run_group_tests_name("munmap", tests, NULL, NULL);
}
