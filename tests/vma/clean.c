/* SPDX-License-Identifier: MIT */
/*
 * Writeback makes pages of files clean: who is told, which entries lose the right to write, and that the next write is
 * heard of.
 */
#include "vma_files.h"

#include <p2psim/actors.h>
#include <p2psim/linux/rmap.h>

/* Once per shared mapping, touched or not; private ones and their copies are passed over (3.4). */
static void test_shared_entries_become_read_only_and_are_told_of(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	files_shared(b, 0, 2, 0);
	files_shared(b, 4, 2, 0);
	files_private(b, 8, 2, 0);
	pages_store(b, 1, 1);
	pages_store(b, 9, 2);
	page = pages_page(b, 1);
	pages_listen(b);
	assert_int_equal(p2psim_writeback_page(page), 1);
	assert_string_equal(bench_log(b), "PROT_PAGE 1-2 -; end; PROT_PAGE 5-6 -; end; ");
	assert_string_equal(files_entries(b, 0, 10), ".f.......A");
	assert_false(PageDirty(page));
	assert_int_equal(p2psim_writeback_page(page), 0);
	assert_int_equal(pages_store(b, 1, 3), 0);
	assert_string_equal(files_entries(b, 0, 2), ".F");
}

/* A page that nobody maps needs no event; one that is dirty in the cache alone is clean afterwards. */
static void test_a_page_that_nobody_maps_is_cleaned_silently(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	files_shared(b, 0, 1, 0);
	pages_store(b, 0, 1);
	page = pages_page(b, 0);
	p2psim_madvise(b->app, AT(0), PAGES(1), MADV_DONTNEED);
	pages_listen(b);
	assert_int_equal(p2psim_writeback_page(page), 1);
	assert_int_equal(p2psim_writeback_page(page), 0);
	assert_string_equal(bench_log(b), "");
}

static void test_what_belongs_to_no_file_is_refused(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	pages_store(b, 0, 1);
	pages_load(b, 1);
	pages_listen(b);
	assert_int_equal(p2psim_writeback_address(b->app, AT(0)), -EINVAL);
	assert_int_equal(p2psim_writeback_address(b->app, AT(1)), -ENOENT); /* the zero page */
	assert_int_equal(p2psim_writeback_address(b->app, AT(2)), -ENOENT);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(files_entries(b, 0, 1), "A");
}

static void test_cleaning_an_unlocked_page_is_a_violation(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 1, 0);
	pages_store(b, 0, 1);
	assert_int_equal(page_mkclean(pages_page(b, 0)), 1);
	assert_violation(b->world, P2PSIM_CONTRACT, "is cleaned, but not locked");
}

/*
 * A driver that keeps book of dirty pages (as fbdev's deferred IO): page_mkwrite() tells of the first write, cleaning the
 * page makes the next write the first one again.
 */
static void test_a_driver_hears_of_the_write_after_cleaning(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	b->ops = &pages_notified_ops;
	t->mkwrite_locks = true;
	t->mkwrite_answer = VM_FAULT_LOCKED;
	bench_device(b, 3, 1);
	assert_int_equal(pages_store(b, 3, 1), 0);
	assert_int_equal(pages_store(b, 3, 2), 0);
	assert_int_equal(t->mkwrites, 1);
	t->page->mapping = b->file->f_mapping;
	t->page->index = 3;
	assert_int_equal(p2psim_writeback_address(b->app, AT(3)), 1);
	assert_int_equal(pages_store(b, 3, 3), 0);
	assert_int_equal(t->mkwrites, 2);
	t->page->mapping = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		files_test(test_shared_entries_become_read_only_and_are_told_of),
		files_test(test_a_page_that_nobody_maps_is_cleaned_silently),
		files_test(test_what_belongs_to_no_file_is_refused),
		files_test(test_cleaning_an_unlocked_page_is_a_violation),
		pages_test(test_a_driver_hears_of_the_write_after_cleaning),
	};

	return cmocka_run_group_tests_name("clean", tests, NULL, NULL);
}
