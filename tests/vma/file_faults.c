/* SPDX-License-Identifier: MIT */
/*
 * Faults of files in the page cache: reads, shared and private writes, fault-around, the end of the file, PROT_NONE; and
 * what mprotect(), mremap() and munmap() leave of the entries.
 */
#include "vma_files.h"

/* A read of a shared mapping that may be written gives a writable entry: a tmpfs does not want to hear of writes. */
static void test_a_read_of_a_shared_mapping_gives_a_writable_entry(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 2, 0);
	files_map(b, 2, 1, PROT_READ, MAP_SHARED, 2);
	pages_listen(b);
	assert_int_equal(pages_load(b, 0), 0);
	assert_int_equal(pages_load(b, 2), 0);
	assert_string_equal(files_entries(b, 0, 3), "F.f");
	assert_int_equal(pages_store(b, 0, 7), 0);
	assert_int_equal(files_get(b, 0), 7);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(files_rss(b), "0 0 2");
}

/* Contents are where something was stored: a hole that was read takes no bytes. */
static void test_what_was_never_written_is_a_page_without_bytes(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 1, 0);
	assert_int_equal(files_get(b, 5), 0);
	assert_int_equal(p2psim_ram_used(), 0);
	assert_int_equal(pages_load(b, 0), 0);
	assert_int_equal(p2psim_ram_used(), 1);
	assert_null(pages_page(b, 0)->data);
	assert_int_equal(page_count(pages_page(b, 0)), 2); /* the entry's and the cache's (P1) */
}

/*
 *	0 1 2		the file's page 0, private
 *	a . .	store	AAA: written first, a copy at once and no event; read first, CLEAR
 */
static void test_a_private_write_copies(void **state)
{
	struct vma_bench *b = *state;

	files_put(b, 0, 5);
	files_put(b, PAGES(1), 6);
	files_private(b, 0, 2, 0);
	pages_listen(b);
	assert_int_equal(pages_store(b, 1, 9), 0);
	assert_string_equal(bench_log(b), "");
	assert_int_equal(pages_load(b, 0), 5);
	assert_string_equal(files_entries(b, 0, 2), "fA");
	assert_int_equal(pages_store(b, 0, 8), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; ");
	assert_string_equal(files_entries(b, 0, 2), "AA");
	assert_int_equal(files_get(b, 0) * 10 + files_get(b, PAGES(1)), 56);
	assert_string_equal(files_rss(b), "2 0 0");
}

static void test_a_copy_is_written_in_place(void **state)
{
	struct vma_bench *b = *state;

	files_private(b, 0, 1, 0);
	pages_store(b, 0, 1);
	bench_protect(b, 0, 1, PROT_READ);
	bench_protect(b, 0, 1, RW);
	assert_string_equal(files_entries(b, 0, 1), "A");
	pages_listen(b);
	assert_int_equal(pages_store(b, 0, 2), 0);
	assert_string_equal(bench_log(b), "");
}

static void test_beyond_the_end_of_the_file_is_SIGBUS(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 4, FILE_PAGES - 1);
	assert_int_equal(pages_load(b, 0), 0);
	assert_int_equal(pages_load(b, 1), -EFAULT);
	assert_string_equal(pages_signal(b), "BUS ADRERR 1");
	assert_int_equal(pages_store(b, 3, 1), -EFAULT);
	files_private(b, 0x200, 1, FILE_PAGES);
	assert_int_equal(pages_store(b, 0x200, 1), -EFAULT);
	assert_string_equal(pages_signal(b), "BUS ADRERR 200");
	assert_false(p2psim_pmd_present(b->mm, AT(0x200))); /* no table for what could not be mapped */
	assert_int_equal(p2psim_ram_used(), 1);
}

static void test_a_longer_file_is_no_SIGBUS_any_more(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 1, FILE_PAGES);
	assert_int_equal(pages_load(b, 0), -EFAULT);
	assert_int_equal(files_put(b, PAGES(FILE_PAGES) + 3, 4), 1);
	assert_int_equal(p2psim_file_size(b->file), PAGES(FILE_PAGES) + 4);
	assert_int_equal(pages_load(b, 0), 0);
	assert_int_equal(p2psim_load_byte(b->app, AT(0) + 3), 4);
}

/* ---- fault-around ---- */

/*
 * The window begins at an address that is a multiple of 16 pages.
 *
 *	page	14  15  16  17  18 ... 31  32
 *	cached	x   x   x       x      x   x
 *	VMA	    [----------------------]
 *	read		    r
 *	entries .   .   F   F   F      F   .
 */
static void test_a_read_maps_the_cached_neighbours_in_its_window(void **state)
{
	static const unsigned int cached[] = { 14, 15, 16, 18, 31 };
	struct vma_bench *b = *state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cached); i++)
		files_put(b, PAGES(cached[i]), 1);
	files_shared(b, 15, 17, 15);
	assert_int_equal(pages_load(b, 17), 0);
	assert_string_equal(files_entries(b, 14, 6), "..FFF.");
	assert_string_equal(files_entries(b, 30, 3), ".F.");
	assert_string_equal(files_rss(b), "0 0 4");
}

/* Where the VMA begins later, so does the window: it is 16 pages long all the same, and not aligned. */
static void test_the_window_is_16_pages_wherever_it_begins(void **state)
{
	struct vma_bench *b = *state;

	files_put(b, PAGES(15), 1);
	files_put(b, PAGES(16), 1);
	files_shared(b, 14, 20, 0);
	assert_int_equal(pages_load(b, 14), 0);
	assert_string_equal(files_entries(b, 14, 3), "F..");
	assert_string_equal(files_entries(b, 28, 4), ".F..");
}

/* The window does not reach into the next table. */
static void test_the_window_ends_with_the_page_table(void **state)
{
	struct vma_bench *b = *state;
	unsigned int i;

	for (i = 0; i < 20; i++)
		files_put(b, PAGES(i), 1);
	files_shared(b, 504, 16, 0);
	assert_int_equal(pages_load(b, 506), 1);
	assert_string_equal(files_entries(b, 504, 16), "FFFFFFFF........");
	assert_false(p2psim_pmd_present(b->mm, AT(512)));
}

static void test_a_write_maps_one_page(void **state)
{
	struct vma_bench *b = *state;

	files_put(b, 0, 1);
	files_put(b, PAGES(1), 1);
	files_shared(b, 0, 2, 0);
	files_private(b, 32, 2, 0);
	assert_int_equal(pages_store(b, 0, 2), 0);
	assert_int_equal(pages_store(b, 32, 2), 0);
	assert_string_equal(files_entries(b, 0, 2), "F.");
	assert_string_equal(files_entries(b, 32, 2), "A.");
}

/* A copy of a private mapping stays what it is, and neighbours of a private mapping are read-only. */
static void test_fault_around_leaves_what_is_there(void **state)
{
	struct vma_bench *b = *state;

	files_put(b, 0, 1);
	files_put(b, PAGES(1), 1);
	files_put(b, PAGES(2), 1);
	files_private(b, 0, 3, 0);
	pages_store(b, 1, 9);
	assert_int_equal(pages_load(b, 0), 1);
	assert_string_equal(files_entries(b, 0, 3), "fAf");
	assert_int_equal(pages_load(b, 1), 9);
}

/* What fallocate() has put into the cache has no contents yet: it is not mapped on the way. */
static void test_pages_without_contents_are_not_mapped_around(void **state)
{
	struct vma_bench *b = *state;

	assert_int_equal(p2psim_file_allocate(b->file, 0, PAGES(3)), 0);
	assert_int_equal(p2psim_ram_used(), 3);
	files_shared(b, 0, 3, 0);
	assert_int_equal(pages_load(b, 1), 0);
	assert_string_equal(files_entries(b, 0, 3), ".F.");
	bench_unmap(b, 0, 3);
	assert_int_equal(p2psim_file_allocate(b->file, 0, PAGES(1)), 0); /* the second time makes it zeros */
	files_shared(b, 0, 3, 0);
	assert_int_equal(pages_load(b, 1), 0);
	assert_string_equal(files_entries(b, 0, 3), "FF.");
}

/* A locked page is passed over: fault-around waits for nobody. */
static void test_a_locked_neighbour_is_passed_over(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	files_put(b, 0, 1);
	files_put(b, PAGES(1), 1);
	files_shared(b, 0, 2, 0);
	pages_store(b, 1, 1);
	page = pages_page(b, 1);
	p2psim_madvise(b->app, AT(0), PAGES(2), MADV_DONTNEED);
	lock_page(page);
	assert_int_equal(pages_load(b, 0), 1);
	assert_string_equal(files_entries(b, 0, 2), "F.");
	unlock_page(page);
}

/* ---- protection, moves ---- */

static void test_PROT_NONE_keeps_the_page(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 2, 0);
	pages_store(b, 0, 3);
	pages_listen(b);
	bench_protect(b, 0, 2, PROT_NONE);
	assert_string_equal(bench_log(b), "PROT_VMA 0-2 W; end; ");
	assert_string_equal(files_entries(b, 0, 2), "m.");
	assert_int_equal(pages_load(b, 0), -EFAULT);
	assert_string_equal(pages_signal(b), "SEGV ACCERR 0");
	bench_protect(b, 0, 2, PROT_READ);
	assert_string_equal(files_entries(b, 0, 2), "f.");
	bench_protect(b, 0, 2, RW);
	assert_int_equal(pages_store(b, 0, 4), 0);
	assert_int_equal(files_get(b, 0), 4);
}

static void test_a_private_mapping_stays_read_only_when_it_may_be_written(void **state)
{
	struct vma_bench *b = *state;

	files_put(b, 0, 5);
	files_map(b, 0, 1, PROT_READ, MAP_PRIVATE, 0);
	assert_int_equal(pages_load(b, 0), 5);
	bench_protect(b, 0, 1, RW);
	assert_string_equal(files_entries(b, 0, 1), "f");
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(files_entries(b, 0, 1), "A");
	assert_int_equal(files_get(b, 0), 5);
}

/* Moved entries keep their pages; what was not mapped is found by the offset that moved along. */
static void test_a_move_takes_the_offset_along(void **state)
{
	struct vma_bench *b = *state;

	files_put(b, PAGES(5), 5);
	files_put(b, PAGES(6), 6);
	files_shared(b, 0, 2, 5);
	pages_store(b, 0, 7);
	assert_int_equal(p2psim_mremap(b->app, AT(0), PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, AT(0x40)), AT(0x40));
	assert_string_equal(files_entries(b, 0x40, 2), "F.");
	assert_int_equal(bench_vma(b, 0x40)->vm_pgoff, 5);
	assert_int_equal(pages_load(b, 0x41), 6);
	assert_int_equal(files_get(b, PAGES(5)), 7);
}

/* Old size 0: a second mapping of the same pages, empty at first (fact 10: no event). */
static void test_old_size_0_maps_a_shared_file_twice(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 2, 3);
	pages_store(b, 0, 7);
	pages_listen(b);
	assert_int_equal(p2psim_mremap(b->app, AT(0), 0, PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, AT(0x40)), AT(0x40));
	assert_string_equal(bench_log(b), "");
	assert_string_equal(files_entries(b, 0x40, 2), "..");
	assert_int_equal(pages_load(b, 0x40), 7);
	assert_ptr_equal(pages_page(b, 0), pages_page(b, 0x40));
	files_private(b, 0x50, 1, 0);
	assert_int_equal(p2psim_mremap(b->app, AT(0x50), 0, PAGES(1), MREMAP_MAYMOVE, 0), -EINVAL);
}

/* Neighbours merge when file and offset go on. */
static void test_neighbours_merge_if_the_offset_goes_on(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 2, 0);
	files_shared(b, 2, 2, 2);
	assert_string_equal(bench_vmas(b), "0-4 rw");
	files_shared(b, 4, 1, 9);
	assert_string_equal(bench_vmas(b), "0-4 rw 4-5 rw");
	files_private(b, 5, 1, 10);
	assert_string_equal(bench_vmas(b), "0-4 rw 4-5 rw 5-6 rw");
}

static void test_read_only_files_are_not_written_through_shared_mappings(void **state)
{
	struct vma_bench *b = *state;
	struct file *reader = p2psim_tmpfs_open(b->file, FMODE_READ);

	files_put(b, 0, 5);
	assert_int_equal(p2psim_mmap(b->app, AT(0), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, reader, 0), -EACCES);
	assert_int_equal(p2psim_mmap(b->app, AT(0), PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, reader, 0), AT(0));
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(bench_protect(b, 0, 1, RW), -EACCES);
	assert_int_equal(p2psim_mmap(b->app, AT(8), PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, reader, 0), AT(8));
	assert_int_equal(pages_store(b, 8, 6), 0);
	fput(reader);
	assert_int_equal(files_get(b, 0), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		files_test(test_a_read_of_a_shared_mapping_gives_a_writable_entry),
		files_test(test_what_was_never_written_is_a_page_without_bytes),
		files_test(test_a_private_write_copies),
		files_test(test_a_copy_is_written_in_place),
		files_test(test_beyond_the_end_of_the_file_is_SIGBUS),
		files_test(test_a_longer_file_is_no_SIGBUS_any_more),
		files_test(test_a_read_maps_the_cached_neighbours_in_its_window),
		files_test(test_the_window_is_16_pages_wherever_it_begins),
		files_test(test_the_window_ends_with_the_page_table),
		files_test(test_a_write_maps_one_page),
		files_test(test_fault_around_leaves_what_is_there),
		files_test(test_pages_without_contents_are_not_mapped_around),
		files_test(test_a_locked_neighbour_is_passed_over),
		files_test(test_PROT_NONE_keeps_the_page),
		files_test(test_a_private_mapping_stays_read_only_when_it_may_be_written),
		files_test(test_a_move_takes_the_offset_along),
		files_test(test_old_size_0_maps_a_shared_file_twice),
		files_test(test_neighbours_merge_if_the_offset_goes_on),
		files_test(test_read_only_files_are_not_written_through_shared_mappings),
	};

	return cmocka_run_group_tests_name("file_faults", tests, NULL, NULL);
}
