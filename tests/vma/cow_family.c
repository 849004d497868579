/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write of pages that a fork shares (2.3 of the reference, fact 9): who copies, who takes the page over without an
 * event, and what pins and references change.
 */
#include "vma_family.h"

/* One page with a 5, forked; the parent's events are logged from here on. */
static struct vma_bench *shared_page(struct vma_bench *b)
{
	struct vma_bench *child;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	pages_listen(b);
	child = family_fork(b);
	bench_log(b);
	return child;
}

static void test_who_writes_first_copies_and_the_other_takes_the_page_over(void **state)
{
	struct vma_bench *b = *state, *child = shared_page(b);
	struct page *page = pages_page(b, 0);

	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; ");
	assert_ptr_not_equal(pages_page(b, 0), page);
	assert_string_equal(pages_state(child, 0), "ro");
	assert_int_equal(pages_store(child, 0, 7), 0);
	assert_ptr_equal(pages_page(child, 0), page);
	assert_true(family_is_exclusive(page));
	assert_int_equal(pages_load(b, 0), 6);
	family_exit(child, b);
}

static void test_after_the_child_has_copied_the_parent_hears_nothing(void **state)
{
	struct vma_bench *b = *state, *child = shared_page(b);
	struct page *page = pages_page(b, 0);

	pages_store(child, 0, 7);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "");
	assert_ptr_equal(pages_page(b, 0), page);
	assert_int_equal(pages_load(child, 0), 7);
	family_exit(child, b);
}

static void test_after_the_child_has_gone_the_parent_hears_nothing(void **state)
{
	struct vma_bench *b = *state, *child = shared_page(b);
	struct page *page = pages_page(b, 0);

	family_exit(child, b);
	assert_string_equal(family_page(b, 0), "ro 1");
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "");
	assert_ptr_equal(pages_page(b, 0), page);
}

static void test_after_the_child_has_unmapped_the_parent_hears_nothing(void **state)
{
	struct vma_bench *b = *state, *child = shared_page(b);

	bench_unmap(child, 0, 1);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "");
	family_exit(child, b);
}

/* Who takes a page over is the only one in whose VMAs it is looked for: here the child, whose anon_vma is its own. */
static void test_a_page_taken_over_moves_to_the_takers_anon_vma(void **state)
{
	struct vma_bench *b = *state, *child = shared_page(b);
	struct page *page = pages_page(b, 0);

	assert_ptr_equal(page->anon_vma, bench_vma(b, 0)->anon_vma);
	pages_store(b, 0, 6);
	pages_store(child, 0, 7);
	assert_ptr_equal(page->anon_vma, bench_vma(child, 0)->anon_vma);
	assert_ptr_not_equal(page->anon_vma, bench_vma(b, 0)->anon_vma);
	assert_int_equal(p2psim_reclaim_page(page), 0);
	assert_string_equal(pages_state(child, 0), "swap");
	assert_int_equal(pages_load(child, 0), 7);
	family_exit(child, b);
}

/* Somebody has a reference, and may be reading: the page stays as it is. */
static void test_a_reference_forbids_to_take_a_shared_page_over(void **state)
{
	struct vma_bench *b = *state, *child = shared_page(b);
	struct page *page = pages_page(b, 0);

	get_page(page);
	family_exit(child, b);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; ");
	assert_ptr_not_equal(pages_page(b, 0), page);
	put_page(page);
}

static void test_a_locked_page_is_not_taken_over(void **state)
{
	struct vma_bench *b = *state, *child = shared_page(b);
	struct page *page = pages_page(b, 0);

	family_exit(child, b);
	lock_page(page);
	get_page(page);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_ptr_not_equal(pages_page(b, 0), page);
	unlock_page(page);
	put_page(page);
}

/* A reference that was there before the fork does not count: the page was exclusive, and so it stays after an mprotect(). */
static void test_an_exclusive_page_is_reused_whoever_has_references(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	page = pages_page(b, 0);
	get_page(page);
	bench_protect(b, 0, 1, PROT_READ);
	bench_protect(b, 0, 1, RW);
	pages_listen(b);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "");
	assert_ptr_equal(pages_page(b, 0), page);
	put_page(page);
}

/* ---- FOLL_FORCE in a family (fact 14) ---- */

static int force(struct vma_bench *b, unsigned long page, uint8_t value)
{
	return access_remote_vm(b->mm, AT(page), &value, 1, FOLL_FORCE | FOLL_WRITE);
}

static void test_a_forced_write_copies_for_the_writer_alone(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	bench_protect(b, 0, 1, PROT_READ);
	pages_listen(b);
	child = family_fork(b);
	bench_log(b);
	assert_int_equal(force(b, 0, 6), 1);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; ");
	assert_string_equal(family_page(b, 0), "ro 1");
	assert_int_equal(pages_load(b, 0), 6);
	assert_int_equal(pages_load(child, 0), 5);
	family_exit(child, b);
}

/* The page is taken over, dirty: mprotect() can make it writable without another fault. */
static void test_a_forced_write_takes_a_page_over_read_only(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	bench_protect(b, 0, 1, PROT_READ);
	child = family_fork(b);
	family_exit(child, b);
	assert_int_equal(force(b, 0, 6), 1);
	assert_string_equal(pages_state(b, 0), "ro");
	assert_true(family_is_exclusive(pages_page(b, 0)));
	bench_protect(b, 0, 1, RW);
	assert_string_equal(pages_state(b, 0), "rw");
}

/* ---- swap ---- */

/* Only who was alone with the page when it went is alone when it comes back. */
static void test_what_was_shared_in_swap_is_written_by_each_alone(void **state)
{
	struct vma_bench *b = *state, *child;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(0)), 0);
	child = family_fork(b);
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(pages_load(child, 0), 5);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_int_equal(pages_load(child, 0), 5);
	assert_int_equal(pages_store(child, 0, 7), 0);
	assert_int_equal(pages_load(b, 0), 6);
	family_exit(child, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_who_writes_first_copies_and_the_other_takes_the_page_over),
		pages_test(test_after_the_child_has_copied_the_parent_hears_nothing),
		pages_test(test_after_the_child_has_gone_the_parent_hears_nothing),
		pages_test(test_after_the_child_has_unmapped_the_parent_hears_nothing),
		pages_test(test_a_page_taken_over_moves_to_the_takers_anon_vma),
		pages_test(test_a_reference_forbids_to_take_a_shared_page_over),
		pages_test(test_a_locked_page_is_not_taken_over),
		pages_test(test_an_exclusive_page_is_reused_whoever_has_references),
		pages_test(test_a_forced_write_copies_for_the_writer_alone),
		pages_test(test_a_forced_write_takes_a_page_over_read_only),
		pages_test(test_what_was_shared_in_swap_is_written_by_each_alone),
	};

	return cmocka_run_group_tests_name("cow_family", tests, NULL, NULL);
}
