/* SPDX-License-Identifier: MIT */
/*
 * MAP_SHARED | MAP_ANONYMOUS: a nameless file of the mapping's size (1.4), shared with children, and what there is no file
 * behind; and what advice does to it (1.8).
 */
#include "vma_files.h"

static long map(struct vma_bench *b, unsigned long first, unsigned long pages)
{
	return p2psim_mmap(b->app, AT(first), PAGES(pages), RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
}

static void test_it_is_a_file_mapping_that_begins_at_0(void **state)
{
	struct vma_bench *b = *state;
	const struct vm_area_struct *vma;

	map(b, 0, 3);
	vma = bench_vma(b, 0);
	assert_non_null(vma->vm_file);
	assert_false(vma_is_anonymous(vma));
	assert_int_equal(vma->vm_pgoff, 0);
	assert_int_equal(p2psim_file_size(vma->vm_file), PAGES(3));
	assert_int_equal(pages_load(b, 1), 0);
	assert_string_equal(files_entries(b, 0, 3), ".F.");
	assert_string_equal(files_rss(b), "0 0 1");
}

/* Each is a file of its own: neighbours do not merge, parts of one do. */
static void test_two_are_two_objects(void **state)
{
	struct vma_bench *b = *state;

	map(b, 0, 2);
	map(b, 2, 2);
	assert_string_equal(bench_vmas(b), "0-2 rw 2-4 rw");
	bench_protect(b, 0, 1, PROT_READ);
	bench_protect(b, 0, 1, RW);
	assert_string_equal(bench_vmas(b), "0-2 rw 2-4 rw");
	pages_store(b, 0, 1);
	assert_int_equal(pages_load(b, 2), 0);
}

/* It grows as a mapping, but its file does not. */
static void test_what_mremap_adds_is_beyond_the_end(void **state)
{
	struct vma_bench *b = *state;

	map(b, 0, 2);
	assert_int_equal(p2psim_mremap(b->app, AT(0), PAGES(2), PAGES(3), 0, 0), AT(0));
	assert_int_equal(pages_store(b, 1, 1), 0);
	assert_int_equal(pages_store(b, 2, 1), -EFAULT);
	assert_string_equal(pages_signal(b), "BUS ADRERR 2");
}

static void test_a_child_shares_it(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child;

	map(b, 0, 2);
	pages_store(b, 0, 1);
	pages_listen(b);
	assert_int_equal(p2psim_fork(b->app, "child", &child), 0);
	assert_string_equal(bench_log(b), "");
	assert_int_equal(p2psim_store_byte(child, AT(0), 2), 0);
	assert_int_equal(p2psim_store_byte(child, AT(1), 3), 0);
	assert_int_equal(pages_load(b, 0) + 10 * pages_load(b, 1), 32);
	assert_string_equal(bench_log(b), "");
	p2psim_process_exit(child);
	assert_int_equal(pages_load(b, 1), 3);
}

/* The object goes with the last mapping of any part of it. */
static void test_it_lives_as_long_as_a_part_is_mapped(void **state)
{
	struct vma_bench *b = *state;

	map(b, 0, 3);
	pages_store(b, 0, 1);
	pages_store(b, 2, 2);
	bench_unmap(b, 0, 2);
	assert_int_equal(p2psim_ram_used(), 2);
	assert_int_equal(pages_load(b, 2), 2);
	bench_unmap(b, 2, 1);
	assert_int_equal(p2psim_ram_used(), 0);
}

/* ---- advice ---- */

/* Entries go, the bytes stay with the object. */
static void test_DONTNEED_keeps_the_bytes_of_shared_memory(void **state)
{
	struct vma_bench *b = *state;

	map(b, 0, 2);
	pages_store(b, 0, 1);
	pages_listen(b);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(2), MADV_DONTNEED), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-2 R; end; ");
	assert_string_equal(files_entries(b, 0, 2), "..");
	assert_string_equal(files_rss(b), "0 0 0");
	assert_int_equal(pages_load(b, 0), 1);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(2), MADV_FREE), -EINVAL);
}

/* The copy goes: the file is seen again. */
static void test_DONTNEED_drops_copies_of_private_mappings(void **state)
{
	struct vma_bench *b = *state;

	files_put(b, 0, 5);
	files_private(b, 0, 1, 0);
	pages_store(b, 0, 6);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(1), MADV_DONTNEED), 0);
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(1), MADV_FREE), -EINVAL);
}

static void test_REMOVE_loses_the_bytes(void **state)
{
	struct vma_bench *b = *state;

	map(b, 0, 3);
	pages_store(b, 0, 1);
	pages_store(b, 1, 2);
	pages_listen(b);
	assert_int_equal(p2psim_madvise(b->app, AT(1), PAGES(1), MADV_REMOVE), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-2 -; end; ");
	assert_int_equal(pages_load(b, 0) + 10 * pages_load(b, 1), 1);
}

/* Over several VMAs: each part on its own, holes told of at the end; the lock is dropped in between. */
static void test_REMOVE_goes_on_after_a_hole(void **state)
{
	struct vma_bench *b = *state;

	map(b, 0, 1);
	map(b, 2, 1);
	pages_store(b, 0, 1);
	pages_store(b, 2, 2);
	pages_listen(b);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(3), MADV_REMOVE), -ENOMEM);
	assert_string_equal(bench_log(b), "CLEAR 0-1 -; end; CLEAR 2-3 -; end; ");
	assert_int_equal(p2psim_ram_used(), 0);
}

/* COLD and WILLNEED say nothing and change nothing that can be seen. */
static void test_COLD_and_WILLNEED_change_no_entry(void **state)
{
	struct vma_bench *b = *state;

	map(b, 0, 2);
	pages_store(b, 0, 1);
	pages_listen(b);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(2), MADV_WILLNEED), 0);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(2), MADV_COLD), 0);
	assert_string_equal(files_entries(b, 0, 2), "F.");
	assert_string_equal(bench_log(b), "");
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(3), MADV_COLD), -ENOMEM);
}

/* Unmapped, swap or not; what was written stays in the page cache, what was not is zeros again. */
static void test_PAGEOUT_unmaps_pages_of_files(void **state)
{
	struct vma_bench *b = *state;

	map(b, 0, 3);
	pages_store(b, 0, 1);
	pages_load(b, 1);
	pages_listen(b);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(3), MADV_PAGEOUT), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; CLEAR 1-2 R; end; ");
	assert_string_equal(files_entries(b, 0, 3), "...");
	assert_int_equal(p2psim_ram_used(), 1);
	assert_int_equal(pages_load(b, 0) + 10 * pages_load(b, 1), 1);
}

/* Mapped more than once: PAGEOUT leaves it to the others; a reclaimer does not. */
static void test_PAGEOUT_leaves_what_others_map(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 1, 0);
	files_shared(b, 4, 1, 0);
	pages_store(b, 0, 1);
	pages_load(b, 4);
	pages_listen(b);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(1), MADV_PAGEOUT), 0);
	assert_string_equal(bench_log(b), "");
	assert_int_equal(p2psim_reclaim_address(b->app, AT(4)), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 -; end; CLEAR 4-5 -; end; ");
	pages_load(b, 4);
	p2psim_mlock(b->app, AT(4), PAGES(1));
	assert_int_equal(p2psim_reclaim_address(b->app, AT(4)), -EBUSY);
	assert_string_equal(bench_log(b), "");
}

static void test_POPULATE_faults_everything_in(void **state)
{
	struct vma_bench *b = *state;

	map(b, 0, 2);
	files_private(b, 8, 2, FILE_PAGES - 1);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(2), MADV_POPULATE_READ), 0);
	assert_string_equal(files_entries(b, 0, 2), "FF");
	assert_int_equal(p2psim_madvise(b->app, AT(8), PAGES(2), MADV_POPULATE_WRITE), -EFAULT);
	assert_string_equal(files_entries(b, 8, 2), "A."); /* the second page is beyond the end */
	bench_protect(b, 0, 2, PROT_READ);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(2), MADV_POPULATE_WRITE), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		files_test(test_it_is_a_file_mapping_that_begins_at_0),
		files_test(test_two_are_two_objects),
		files_test(test_what_mremap_adds_is_beyond_the_end),
		files_test(test_a_child_shares_it),
		files_test(test_it_lives_as_long_as_a_part_is_mapped),
		files_test(test_DONTNEED_keeps_the_bytes_of_shared_memory),
		files_test(test_DONTNEED_drops_copies_of_private_mappings),
		files_test(test_REMOVE_loses_the_bytes),
		files_test(test_REMOVE_goes_on_after_a_hole),
		files_test(test_COLD_and_WILLNEED_change_no_entry),
		files_test(test_PAGEOUT_unmaps_pages_of_files),
		files_test(test_PAGEOUT_leaves_what_others_map),
		files_test(test_POPULATE_faults_everything_in),
	};

	return cmocka_run_group_tests_name("shared_anonymous", tests, NULL, NULL);
}
