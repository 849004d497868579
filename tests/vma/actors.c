/* SPDX-License-Identifier: MIT */
/*
 * What the kernel does on its own account: kind, range and order of the events (3.4 of the reference), and what is left.
 */
#include "vma_pages.h"

#include <p2psim/actors.h>

static void touched(struct vma_bench *b, unsigned long first, unsigned long count)
{
	unsigned long i;

	bench_anon(b, first, count, RW);
	for (i = 0; i < count; i++)
		pages_store(b, first + i, 5);
}

/* ---- the OOM reaper ---- */

static bool may_sleep;

static int notes_blockable(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vma_bench *b = container_of(mn, struct vma_bench, listener);

	may_sleep |= mmu_notifier_range_blockable(range);
	bench_say(b, "%s %lx-%lx; ", bench_event(range->event), bench_page(range->start), bench_page(range->end));
	return 0;
}

static const struct mmu_notifier_ops blockable_ops = { .invalidate_range_start = notes_blockable };

/*
 *	0 1 2 3   6 7   a b	w private, s shared memory, d a device's (VM_PFNMAP)
 *	w w       s s   d d
 */
static void test_the_reaper_takes_what_is_private(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 0, 2);
	p2psim_mmap(b->app, AT(6), PAGES(2), RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	pages_store(b, 6, 5);
	b->fills = true;
	bench_device(b, 0xa, 2);
	pages_listen(b);
	b->listener.ops = &blockable_ops;
	may_sleep = false;
	assert_int_equal(p2psim_oom_reap(b->app), 0);
	assert_string_equal(bench_log(b), "UNMAP 0-2; ");
	assert_false(may_sleep);
	assert_string_equal(pages_state(b, 0), "none");
	assert_string_equal(pages_state(b, 6), "rw");
	assert_string_equal(pages_state(b, 0xa), "pfn-rw");
}

/* Zeros where bytes were would be worse than a signal. */
static void test_who_faults_after_the_reaper_gets_sigbus(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 0, 1);
	assert_int_equal(p2psim_oom_reap(b->app), 0);
	assert_int_equal(pages_load(b, 0), -EFAULT);
	assert_string_equal(pages_signal(b), "BUS ADRERR 0");
	p2psim_mmap(b->app, AT(6), PAGES(1), RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	assert_int_equal(pages_store(b, 6, 5), 0);
}

static void test_the_reaper_does_not_wait_for_mmap_lock(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 0, 1);
	mmap_write_lock(b->mm);
	assert_int_equal(p2psim_oom_reap(b->app), -EAGAIN);
	mmap_write_unlock(b->mm);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(p2psim_oom_reaper(b->app), 0);
	assert_string_equal(pages_state(b, 0), "none");
}

static unsigned int refusals;

static int refuses(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	return !mmu_notifier_range_blockable(range) && refusals && refusals-- ? -EAGAIN : 0;
}

/* 3.5: only the VMA that somebody refuses stays. */
static void test_a_refused_vma_stays_until_another_try(void **state)
{
	static const struct mmu_notifier_ops ops = { .invalidate_range_start = refuses };
	struct vma_bench *b = *state;

	touched(b, 0, 1);
	touched(b, 4, 1);
	pages_listen(b);
	b->listener.ops = &ops;
	refusals = 1;
	assert_int_equal(p2psim_oom_reap(b->app), -EAGAIN);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_string_equal(pages_state(b, 4), "none");
	refusals = 3;
	assert_int_equal(p2psim_oom_reaper(b->app), 0);
	assert_int_equal(refusals, 0);
}

static void test_the_reaper_gives_up_after_ten_tries(void **state)
{
	static const struct mmu_notifier_ops ops = { .invalidate_range_start = refuses };
	struct vma_bench *b = *state;

	touched(b, 0, 1);
	pages_listen(b);
	b->listener.ops = &ops;
	refusals = 100;
	assert_int_equal(p2psim_oom_reaper(b->app), -EAGAIN);
	assert_int_equal(refusals, 90);
	refusals = 0;
}

/* ---- NUMA hints ---- */

static void test_a_hint_is_taken_back_by_the_next_touch(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 0, 2);
	pages_listen(b);
	p2psim_numa_scan(b->app, AT(0), AT(2));
	assert_string_equal(bench_log(b), "PROT_VMA 0-2 R; end; ");
	assert_string_equal(pages_state(b, 0), "prot-none");
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_int_equal(pages_load(b, 1), 5);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_string_equal(pages_state(b, 1), "rw");
	assert_string_equal(bench_log(b), "");
}

static void test_a_scan_skips_what_gives_no_hints(void **state)
{
	struct vma_bench *b = *state;

	b->fills = true;
	bench_device(b, 0, 1);
	touched(b, 2, 1);
	bench_protect(b, 2, 1, PROT_NONE);
	bench_anon(b, 4, 1, RW);
	pages_load(b, 4);
	pages_listen(b);
	p2psim_numa_scan(b->app, AT(0), AT(8));
	assert_string_equal(bench_log(b), "PROT_VMA 4-5 R; end; ");
	assert_string_equal(pages_state(b, 0), "pfn-rw");
	assert_string_equal(pages_state(b, 4), "zero");
}

/* A page that fork() has shared would be copied by a hint that is taken for a write. */
static void test_a_scan_leaves_shared_copies_alone(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child = NULL;

	touched(b, 0, 1);
	assert_int_equal(p2psim_fork(b->app, "child", &child), 0);
	p2psim_numa_scan(b->app, AT(0), AT(1));
	assert_string_equal(pages_state(b, 0), "ro");
	p2psim_process_exit(child);
}

/* ---- KSM ---- */

static void two_equal(struct vma_bench *b)
{
	touched(b, 0, 3);
	pages_store(b, 2, 6);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(3), MADV_MERGEABLE), 0);
}

static int merge(struct vma_bench *b, unsigned long first, unsigned long second)
{
	return p2psim_ksm_merge(b->app, AT(first), b->app, AT(second));
}

static void test_two_equal_pages_become_one(void **state)
{
	struct vma_bench *b = *state;

	two_equal(b);
	pages_listen(b);
	assert_int_equal(merge(b, 0, 1), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; CLEAR 1-2 R; end; CLEAR 1-2 R; end; ");
	assert_ptr_equal(pages_page(b, 0), pages_page(b, 1));
	assert_string_equal(pages_state(b, 0), "ro");
	assert_int_equal(pages_load(b, 1), 5);
	assert_int_equal(p2psim_ram_used(), 2);
}

static void test_a_write_copies_a_merged_page_again(void **state)
{
	struct vma_bench *b = *state;

	two_equal(b);
	merge(b, 0, 1);
	pages_listen(b);
	assert_int_equal(pages_store(b, 0, 9), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; ");
	assert_int_equal(pages_load(b, 1), 5);
	assert_int_equal(pages_store(b, 1, 8), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-2 R; end; ");
	assert_int_equal(pages_load(b, 0), 9);
}

/* Advice, and a move, make merged pages many again before anything else. */
static void test_unmergeable_memory_and_moved_memory_has_its_own_pages(void **state)
{
	struct vma_bench *b = *state;

	two_equal(b);
	merge(b, 0, 1);
	pages_listen(b);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(1), MADV_UNMERGEABLE), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 W; end; ");
	assert_int_equal(bench_vma(b, 0)->vm_flags & VM_MERGEABLE, 0);
	assert_int_equal(p2psim_mremap(b->app, AT(1), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED, AT(8)), AT(8));
	assert_string_equal(bench_log(b), "CLEAR 1-2 W; end; UNMAP 1-2 W; end; UNMAP 1-2 W; end; ");
	assert_ptr_not_equal(pages_page(b, 0), pages_page(b, 8));
	assert_int_equal(pages_load(b, 0) + pages_load(b, 8), 10);
}

/* Also when it is the last that has it, and when the one it came from is gone. */
static void test_a_merged_page_is_nobodys_own(void **state)
{
	struct vma_bench *b = *state;

	two_equal(b);
	merge(b, 0, 1);
	assert_int_equal(bench_unmap(b, 0, 1), 0);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(1)), -EINVAL);
	assert_int_equal(p2psim_migrate_address(b->app, AT(1)), -EINVAL);
	assert_int_equal(pages_load(b, 1), 5);
}

static void test_a_third_page_joins_a_merged_one(void **state)
{
	struct vma_bench *b = *state;

	two_equal(b);
	pages_store(b, 2, 5);
	merge(b, 0, 1);
	pages_listen(b);
	assert_int_equal(merge(b, 0, 2), 0);
	assert_string_equal(bench_log(b), "CLEAR 2-3 R; end; CLEAR 2-3 R; end; ");
	assert_int_equal(page_mapcount(pages_page(b, 0)), 3);
}

static void test_what_ksm_does_not_merge(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = NULL;

	two_equal(b);
	touched(b, 8, 1);
	assert_int_equal(merge(b, 0, 2), -EAGAIN);	/* differ */
	assert_int_equal(merge(b, 0, 9), -EINVAL);	/* nothing there */
	assert_int_equal(merge(b, 8, 0), -EINVAL);	/* no MADV_MERGEABLE */
	assert_int_equal(merge(b, 0, 0), -EINVAL);
	mmap_read_lock(b->mm);
	assert_int_equal(pin_user_pages_remote(b->mm, AT(1), 1, FOLL_WRITE, &page, NULL, NULL), 1);
	mmap_read_unlock(b->mm);
	assert_int_equal(merge(b, 0, 1), -EBUSY);
	unpin_user_page(page);
	assert_int_equal(merge(b, 0, 1), 0);
}

/* ---- soft-dirty ---- */

static void test_soft_dirty_is_one_event_over_everything(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 0, 1);
	pages_listen(b);
	b->listener.ops = &blockable_ops;
	may_sleep = false;
	assert_int_equal(p2psim_soft_dirty_clear(b->app), 0);
	assert_non_null(strstr(bench_log(b), "SOFT_DIRTY "));
	assert_true(may_sleep);
	assert_string_equal(pages_state(b, 0), "ro");
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(pages_state(b, 0), "rw");
}

/* ---- huge pages ---- */

static int setup_huge(void **state)
{
	static const struct p2psim_config config = { .thp = P2PSIM_THP_ALWAYS, .swap = true };

	return pages_setup_config(state, &config);
}

#define huge_test(f) cmocka_unit_test_setup_teardown(f, setup_huge, pages_teardown)

/* 2 MiB, in one piece, with two bytes in it. */
static void huge_page(struct vma_bench *b)
{
	bench_anon(b, 0, 512, RW);
	pages_store(b, 0, 5);
	pages_store(b, 7, 6);
	assert_true(p2psim_pmd_is_huge(b->mm, AT(0)));
}

static void assert_huge_bytes(struct vma_bench *b)
{
	assert_true(p2psim_pgtable_is_valid(b->mm));
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(pages_load(b, 7), 6);
	assert_int_equal(pages_store(b, 8, 7), 0);
	assert_int_equal(pages_load(b, 8), 7);
}

static void test_a_part_of_a_huge_page_goes_to_swap_by_itself(void **state)
{
	struct vma_bench *b = *state;

	huge_page(b);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(7)), 0);
	assert_string_equal(pages_state(b, 7), "swap");
	assert_string_equal(pages_state(b, 6), "rw");
	assert_huge_bytes(b);
}

static void test_a_part_of_a_huge_page_moves_by_itself(void **state)
{
	struct vma_bench *b = *state;

	huge_page(b);
	assert_int_equal(p2psim_migrate_address(b->app, AT(7)), 0);
	assert_huge_bytes(b);
}

/* Not two of the same: who looks at them holds both, and so the page is in use. */
static void test_a_part_of_a_huge_page_can_merge(void **state)
{
	struct vma_bench *b = *state;

	huge_page(b);
	bench_anon(b, 600, 1, RW);
	pages_store(b, 600, 6);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(512), MADV_MERGEABLE), 0);
	assert_int_equal(p2psim_madvise(b->app, AT(600), PAGES(1), MADV_MERGEABLE), 0);
	assert_int_equal(merge(b, 8, 9), -EBUSY);
	assert_int_equal(merge(b, 7, 600), 0);
	assert_ptr_equal(pages_page(b, 7), pages_page(b, 600));
	assert_huge_bytes(b);
}

static void test_scans_leave_a_huge_page_in_one_piece(void **state)
{
	struct vma_bench *b = *state;

	huge_page(b);
	p2psim_numa_scan(b->app, AT(0), AT(512));
	assert_huge_bytes(b);
	assert_int_equal(p2psim_soft_dirty_clear(b->app), 0);
	assert_string_equal(pages_state(b, 3), "ro");
	assert_huge_bytes(b);
	assert_true(p2psim_pmd_is_huge(b->mm, AT(0)));
}

static void test_the_reaper_takes_huge_pages(void **state)
{
	struct vma_bench *b = *state;

	huge_page(b);
	assert_int_equal(p2psim_oom_reap(b->app), 0);
	assert_int_equal(p2psim_ram_used(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_the_reaper_takes_what_is_private),
		pages_test(test_who_faults_after_the_reaper_gets_sigbus),
		pages_test(test_the_reaper_does_not_wait_for_mmap_lock),
		pages_test(test_a_refused_vma_stays_until_another_try),
		pages_test(test_the_reaper_gives_up_after_ten_tries),
		pages_test(test_a_hint_is_taken_back_by_the_next_touch),
		pages_test(test_a_scan_skips_what_gives_no_hints),
		pages_test(test_a_scan_leaves_shared_copies_alone),
		pages_test(test_two_equal_pages_become_one),
		pages_test(test_a_write_copies_a_merged_page_again),
		pages_test(test_unmergeable_memory_and_moved_memory_has_its_own_pages),
		pages_test(test_a_merged_page_is_nobodys_own),
		pages_test(test_a_third_page_joins_a_merged_one),
		pages_test(test_what_ksm_does_not_merge),
		pages_test(test_soft_dirty_is_one_event_over_everything),
		huge_test(test_a_part_of_a_huge_page_goes_to_swap_by_itself),
		huge_test(test_a_part_of_a_huge_page_moves_by_itself),
		huge_test(test_a_part_of_a_huge_page_can_merge),
		huge_test(test_scans_leave_a_huge_page_in_one_piece),
		huge_test(test_the_reaper_takes_huge_pages),
	};

	return cmocka_run_group_tests_name("actors", tests, NULL, NULL);
}
