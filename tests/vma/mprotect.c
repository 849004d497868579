/* SPDX-License-Identifier: MIT */
/*
 * mprotect(): checks and order of 1.6; what it announces (facts 3 to 5).
 */
#include "vma_bench.h"

static void test_arguments_are_checked_in_order(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	assert_int_equal(p2psim_mprotect(b->app, AT(0) + 1, 0, 0x100), -EINVAL);
	assert_int_equal(p2psim_mprotect(b->app, AT(9), 0, 0x100), 0);
	assert_int_equal(p2psim_mprotect(b->app, AT(0), ~0UL & PAGE_MASK, 0x100), -ENOMEM);
	assert_int_equal(p2psim_mprotect(b->app, AT(9), PAGE_SIZE, 0x100), -EINVAL);
	assert_int_equal(p2psim_mprotect(b->app, AT(9), PAGE_SIZE, PROT_READ), -ENOMEM);
	assert_int_equal(p2psim_mprotect(b->app, AT(0), 1, PROT_READ), 0);
	assert_string_equal(bench_vmas(b), "0-1 r- 1-2 rw");
}

/*
 *	0  1  2  3  4	protect [0, 4): what lies before the hole is changed (fact 4)
 *	AAA   BBBBBB
 */
static void test_vmas_before_a_hole_stay_changed(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_anon(b, 2, 2, RW);
	assert_int_equal(bench_protect(b, 0, 4, PROT_READ), -ENOMEM);
	assert_string_equal(bench_vmas(b), "0-1 r- 2-4 rw");
	assert_int_equal(bench_protect(b, 1, 3, PROT_NONE), -ENOMEM);
	assert_string_equal(bench_vmas(b), "0-1 r- 2-4 rw");
}

/* VM_MAYWRITE is missing where a file opened for reading is mapped shared. */
static void test_what_the_file_forbids_is_EACCES_and_what_came_before_stays(void **state)
{
	struct vma_bench *b = *state;
	struct file *file = p2psim_file_create("read-only", &bench_fops, b, FMODE_READ);

	bench_anon(b, 0, 1, PROT_READ);
	p2psim_mmap(b->app, AT(1), PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0);
	bench_log(b);
	assert_int_equal(bench_protect(b, 0, 2, RW), -EACCES);
	assert_string_equal(bench_vmas(b), "0-1 rw 1-2 r-");
	assert_string_equal(bench_log(b), "");
	bench_unmap(b, 1, 1);
	fput(file);
}

/*
 *	0  1  2  3  4	the driver is asked before each piece; a cut in the middle makes the lower, then the upper part
 *	DDDDDDDDDDDDD
 */
static void test_the_driver_is_asked_then_the_vma_is_cut(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 0, 4);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(bench_protect(b, 1, 2, PROT_READ), 0);
	assert_string_equal(bench_log(b), "mprotect 1-3 r-; may_split 0-4 at 1; open 0-1 W; may_split 1-4 at 3; open 3-4 W; ");
	assert_string_equal(bench_vmas(b), "0-1 rw 1-3 r- 3-4 rw");
}

static void test_a_driver_that_refuses_stops_it(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_device(b, 1, 1);
	b->mprotect_error = -EPERM;
	assert_int_equal(bench_protect(b, 0, 2, PROT_READ), -EPERM);
	assert_string_equal(bench_vmas(b), "0-1 r- 1-2 rw");
}

/* A refused cut at the end leaves the one at the start, with the old permissions. */
static void test_a_refused_second_cut_changes_no_permission(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 0, 4);
	b->no_split_at = AT(3);
	assert_int_equal(bench_protect(b, 1, 2, PROT_READ), -EBUSY);
	assert_string_equal(bench_vmas(b), "0-1 rw 1-4 rw");
}

/* One event a VMA, clipped; none where nothing changes; none where the 2 MiB around holds no page table (fact 3). */
static void test_each_changed_vma_with_page_tables_is_one_event(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 2, 2, PROT_READ);
	bench_anon(b, 4, 2, RW);
	bench_listen(b);
	assert_int_equal(bench_protect(b, 1, 4, PROT_READ), 0);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(bench_vmas(b), "0-1 rw 1-2 r- 2-4 r- 4-5 r- 5-6 rw");
	bench_touch(b, 0);
	assert_int_equal(bench_protect(b, 0, 6, PROT_READ), 0);
	assert_string_equal(bench_log(b), "PROT_VMA 0-1 W; end; PROT_VMA 5-6 W; end; ");
}

static void test_the_event_begins_at_the_first_2_MiB_with_a_table(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1536, RW);
	bench_touch(b, 600);
	bench_listen(b);
	assert_int_equal(bench_protect(b, 0, 1536, PROT_READ), 0);
	assert_string_equal(bench_log(b), "PROT_VMA 200-600 W; end; ");
}

static int sees_new_flags(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vma_bench *b = container_of(mn, struct vma_bench, listener);

	bench_say(b, range->vma->vm_flags & VM_WRITE ? "old; " : "new; ");
	return 0;
}

static void test_the_callback_sees_the_new_permissions(void **state)
{
	static const struct mmu_notifier_ops ops = { .invalidate_range_start = sees_new_flags };
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_touch(b, 0);
	b->listener.ops = &ops;
	assert_int_equal(mmu_notifier_register(&b->listener, b->mm), 0);
	b->listens = true;
	assert_int_equal(bench_protect(b, 0, 1, PROT_READ), 0);
	assert_string_equal(bench_log(b), "new; ");
	assert_int_equal(p2psim_store_byte(b->app, AT(0), 2), -EFAULT);
	assert_int_equal(p2psim_load_byte(b->app, AT(0)), 1);
}

/*
 *	0  1		T9, the CPU's half, of a device VMA: an event only where there are page tables; the entries lose their
 *	DDDDD		write bit in place, reads go on, a store is a SIGSEGV
 */
static void test_a_device_vma_becomes_read_only_for_the_cpu(void **state)
{
	struct vma_bench *b = *state;
	const struct p2psim_signal *signal = p2psim_process_signal(b->app);

	b->fills = true;
	bench_device(b, 0, 2);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(bench_protect(b, 0, 2, PROT_READ), 0);
	assert_string_equal(bench_log(b), "mprotect 0-2 r-; PROT_VMA 0-2 W; end; ");
	assert_int_equal(pte_pfn(*p2psim_pte_lookup(b->mm, AT(1))), DEVICE_PFN + 1);
	assert_false(pte_write(*p2psim_pte_lookup(b->mm, AT(1))));
	assert_int_equal(p2psim_load_byte(b->app, AT(1)), 0xff);
	assert_int_equal(p2psim_store_byte(b->app, AT(1), 1), -EFAULT);
	assert_int_equal(signal->code, P2PSIM_SEGV_ACCERR);
}

/* T9, the hole: without page tables nobody is told, except the driver, by its hook. */
static void test_a_device_vma_without_entries_changes_in_silence(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 0, 2);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(bench_protect(b, 0, 2, PROT_READ), 0);
	assert_string_equal(bench_log(b), "mprotect 0-2 r-; ");
	assert_string_equal(bench_vmas(b), "0-2 r-");
}

/*
 *	0  1  2  3	VM_ACCOUNT stays with what was writable once: r-- and r-- do not merge back (fact 5)
 *	rw rw r-
 */
static void test_what_was_writable_once_stays_accounted(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 2, 1, PROT_READ);
	assert_int_equal(bench_protect(b, 1, 1, PROT_READ), 0);
	assert_string_equal(bench_vmas(b), "0-1 rw 1-2 r- 2-3 r-");
	assert_true(bench_vma(b, 1)->vm_flags & VM_ACCOUNT);
	assert_false(bench_vma(b, 2)->vm_flags & VM_ACCOUNT);
	assert_int_equal(bench_protect(b, 1, 2, RW), 0);
	assert_string_equal(bench_vmas(b), "0-3 rw");
}

/*
 *	0  1  2  3  4	protect [0, 3) to r-: [0, 1) merges with [1, 2), the next piece goes on behind it, and the driver is
 *	rw r- rw r-	not asked again for what was swallowed
 */
static void test_a_piece_that_merged_with_the_next_goes_on_behind_it(void **state)
{
	struct vma_bench *b = *state;

	b->ops = &bench_plain_ops;
	bench_device(b, 0, 4);
	bench_protect(b, 1, 1, PROT_READ);
	bench_protect(b, 3, 1, PROT_READ);
	assert_string_equal(bench_vmas(b), "0-1 rw 1-2 r- 2-3 rw 3-4 r-");
	bench_log(b);
	assert_int_equal(bench_protect(b, 0, 3, PROT_READ), 0);
	assert_string_equal(bench_log(b), "mprotect 0-1 r-; mprotect 2-3 r-; ");
	assert_string_equal(bench_vmas(b), "0-4 r-");
}

static void test_the_limit_of_vmas_refuses_the_cut(void **state)
{
	struct vma_bench *b = *state;
	unsigned int i;

	for (i = 0; i < 5; i++)
		bench_anon(b, 4 * i, 3, RW);
	assert_int_equal(bench_protect(b, 1, 1, PROT_READ), -ENOMEM);
	assert_int_equal(b->mm->map_count, 6);
	assert_int_equal(bench_protect(b, 4, 3, PROT_READ), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_arguments_are_checked_in_order),
		bench_test(test_vmas_before_a_hole_stay_changed),
		bench_test(test_what_the_file_forbids_is_EACCES_and_what_came_before_stays),
		bench_test(test_the_driver_is_asked_then_the_vma_is_cut),
		bench_test(test_a_driver_that_refuses_stops_it),
		bench_test(test_a_refused_second_cut_changes_no_permission),
		bench_test(test_each_changed_vma_with_page_tables_is_one_event),
		bench_test(test_the_event_begins_at_the_first_2_MiB_with_a_table),
		bench_test(test_the_callback_sees_the_new_permissions),
		bench_test(test_a_device_vma_becomes_read_only_for_the_cpu),
		bench_test(test_a_device_vma_without_entries_changes_in_silence),
		bench_test(test_what_was_writable_once_stays_accounted),
		bench_test(test_a_piece_that_merged_with_the_next_goes_on_behind_it),
		bench_test_narrow(test_the_limit_of_vmas_refuses_the_cut),
	};

	return cmocka_run_group_tests_name("mprotect", tests, NULL, NULL);
}
