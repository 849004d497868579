/* SPDX-License-Identifier: MIT */
/*
 * mremap(): the checks and the order of 1.7; what it announces (facts 10, 11).
 */
#include "vma_bench.h"

#define MOVE (MREMAP_MAYMOVE | MREMAP_FIXED)

static long remap(struct vma_bench *b, unsigned long first, unsigned long old_pages, unsigned long new_pages, int flags,
		  unsigned long to)
{
	return p2psim_mremap(b->app, AT(first), PAGES(old_pages), PAGES(new_pages), flags, AT(to));
}

/* AT(0)..AT(4) is anonymous, AT(8)..AT(10) a device VMA that may not grow. */
static const struct refusal {
	const char *why;
	unsigned long addr, old_len, new_len;
	int flags;
	unsigned long new_addr;
	long error;
} refusals[] = {
	{ "unknown flag", AT(7) + 1, 0, 0, 8, 0, -EINVAL },
	{ "fixed alone", AT(7), PAGES(1), PAGES(1), MREMAP_FIXED, AT(20), -EINVAL },
	{ "dontunmap alone", AT(7), PAGES(1), PAGES(1), MREMAP_DONTUNMAP, AT(20), -EINVAL },
	{ "dontunmap and another size", AT(7), PAGES(1), PAGES(2), MREMAP_DONTUNMAP | MREMAP_MAYMOVE, 0, -EINVAL },
	{ "in a page", AT(7) + 1, PAGES(1), PAGES(1), 0, 0, -EINVAL },
	{ "new length 0", AT(7), PAGES(1), 0, 0, 0, -EINVAL },
	{ "nothing there", AT(7), PAGES(1), PAGES(1), MOVE, AT(20) + 1, -EFAULT },
	{ "target in a page", AT(0), PAGES(1), PAGES(1), MOVE, AT(20) + 1, -EINVAL },
	{ "target beyond the end", AT(0), PAGES(1), PAGES(1), MOVE, TASK_SIZE, -EINVAL },
	{ "overlap", AT(0), PAGES(2), PAGES(2), MOVE, AT(1), -EINVAL },
	{ "old length 0 of a private one", AT(0), 0, PAGES(1), MREMAP_MAYMOVE, 0, -EINVAL },
	{ "dontunmap of what may not grow", AT(8), PAGES(1), PAGES(1), MOVE | MREMAP_DONTUNMAP, AT(20), -EINVAL },
	{ "over the end of the VMA", AT(2), PAGES(3), PAGES(4), MREMAP_MAYMOVE, 0, -EFAULT },
	{ "over two VMAs", AT(0), PAGES(9), PAGES(9), MOVE, AT(20), -EFAULT },
	{ "grow what may not", AT(8), PAGES(2), PAGES(3), MREMAP_MAYMOVE, 0, -EFAULT },
	{ "no room, no move", AT(0), PAGES(4), PAGES(9), 0, 0, -ENOMEM },
	{ "grow the middle, no move", AT(0), PAGES(2), PAGES(3), 0, 0, -ENOMEM },
};

static void test_checks_refuse_in_the_order_of_the_kernel(void **state)
{
	struct vma_bench *b = *state;
	const struct refusal *r;

	bench_anon(b, 0, 4, RW);
	b->set_flags = VM_DONTEXPAND;
	bench_device(b, 8, 2);
	for (r = refusals; r < refusals + ARRAY_SIZE(refusals); r++) {
		long ret = p2psim_mremap(b->app, r->addr, r->old_len, r->new_len, r->flags, r->new_addr);

		if (ret != r->error)
			fail_msg("%s: %ld, not %ld", r->why, ret, r->error);
	}
	assert_string_equal(bench_vmas(b), "0-4 rw 8-a rw");
}

/*
 *	4  5  6  7 ... 20 21	T10: open(new), UNMAP(old) twice, mremap(new), close(old); nothing at the destination
 *	DDDDD      --> DDDDD
 */
static void test_a_move_announces_the_old_range_twice(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 4, 2);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(remap(b, 4, 2, 2, MOVE, 0x20), AT(0x20));
	assert_string_equal(bench_log(b), "open 20-22 W; UNMAP 4-6 W; end; mremap 20-22 W; UNMAP 4-6 W; end; close 4-6 W; ");
	assert_string_equal(bench_vmas(b), "20-22 rw");
	assert_int_equal(bench_vma(b, 0x20)->vm_pgoff, 4);
}

static void test_what_was_at_the_destination_goes_first(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 4, 2);
	bench_anon(b, 0x20, 4, RW);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(remap(b, 4, 2, 2, MOVE, 0x21), AT(0x21));
	assert_string_equal(bench_log(b), "UNMAP 21-23 W; end; open 21-23 W; UNMAP 4-6 W; end; mremap 21-23 W; "
					  "UNMAP 4-6 W; end; close 4-6 W; ");
	assert_string_equal(bench_vmas(b), "20-21 rw 21-23 rw 23-24 rw");
}

static void test_a_shrinking_move_cuts_the_tail_off_second(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 4, 4, RW);
	bench_anon(b, 0x20, 1, PROT_READ);
	bench_listen(b);
	assert_int_equal(remap(b, 4, 4, 2, MOVE, 0x20), AT(0x20));
	assert_string_equal(bench_log(b), "UNMAP 20-22 W; end; UNMAP 6-8 W; end; UNMAP 4-6 W; end; UNMAP 4-6 W; end; ");
	assert_string_equal(bench_vmas(b), "20-22 rw");
}

/* The entries go back: a third UNMAP, of the new range; the new VMA is unmapped and closed. */
static void test_a_driver_that_refuses_gets_everything_back(void **state)
{
	struct vma_bench *b = *state;

	b->fills = true;
	bench_device(b, 4, 2);
	b->mremap_error = -EPERM;
	bench_listen(b);
	bench_log(b);
	assert_int_equal(remap(b, 4, 2, 2, MOVE, 0x20), -EPERM);
	assert_string_equal(bench_log(b), "open 20-22 W; UNMAP 4-6 W; end; mremap 20-22 W; UNMAP 20-22 W; end; "
					  "UNMAP 20-22 W; end; close 20-22 W; ");
	assert_string_equal(bench_vmas(b), "4-6 rw");
	assert_int_equal(pte_pfn(*p2psim_pte_lookup(b->mm, AT(4))), DEVICE_PFN + 4);
}

/*
 *	4  5  ... 20 21		raw pfns move with equal size, and only so: VM_PFNMAP may neither grow nor be left behind
 *	PPPPP --> PPPPP
 */
static void test_raw_pfns_move_with_equal_size_only(void **state)
{
	struct vma_bench *b = *state;

	b->fills = true;
	bench_device(b, 4, 2);
	assert_true(bench_vma(b, 4)->vm_flags & VM_PFNMAP);
	assert_int_equal(remap(b, 4, 2, 3, MREMAP_MAYMOVE, 0), -EFAULT);
	assert_int_equal(remap(b, 4, 2, 2, MOVE | MREMAP_DONTUNMAP, 0x20), -EINVAL);
	assert_int_equal(remap(b, 4, 2, 2, MOVE, 0x20), AT(0x20));
	assert_int_equal(pte_pfn(*p2psim_pte_lookup(b->mm, AT(0x21))), DEVICE_PFN + 5);
	assert_int_equal(p2psim_load_byte(b->app, AT(4)), -EFAULT);
	assert_true(bench_vma(b, 0x20)->vm_flags & VM_PFNMAP);
	assert_int_equal(bench_vma(b, 0x20)->vm_pgoff, 4);
}

/* MREMAP_FIXED unmaps its target before it looks at the source: the target is gone even though the move fails. */
static void test_the_target_is_gone_even_if_the_move_fails(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 4, 2, RW);
	bench_anon(b, 0x20, 4, RW);
	bench_listen(b);
	assert_int_equal(remap(b, 4, 4, 4, MOVE, 0x20), -EFAULT);
	assert_string_equal(bench_log(b), "UNMAP 20-24 W; end; ");
	assert_string_equal(bench_vmas(b), "4-6 rw");
}

static void test_may_split_is_asked_before_a_partial_move(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 4, 4);
	bench_log(b);
	b->no_split_at = AT(6);
	assert_int_equal(remap(b, 5, 1, 1, MOVE, 0x20), -EBUSY);
	assert_string_equal(bench_log(b), "may_split 4-8 at 5; may_split 4-8 at 6; ");
	assert_string_equal(bench_vmas(b), "4-8 rw");
}

/* The contents move along, and the old address is empty. */
static void test_bytes_move_with_their_page(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 4, 4, RW);
	bench_touch(b, 5);
	assert_int_equal(remap(b, 5, 1, 1, MOVE, 0x20), AT(0x20));
	assert_int_equal(p2psim_load_byte(b->app, AT(0x20)), 1);
	assert_int_equal(p2psim_load_byte(b->app, AT(5)), -EFAULT);
	assert_string_equal(bench_vmas(b), "4-5 rw 6-8 rw 20-21 rw");
	assert_true(bench_vma(b, 4)->vm_flags & bench_vma(b, 6)->vm_flags & bench_vma(b, 0x20)->vm_flags & VM_ACCOUNT);
}

static void test_dontunmap_leaves_an_empty_vma_and_announces_once(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 4, 2, RW);
	bench_touch(b, 4);
	bench_listen(b);
	assert_int_equal(remap(b, 4, 2, 2, MOVE | MREMAP_DONTUNMAP, 0x20), AT(0x20));
	assert_string_equal(bench_log(b), "UNMAP 4-6 W; end; ");
	assert_string_equal(bench_vmas(b), "4-6 rw 20-22 rw");
	assert_int_equal(p2psim_load_byte(b->app, AT(4)), 0);
	assert_int_equal(p2psim_load_byte(b->app, AT(0x20)), 1);
	assert_null(bench_vma(b, 4)->anon_vma);
}

/* The source stays, so the two are told apart: no merge, where a plain move or another destination would merge. */
static void test_dontunmap_of_an_untouched_vma_does_not_merge_with_itself(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 4, 4, RW);
	assert_int_equal(remap(b, 6, 2, 2, MOVE | MREMAP_DONTUNMAP, 8), AT(8));
	assert_string_equal(bench_vmas(b), "4-8 rw 8-a rw");
	assert_int_equal(remap(b, 4, 2, 2, MOVE | MREMAP_DONTUNMAP, 2), AT(2));
	assert_string_equal(bench_vmas(b), "2-4 rw 4-8 rw 8-a rw");
	assert_int_equal(remap(b, 4, 2, 2, MOVE | MREMAP_DONTUNMAP, 0xa), AT(0xa));
	assert_string_equal(bench_vmas(b), "2-4 rw 4-8 rw 8-c rw");
}

static void test_an_untouched_vma_that_moves_beside_itself_merges(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 4, 4, RW);
	assert_int_equal(remap(b, 4, 2, 2, MOVE, 8), AT(8));
	assert_string_equal(bench_vmas(b), "6-a rw");
}

/* A locked VMA is cut, and only the empty part is unlocked (recorded: random/224). */
static void test_dontunmap_unlocks_only_what_moved(void **state)
{
	struct vma_bench *b = *state;

	p2psim_mmap(b->app, AT(4), PAGES(3), RW, FIXED_ANON | MAP_LOCKED, NULL, 0);
	assert_int_equal(remap(b, 5, 2, 2, MOVE | MREMAP_DONTUNMAP, 0x20), AT(0x20));
	assert_string_equal(bench_vmas(b), "4-5 rw 5-7 rw 20-22 rw");
	assert_true(bench_vma(b, 4)->vm_flags & VM_LOCKED);
	assert_false(bench_vma(b, 5)->vm_flags & VM_LOCKED);
	assert_true(bench_vma(b, 0x20)->vm_flags & VM_LOCKED);
}

static void test_shrinking_in_place_is_an_munmap(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 4, 4);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(remap(b, 4, 4, 1, 0, 0), AT(4));
	assert_string_equal(bench_log(b), "may_split 4-8 at 5; open 5-8 W; UNMAP 5-8 R; end; close 5-8 R; ");
	assert_int_equal(remap(b, 4, 1, 1, 0, 0), AT(4));
	assert_string_equal(bench_log(b), "");
}

/* Nobody looks at VMA boundaries when it shrinks (fact 11). */
static void test_shrinking_reaches_over_holes_and_other_vmas(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 4, 2, RW);
	bench_anon(b, 8, 2, PROT_READ);
	bench_listen(b);
	assert_int_equal(remap(b, 4, 5, 1, 0, 0), AT(4));
	assert_string_equal(bench_log(b), "UNMAP 5-9 R; end; ");
	assert_string_equal(bench_vmas(b), "4-5 rw 9-a r-");
}

/* In place: by a merge, or, with close(), by moving the end; never with a special flag. */
static void test_growing_in_place_announces_nothing(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_device(b, 4, 1);
	b->ops = &bench_plain_ops;
	b->set_flags = VM_MIXEDMAP;
	bench_device(b, 8, 1);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(remap(b, 0, 1, 3, 0, 0), AT(0));
	assert_int_equal(remap(b, 4, 1, 3, 0, 0), AT(4));
	assert_int_equal(remap(b, 8, 1, 3, 0, 0), -ENOMEM);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(bench_vmas(b), "0-3 rw 4-7 rw 8-9 rw");
}

/*
 *	0  1  2  3  4	growing closes the gap to what continues it: one VMA
 *	AAAAA    AAAA
 */
static void test_growing_up_to_the_next_vma_merges_with_it(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 3, 2, RW);
	assert_int_equal(remap(b, 0, 2, 3, 0, 0), AT(0));
	assert_string_equal(bench_vmas(b), "0-5 rw");
}

static void test_growing_without_room_moves(void **state)
{
	struct vma_bench *b = *state;
	long to;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 2, 1, PROT_READ);
	bench_touch(b, 1);
	to = remap(b, 0, 2, 4, MREMAP_MAYMOVE, 0);
	assert_true(to > (long)AT(0x100));
	assert_int_equal(p2psim_load_byte(b->app, (unsigned long)to + PAGE_SIZE), 1);
	assert_null(bench_vma(b, 0));
}

/* Old length 0 of a shared mapping is a second view of it; nothing is announced. */
static void test_old_length_0_duplicates_a_shared_mapping(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 4, 2);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(remap(b, 4, 0, 2, MOVE, 0x20), AT(0x20));
	assert_string_equal(bench_log(b), "may_split 4-6 at 4; open 20-22 W; mremap 20-22 W; ");
	assert_string_equal(bench_vmas(b), "4-6 rw 20-22 rw");
}

/* The VMA before the destination continues it: no new VMA, so no open(). */
static void test_a_move_may_merge_at_the_destination(void **state)
{
	struct vma_bench *b = *state;

	b->ops = &bench_plain_ops;
	bench_device(b, 0x1e, 2);
	p2psim_mmap(b->app, AT(4), PAGES(2), RW, MAP_SHARED | MAP_FIXED, b->file, PAGES(0x20));
	bench_log(b);
	assert_int_equal(remap(b, 4, 2, 2, MOVE, 0x20), AT(0x20));
	assert_string_equal(bench_log(b), "");
	assert_string_equal(bench_vmas(b), "1e-22 rw");
}

/* Two anonymous VMAs that mremap() moved apart do not merge again once touched: their offsets do not continue (1.12, 7). */
static void test_touched_anonymous_memory_keeps_its_offset(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0x10, 2, RW);
	bench_anon(b, 4, 2, RW);
	bench_touch(b, 4);
	assert_int_equal(remap(b, 4, 2, 2, MOVE, 0x12), AT(0x12));
	assert_string_equal(bench_vmas(b), "10-12 rw 12-14 rw");
	bench_anon(b, 6, 2, RW);
	assert_int_equal(remap(b, 6, 2, 2, MOVE, 0x0e), AT(0x0e));
	assert_string_equal(bench_vmas(b), "e-12 rw 12-14 rw");
}

/* `count` VMAs of one page, two apart. */
static void map_some(struct vma_bench *b, int count)
{
	while (b->mm->map_count < count)
		bench_anon(b, 2 * (unsigned long)b->mm->map_count, 1, RW);
}

/*
 * A move may cut three times: 13 of 16 VMAs are too many.  To a given address two more are set aside: 11 are too many.
 * Neither is asked where nothing moves.
 */
static void test_a_move_wants_vmas_to_spare(void **state)
{
	struct vma_bench *b = *state;

	map_some(b, 11);
	assert_int_equal(remap(b, 0, 1, 1, MOVE, 0x400), -ENOMEM);
	bench_unmap(b, 20, 1);
	assert_int_equal(remap(b, 0, 1, 1, MOVE, 0x400), AT(0x400));
	map_some(b, 13);
	assert_int_equal(remap(b, 2, 1, 4, MREMAP_MAYMOVE, 0), -ENOMEM);
	assert_int_equal(remap(b, 2, 1, 2, 0, 0), AT(2));
	assert_int_equal(b->mm->map_count, 12); /* it has grown up to the next */
	assert_true(remap(b, 6, 1, 4, MREMAP_MAYMOVE, 0) > 0);
}

static int setup_sixteen(void **state)
{
	static const struct p2psim_config config = { .max_map_count = 16 };

	return bench_setup_config(state, &config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_checks_refuse_in_the_order_of_the_kernel),
		bench_test(test_a_move_announces_the_old_range_twice),
		bench_test(test_what_was_at_the_destination_goes_first),
		bench_test(test_a_shrinking_move_cuts_the_tail_off_second),
		bench_test(test_a_driver_that_refuses_gets_everything_back),
		bench_test(test_raw_pfns_move_with_equal_size_only),
		bench_test(test_the_target_is_gone_even_if_the_move_fails),
		bench_test(test_may_split_is_asked_before_a_partial_move),
		bench_test(test_bytes_move_with_their_page),
		bench_test(test_dontunmap_leaves_an_empty_vma_and_announces_once),
		bench_test(test_dontunmap_of_an_untouched_vma_does_not_merge_with_itself),
		bench_test(test_an_untouched_vma_that_moves_beside_itself_merges),
		bench_test(test_dontunmap_unlocks_only_what_moved),
		bench_test(test_shrinking_in_place_is_an_munmap),
		bench_test(test_shrinking_reaches_over_holes_and_other_vmas),
		bench_test(test_growing_in_place_announces_nothing),
		bench_test(test_growing_up_to_the_next_vma_merges_with_it),
		bench_test(test_growing_without_room_moves),
		bench_test(test_old_length_0_duplicates_a_shared_mapping),
		bench_test(test_a_move_may_merge_at_the_destination),
		bench_test(test_touched_anonymous_memory_keeps_its_offset),
		cmocka_unit_test_setup_teardown(test_a_move_wants_vmas_to_spare, setup_sixteen, bench_teardown),
	};

	return cmocka_run_group_tests_name("mremap", tests, NULL, NULL);
}
