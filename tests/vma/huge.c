/* SPDX-License-Identifier: MIT */
/*
 * Transparent huge pages of anonymous memory: rules T1 to T3 of src/vma/huge.c, the events of 6.1 as they were recorded, and
 * out of memory at each allocation.
 *
 *	0 ... 1ff  200 ... 3ff		two blocks of 2 MiB, one VMA
 */
#include "vma_family.h"

#include <p2psim/actors.h>
#include <p2psim/linux/rmap.h>

#define BLOCK 0x200

static int setup(void **state)
{
	const struct p2psim_config config = { .thp = P2PSIM_THP_ALWAYS };

	return pages_setup_config(state, &config);
}

static int setup_madvise(void **state)
{
	const struct p2psim_config config = { .thp = P2PSIM_THP_MADVISE };

	return pages_setup_config(state, &config);
}

static bool is_huge(struct vma_bench *b, unsigned long page)
{
	return p2psim_pmd_is_huge(b->mm, AT(page));
}

static bool is_part(struct vma_bench *b, unsigned long page)
{
	return pages_page(b, page)->flags & (1UL << PG_head | 1UL << PG_tail);
}

/* Two blocks; the first is a huge page, written at its first page. */
static void written(struct vma_bench *b)
{
	bench_anon(b, 0, 2 * BLOCK, RW);
	assert_int_equal(pages_store(b, 0, 1), 0);
	assert_true(is_huge(b, 0));
	pages_listen(b);
}

static int advise(struct vma_bench *b, unsigned long first, unsigned long pages, int advice)
{
	return p2psim_madvise(b->app, AT(first), PAGES(pages), advice);
}

/* Reference 2.3: the first write makes one huge page, the first read zeros; no event. */
static void test_the_first_touch_makes_one_huge_entry(void **state)
{
	struct vma_bench *b = *state;

	written(b);
	assert_int_equal(pages_load(b, BLOCK + 7), 0);
	assert_string_equal(bench_log(b), "");
	assert_true(is_huge(b, BLOCK));
	assert_string_equal(pages_state(b, BLOCK - 1), "rw");
	assert_string_equal(pages_state(b, BLOCK), "zero");
	assert_int_equal(b->mm->rss_anon, BLOCK);
	assert_int_equal(page_to_pfn(pages_page(b, 0)) % BLOCK, 0);
}

/* Reference 2.3: the block has to lie inside the VMA. */
static void test_a_block_that_the_vma_cuts_gets_small_pages(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 1, BLOCK, RW);
	assert_int_equal(pages_store(b, 5, 1), 0);
	assert_false(is_huge(b, 5));
	assert_int_equal(b->mm->rss_anon, 1);
}

static void test_advice_says_who_has_huge_pages(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2 * BLOCK, RW);
	bench_touch(b, 0);
	assert_false(is_huge(b, 0));
	assert_int_equal(advise(b, BLOCK, BLOCK, MADV_HUGEPAGE), 0);
	bench_touch(b, BLOCK);
	assert_true(is_huge(b, BLOCK));
	assert_int_equal(advise(b, BLOCK, BLOCK, MADV_DONTNEED), 0);
	assert_int_equal(advise(b, BLOCK, BLOCK, MADV_NOHUGEPAGE), 0);
	bench_touch(b, BLOCK);
	assert_false(is_huge(b, BLOCK));
}

/* Recorded: 6.1 splits and copies one page, never 2 MiB. */
static void test_a_write_to_huge_zeros_splits_and_copies_one_page(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, BLOCK, RW);
	assert_int_equal(pages_load(b, 0), 0);
	pages_listen(b);
	assert_int_equal(pages_store(b, 3, 1), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-200 R; end; CLEAR 3-4 R; end; ");
	assert_false(is_huge(b, 0));
	assert_string_equal(pages_state(b, 3), "rw");
	assert_string_equal(pages_state(b, 4), "zero");
}

/* T1, T3, fact 12: the cut splits before the UNMAP; the whole goes without a split, and its table with it. */
static void test_munmap_splits_what_it_cuts(void **state)
{
	struct vma_bench *b = *state;

	written(b);
	bench_touch(b, BLOCK);
	assert_int_equal(bench_unmap(b, 0x100, 1), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-200 W; end; UNMAP 100-101 R; end; ");
	assert_string_equal(pages_state(b, 0x101), "rw");
	assert_true(is_part(b, 0x101));
	assert_int_equal(bench_unmap(b, BLOCK, BLOCK), 0);
	assert_string_equal(bench_log(b), "UNMAP 200-400 R; end; ");
	assert_false(p2psim_pmd_present(b->mm, AT(BLOCK)));
}

/* T2, T3.  Recorded: the CLEAR of the split is inside that of the advice. */
static void test_dontneed_of_a_part_splits_inside_its_own_event(void **state)
{
	struct vma_bench *b = *state;

	written(b);
	assert_int_equal(advise(b, 1, 2, MADV_DONTNEED), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-3 R; CLEAR 0-200 R; end; end; ");
	assert_string_equal(pages_state(b, 1), "none");
	assert_int_equal(pages_load(b, 0), 1);
	assert_int_equal(b->mm->rss_anon, BLOCK - 2);
}

/* Recorded: two CLEARs of the 2 MiB; the page is 512 small ones then. */
static void test_free_of_a_part_splits_the_page_as_well(void **state)
{
	struct vma_bench *b = *state;

	written(b);
	assert_int_equal(advise(b, 1, 2, MADV_FREE), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-3 R; CLEAR 0-200 R; end; CLEAR 0-200 R; end; end; ");
	assert_false(is_part(b, 0));
	assert_string_equal(pages_state(b, 1), "rw");
	assert_int_equal(advise(b, 4, 1, MADV_FREE), 0);
	assert_string_equal(bench_log(b), "CLEAR 4-5 R; end; ");
}

/* mm/madvise.c, 6.1: a part that has small entries already is split from its page too, if nobody else has it. */
static void test_free_of_a_part_with_small_entries_splits_its_page(void **state)
{
	struct vma_bench *b = *state;

	written(b);
	assert_int_equal(bench_unmap(b, 1, 1), 0);
	assert_true(is_part(b, 2));
	bench_log(b);
	assert_int_equal(advise(b, 2, 1, MADV_FREE), 0);
	assert_string_equal(bench_log(b), "CLEAR 2-3 R; CLEAR 0-200 R; end; CLEAR 0-1 R; end; CLEAR 0-200 R; end; "
					  "CLEAR 2-200 R; end; end; ");
	assert_false(is_part(b, 2));
}

/* Recorded: who has the page is asked of its first part; unmapped, FREE does nothing, and COLD splits. */
static void test_free_asks_the_first_part_who_has_the_page(void **state)
{
	struct vma_bench *b = *state;

	written(b);
	assert_int_equal(bench_unmap(b, 0, 1), 0);
	bench_log(b);
	assert_int_equal(advise(b, 1, 1, MADV_FREE), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-2 R; end; ");
	assert_true(is_part(b, 1));
	assert_int_equal(advise(b, 1, 1, MADV_COLD), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-200 R; end; CLEAR 1-200 R; end; ");
	assert_false(is_part(b, 1));
}

/* The VMAs of a huge page by offset, whichever changed last, and none after the last that has an entry of it. */
static void test_a_split_walks_the_vmas_by_offset_while_they_map_the_page(void **state)
{
	struct vma_bench *b = *state;

	written(b);
	assert_int_equal(p2psim_mprotect(b->app, AT(0), PAGES(0x100), PROT_READ), 0);
	assert_int_equal(p2psim_mprotect(b->app, AT(0), PAGES(0x80), RW), 0);
	assert_int_equal(advise(b, 0x80, 2 * BLOCK - 0x80, MADV_DONTNEED), 0);
	bench_log(b);
	assert_int_equal(advise(b, 0, 1, MADV_COLD), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-200 R; end; CLEAR 0-80 R; end; ");
	assert_false(is_part(b, 0));
}

/* A pin keeps the page whole. */
static void test_a_pinned_page_is_not_split(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	written(b);
	mmap_read_lock(b->mm);
	assert_int_equal(pin_user_pages_remote(b->mm, AT(9), 1, FOLL_WRITE, &page, NULL, NULL), 1);
	mmap_read_unlock(b->mm);
	assert_int_equal(advise(b, 1, 2, MADV_COLD), 0);
	assert_string_equal(bench_log(b), "");
	assert_true(is_huge(b, 0));
	unpin_user_page(page);
	assert_int_equal(advise(b, 1, 2, MADV_COLD), 0);
	assert_false(is_part(b, 0));
}

/* Fact 3, T2: of the whole it stays huge, and read-only until a write (no event); of a part it splits. */
static void test_mprotect_of_the_whole_stays_huge(void **state)
{
	struct vma_bench *b = *state;

	written(b);
	assert_int_equal(bench_protect(b, 0, 2 * BLOCK, PROT_READ), 0);
	assert_int_equal(bench_protect(b, 0, 2 * BLOCK, RW), 0);
	assert_string_equal(bench_log(b), "PROT_VMA 0-400 W; end; PROT_VMA 0-400 W; end; ");
	assert_true(is_huge(b, 0));
	assert_string_equal(pages_state(b, 5), "ro");
	assert_int_equal(pages_store(b, 5, 2), 0);
	assert_string_equal(pages_state(b, 6), "rw");
	assert_string_equal(bench_log(b), "");
}

/* 6.1: that the huge page was written is not known of its small entries: they do not get back the right to write at once. */
static void test_small_entries_of_a_split_are_clean(void **state)
{
	struct vma_bench *b = *state;

	written(b);
	assert_int_equal(bench_protect(b, 0, 2, PROT_READ), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-200 W; end; PROT_VMA 0-2 W; end; ");
	assert_int_equal(bench_protect(b, 0, 2, RW), 0);
	assert_string_equal(pages_state(b, 0), "ro");
	assert_string_equal(pages_state(b, 2), "rw");
	assert_true(PageDirty(pages_page(b, 0)));
	assert_int_equal(pages_load(b, 0), 1);
}

/* mm/mremap.c, 6.1: an aligned move takes the entry as it is; any other splits, inside the UNMAP. */
static void test_an_aligned_move_keeps_the_huge_entry(void **state)
{
	struct vma_bench *b = *state;

	written(b);
	assert_int_equal(p2psim_mremap(b->app, AT(0), PAGES(BLOCK), PAGES(BLOCK), MREMAP_MAYMOVE | MREMAP_FIXED, AT(0x600)),
			 AT(0x600));
	assert_true(is_huge(b, 0x600));
	bench_log(b);
	assert_int_equal(p2psim_mremap(b->app, AT(0x600), PAGES(BLOCK), PAGES(BLOCK), MREMAP_MAYMOVE | MREMAP_FIXED, AT(0x801)),
			 AT(0x801));
	assert_string_equal(bench_log(b), "UNMAP 600-800 W; CLEAR 600-800 W; end; end; UNMAP 600-800 W; end; ");
	assert_int_equal(pages_load(b, 0x801), 1);
}

/* Fact 9, and recorded: after a fork the writer splits and copies; who is left alone reuses. */
static void test_a_forked_huge_page_is_split_by_who_writes(void **state)
{
	struct vma_bench *b = *state, *child;

	written(b);
	child = family_fork(b);
	assert_int_equal(p2psim_page_huge_mapcount(pages_page(b, 0)), 2);
	bench_log(b);
	assert_int_equal(pages_store(b, 0, 3), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-200 R; end; CLEAR 0-1 R; end; ");
	assert_true(is_huge(child, 0));
	assert_int_equal(pages_load(child, 0), 1);
	family_exit(child, b);
}

static void test_who_is_left_alone_reuses_the_huge_page(void **state)
{
	struct vma_bench *b = *state, *child;

	written(b);
	child = family_fork(b);
	family_exit(child, b);
	bench_log(b);
	assert_int_equal(pages_store(b, 0, 3), 0);
	assert_string_equal(bench_log(b), "");
	assert_true(is_huge(b, 0));
	assert_string_equal(pages_state(b, 1), "rw");
}

/* Recorded: a pin to read makes it ours again, and leaves it read-only and huge. */
static void test_a_pin_to_read_takes_a_huge_page_that_nobody_else_has(void **state)
{
	struct vma_bench *b = *state, *child;
	uint8_t byte = 0;

	written(b);
	child = family_fork(b);
	family_exit(child, b);
	bench_log(b);
	assert_int_equal(p2psim_process_vm_read(b->app, AT(0), &byte, 1), 1);
	assert_int_equal(byte, 1);
	assert_string_equal(bench_log(b), "");
	assert_true(is_huge(b, 0));
	assert_string_equal(pages_state(b, 0), "ro");
	assert_true(pages_page(b, 0)->flags & 1UL << PG_anon_exclusive);
}

static void take_alone(struct vma_bench *b, unsigned long first, unsigned long count)
{
	struct page *page;

	mmap_read_lock(b->mm);
	for (; count--; first++) {
		assert_int_equal(make_device_exclusive_range(b->mm, AT(first), AT(first + 1), &page, b), 1);
		unlock_page(page);
		put_page(page);
	}
	mmap_read_unlock(b->mm);
}

/* Recorded: the block behind an untouched one is not looked at, unless the untouched one is a GiB of its own. */
static void test_collapse_ends_at_a_block_without_a_table(void **state)
{
	const unsigned long gib = PUD_SIZE >> PAGE_SHIFT;
	struct vma_bench *b = *state;

	bench_anon(b, 0, 3 * BLOCK, RW);
	bench_touch(b, 2 * BLOCK);
	assert_int_equal(advise(b, 0, 3 * BLOCK, MADV_COLLAPSE), -EINVAL);
	assert_false(is_huge(b, 2 * BLOCK));
	bench_anon(b, 3 * gib - BLOCK, 2 * BLOCK, RW);
	bench_touch(b, 3 * gib);
	assert_int_equal(advise(b, 3 * gib - BLOCK, 2 * BLOCK, MADV_COLLAPSE), -EINVAL);
	assert_true(is_huge(b, 3 * gib));
}

/* mm/khugepaged.c, 6.1, and recorded: first everything comes back, each with its own event. */
static void test_collapse_brings_back_what_a_device_has_alone(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, BLOCK, RW);
	bench_touch(b, 5);
	bench_touch(b, 6);
	take_alone(b, 5, 1);
	pages_listen(b);
	assert_int_equal(advise(b, 0, BLOCK, MADV_COLLAPSE), 0);
	assert_string_equal(bench_log(b), "EXCLUSIVE 5-6 R; end; CLEAR 0-200 W; end; ");
	assert_true(is_huge(b, 0));
	assert_int_equal(pages_load(b, 5), 1);
}

/* mm/khugepaged.c, 6.1: khugepaged_max_ptes_swap, 64; who advises is not asked. */
static void test_khugepaged_leaves_a_block_alone_of_which_much_is_away(void **state)
{
	struct vma_bench *b = *state;
	unsigned long page;

	bench_anon(b, 0, BLOCK, RW);
	for (page = 0; page < 66; page++)
		bench_touch(b, page);
	assert_int_equal(advise(b, 0, BLOCK, MADV_HUGEPAGE), 0);
	take_alone(b, 1, 65);
	assert_int_equal(p2psim_khugepaged_collapse(b->app, AT(0)), -EINVAL);
	assert_int_equal(pages_load(b, 1), 1);
	assert_int_equal(p2psim_khugepaged_collapse(b->app, AT(0)), 0);
	assert_true(is_huge(b, 0));
}

/* mm/khugepaged.c, 6.1, and recorded: CLEAR without a vma; then it is huge, and reads as before. */
static void test_collapse_makes_small_pages_a_huge_one(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2 * BLOCK, RW);
	bench_touch(b, 5);
	pages_listen(b);
	assert_int_equal(advise(b, 0, BLOCK, MADV_COLLAPSE), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-200 W; end; ");
	assert_true(is_huge(b, 0));
	assert_int_equal(pages_load(b, 5), 1);
	assert_int_equal(advise(b, 0, BLOCK, MADV_COLLAPSE), 0);
	assert_string_equal(bench_log(b), "");
	assert_int_equal(advise(b, BLOCK, BLOCK, MADV_COLLAPSE), -EINVAL);
}

/* mm/khugepaged.c, 6.1: no whole block in the range is success, unless its end lies before the first one begins. */
static void test_collapse_of_less_than_a_block(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2 * BLOCK, RW);
	bench_touch(b, 5);
	assert_int_equal(advise(b, 0, 1, MADV_COLLAPSE), 0);
	assert_int_equal(advise(b, 1, 1, MADV_COLLAPSE), -EINVAL);
	assert_int_equal(advise(b, BLOCK - 1, 2, MADV_COLLAPSE), 0);
	assert_false(is_huge(b, 0));
}

static void test_khugepaged_leaves_a_referenced_page_alone(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, BLOCK, RW);
	bench_touch(b, 5);
	assert_int_equal(p2psim_khugepaged_collapse(b->app, AT(0)), -EINVAL); /* nobody has asked for huge pages */
	assert_int_equal(advise(b, 0, BLOCK, MADV_HUGEPAGE), 0);
	page = pages_page(b, 5);
	get_page(page);
	assert_int_equal(p2psim_khugepaged_collapse(b->app, AT(0)), -EAGAIN);
	put_page(page);
	assert_int_equal(p2psim_khugepaged_collapse(b->app, AT(0)), 0);
	assert_true(is_huge(b, 0));
}

static void check(struct vma_bench *b, long ret)
{
	if (ret < 0 && ret > -4096)
		assert_true(ret == -ENOMEM || ret == -EFAULT || ret == -EINVAL || ret == -EAGAIN);
	assert_true(p2psim_pgtable_is_valid(b->mm));
}

static void story(struct vma_bench *b)
{
	struct p2psim_process *child = NULL;

	check(b, bench_anon(b, 0, 2 * BLOCK, RW));
	check(b, pages_load(b, BLOCK));
	check(b, pages_store(b, 0, 1));
	check(b, pages_store(b, BLOCK, 1));
	check(b, p2psim_fork(b->app, "child", &child));
	check(b, pages_store(b, 1, 1));
	if (child)
		p2psim_process_exit(child);
	check(b, p2psim_mremap(b->app, AT(0), PAGES(BLOCK), PAGES(BLOCK), MREMAP_MAYMOVE | MREMAP_FIXED, AT(0x7ff)));
	check(b, advise(b, BLOCK, BLOCK, MADV_COLLAPSE));
	check(b, bench_unmap(b, BLOCK, 1));
}

/* One world, in which the n-th allocation fails.  False: there are not so many. */
static bool fail_nth(uint64_t n)
{
	const struct p2psim_config config = { .thp = P2PSIM_THP_ALWAYS };
	struct p2psim_world *world = p2psim_world_create(&config);
	struct vma_bench b = {};
	bool fired;

	p2psim_world_on_violation(world, core_quiet, NULL);
	p2psim_inject_fail_nth(world, n);
	b.app = p2psim_process_create("app");
	if (b.app) {
		b.mm = p2psim_process_mm(b.app);
		story(&b);
	}
	fired = p2psim_inject_fired(world, NULL);
	if (b.app)
		p2psim_process_exit(b.app);
	if (p2psim_world_check_quiescent(world) || p2psim_world_violation(world))
		fail_msg("n = %d: %s", (int)n, p2psim_world_violation(world)->sentence);
	p2psim_world_destroy(world);
	return fired;
}

static void test_every_failing_allocation_is_survived(void **state)
{
	uint64_t n = 1;

	(void)state;
	while (fail_nth(n))
		n++;
	assert_in_range(n, 10, 1000);
}

/* 256 pages are no 512 in one piece: small pages serve. */
static void test_without_memory_for_a_huge_page_small_ones_serve(void **state)
{
	const struct p2psim_config config = { .thp = P2PSIM_THP_ALWAYS, .ram_pages = 256 };

	assert_int_equal(pages_setup_config(state, &config), 0);
	bench_anon(*state, 0, BLOCK, RW);
	assert_int_equal(pages_store(*state, 0, 1), 0);
	assert_false(is_huge(*state, 0));
	assert_int_equal(((struct vma_bench *)*state)->mm->rss_anon, 1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, pages_teardown)
#define test_of_madvise(name) cmocka_unit_test_setup_teardown(name, setup_madvise, pages_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_the_first_touch_makes_one_huge_entry),
		test(test_a_block_that_the_vma_cuts_gets_small_pages),
		test_of_madvise(test_advice_says_who_has_huge_pages),
		test(test_a_write_to_huge_zeros_splits_and_copies_one_page),
		test(test_munmap_splits_what_it_cuts),
		test(test_dontneed_of_a_part_splits_inside_its_own_event),
		test(test_free_of_a_part_splits_the_page_as_well),
		test(test_free_of_a_part_with_small_entries_splits_its_page),
		test(test_free_asks_the_first_part_who_has_the_page),
		test(test_a_split_walks_the_vmas_by_offset_while_they_map_the_page),
		test(test_a_pinned_page_is_not_split),
		test(test_mprotect_of_the_whole_stays_huge),
		test(test_small_entries_of_a_split_are_clean),
		test(test_an_aligned_move_keeps_the_huge_entry),
		test(test_a_forked_huge_page_is_split_by_who_writes),
		test(test_who_is_left_alone_reuses_the_huge_page),
		test_of_madvise(test_collapse_makes_small_pages_a_huge_one),
		test_of_madvise(test_collapse_of_less_than_a_block),
		test(test_a_pin_to_read_takes_a_huge_page_that_nobody_else_has),
		test_of_madvise(test_collapse_ends_at_a_block_without_a_table),
		test_of_madvise(test_collapse_brings_back_what_a_device_has_alone),
		test_of_madvise(test_khugepaged_leaves_a_block_alone_of_which_much_is_away),
		test_of_madvise(test_khugepaged_leaves_a_referenced_page_alone),
		cmocka_unit_test(test_every_failing_allocation_is_survived),
		cmocka_unit_test_teardown(test_without_memory_for_a_huge_page_small_ones_serve, pages_teardown),
	};

	return cmocka_run_group_tests_name("huge", tests, NULL, NULL);
}
