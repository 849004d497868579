/* SPDX-License-Identifier: MIT */
/*
 * Files that become shorter, lose a part, or get pages in advance: which pages go, which copies stay, what the notifier
 * hears (fact 13), which bytes become zero.
 */
#include "vma_files.h"

static int truncate_to(struct vma_bench *b, unsigned long bytes)
{
	return p2psim_file_truncate(b->file, bytes);
}

static int punch(struct vma_bench *b, unsigned long offset, unsigned long len)
{
	return p2psim_file_punch_hole(b->file, offset, len);
}

/*
 *	0 1 2 3		shared, and once more at 8 private, with a copy of page 2
 *	F F F F		truncate to 1 page and a bit: from page 2 on everything goes, copies too
 */
static void test_truncation_unmaps_twice_and_drops_copies(void **state)
{
	struct vma_bench *b = *state;
	unsigned int i;

	files_shared(b, 0, 4, 0);
	files_private(b, 8, 4, 0);
	for (i = 0; i < 4; i++)
		pages_store(b, i, 1);
	pages_store(b, 10, 2);
	pages_load(b, 9);
	pages_listen(b);
	assert_int_equal(truncate_to(b, PAGES(1) + 1), 0);
	assert_string_equal(bench_log(b), "CLEAR 2-4 -; end; CLEAR a-c -; end; CLEAR 2-4 -; end; CLEAR a-c -; end; ");
	assert_string_equal(files_entries(b, 0, 4), "FF..");
	assert_string_equal(files_entries(b, 8, 4), "ff..");
	assert_int_equal(p2psim_ram_used(), 2);
	assert_int_equal(pages_load(b, 10), -EFAULT);
}

/* The rest of the last page is zeros, through every mapping. */
static void test_truncation_zeroes_the_rest_of_the_page(void **state)
{
	struct vma_bench *b = *state;

	files_put(b, 10, 1);
	files_put(b, 11, 2);
	files_shared(b, 0, 1, 0);
	assert_int_equal(truncate_to(b, 11), 0);
	assert_int_equal(truncate_to(b, 100), 0);
	assert_int_equal(files_get(b, 10), 1);
	assert_int_equal(files_get(b, 11), 0);
	assert_int_equal(files_get(b, 100), 0x100);
	assert_int_equal(p2psim_load_byte(b->app, AT(0) + 11), 0);
}

/* Nothing is unmapped where no page ends: longer, or shorter within the last page. */
static void test_truncation_within_a_page_says_nothing(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 4, 0);
	pages_store(b, 1, 1);
	truncate_to(b, PAGES(2));
	pages_listen(b);
	assert_int_equal(truncate_to(b, PAGES(1) + 1), 0);
	assert_int_equal(truncate_to(b, PAGES(9)), 0);
	assert_int_equal(truncate_to(b, PAGES(9)), 0);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(files_entries(b, 0, 4), ".F..");
}

/* The event is there though no page is. */
static void test_an_untouched_mapping_hears_of_a_truncation(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 4, 2);
	files_shared(b, 8, 1, 0);
	pages_listen(b);
	assert_int_equal(truncate_to(b, PAGES(3)), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-4 -; end; CLEAR 1-4 -; end; ");
}

static void test_all_processes_lose_their_entries(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *other = p2psim_process_create("other");

	files_shared(b, 0, 1, 0);
	p2psim_mmap(other, AT(9), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, b->file, 0);
	assert_int_equal(pages_store(b, 0, 5), 0);
	assert_int_equal(p2psim_load_byte(other, AT(9)), 5);
	assert_int_equal(p2psim_process_mm(other)->rss_shmem, 1);
	assert_int_equal(truncate_to(b, 0), 0);
	assert_int_equal(p2psim_load_byte(other, AT(9)), -EFAULT);
	assert_int_equal(p2psim_process_mm(other)->rss_shmem, 0);
	assert_int_equal(p2psim_ram_used(), 0);
	p2psim_process_exit(other);
}

static void test_errors_of_truncation(void **state)
{
	struct vma_bench *b = *state;
	struct file *reader = p2psim_tmpfs_open(b->file, FMODE_READ);

	assert_int_equal(p2psim_file_truncate(reader, 0), -EINVAL);
	assert_int_equal(p2psim_file_truncate(b->file, 1UL << 63), -EINVAL);
	assert_int_equal(p2psim_file_size(reader), PAGES(FILE_PAGES));
	fput(reader);
}

/* ---- holes ---- */

/* One pass, and copies stay. */
static void test_a_hole_unmaps_once_and_keeps_copies(void **state)
{
	struct vma_bench *b = *state;

	files_put(b, PAGES(1), 5);
	files_shared(b, 0, 4, 0);
	files_private(b, 8, 4, 0);
	pages_load(b, 1);
	pages_store(b, 9, 6);
	pages_listen(b);
	assert_int_equal(punch(b, PAGES(1), PAGES(1)), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-2 -; end; CLEAR 9-a -; end; ");
	assert_string_equal(files_entries(b, 0, 4), "....");
	assert_int_equal(pages_load(b, 9), 6);
	assert_int_equal(pages_load(b, 1), 0);
	assert_int_equal(p2psim_file_size(b->file), PAGES(FILE_PAGES));
}

/* Whole pages go, parts become zeros and stay mapped. */
static void test_a_hole_zeroes_parts_of_pages(void **state)
{
	struct vma_bench *b = *state;
	unsigned int i;

	files_shared(b, 0, 3, 0);
	for (i = 0; i < 3; i++) {
		files_put(b, PAGES(i) + 0x7ff, 1);
		files_put(b, PAGES(i) + 0x800, 2);
	}
	pages_store(b, 0, 3);
	pages_store(b, 2, 3);
	pages_listen(b);
	assert_int_equal(punch(b, 0x800, PAGES(2)), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-2 -; end; ");
	assert_string_equal(files_entries(b, 0, 3), "F.F");
	assert_int_equal(files_get(b, 0x7ff) + 10 * files_get(b, 0x800), 1);
	assert_int_equal(files_get(b, PAGES(2) + 0x7ff) + 10 * files_get(b, PAGES(2) + 0x800), 20);
	assert_int_equal(files_get(b, PAGES(1) + 0x7ff), 0);
	assert_int_equal(pages_load(b, 0), 3);
}

/*
 * Its end, rounded down, lies before the file: everything from page 1 on, or from page 0 if it begins there, is told of, and
 * nothing but the bytes is lost.
 */
static void test_a_hole_inside_the_first_page_unmaps_the_rest(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 4, 0);
	pages_store(b, 0, 1);
	pages_store(b, 3, 1);
	pages_listen(b);
	assert_int_equal(punch(b, 0x100, 0x200), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-4 -; end; ");
	assert_string_equal(files_entries(b, 0, 4), "F...");
	assert_int_equal(pages_load(b, 3), 1);
	assert_int_equal(punch(b, PAGES(1) + 0x100, 0x200), 0); /* inside a later page: nothing */
	assert_string_equal(bench_log(b), "");
	assert_int_equal(punch(b, 0, 0x200), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-4 -; end; ");
	assert_int_equal(pages_load(b, 0) + 10 * pages_load(b, 3), 10);
}

static void test_errors_of_holes(void **state)
{
	struct vma_bench *b = *state;
	struct file *reader = p2psim_tmpfs_open(b->file, FMODE_READ);

	assert_int_equal(punch(b, 0, 0), -EINVAL);
	assert_int_equal(punch(b, 1UL << 63, 1), -EINVAL);
	assert_int_equal(punch(b, PAGES(1), 1UL << 63), -EINVAL);
	assert_int_equal(punch(b, PAGES(1), (1UL << 63) - PAGE_SIZE), -EFBIG);
	assert_int_equal(p2psim_file_punch_hole(reader, 0, 1), -EBADF);
	assert_int_equal(p2psim_file_allocate(reader, 0, 1), -EBADF);
	assert_int_equal(p2psim_file_allocate(b->file, 0, 0), -EINVAL);
	fput(reader);
}

/* MADV_REMOVE is a hole behind the range; mmap_lock is dropped for it (1.8). */
static void test_MADV_REMOVE_is_a_hole_in_the_file(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 4, 2);
	files_put(b, PAGES(3), 5);
	pages_load(b, 1);
	pages_listen(b);
	assert_int_equal(p2psim_madvise(b->app, AT(1), PAGES(2), MADV_REMOVE), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-3 -; end; ");
	assert_int_equal(files_get(b, PAGES(3)), 0);
	files_private(b, 8, 1, 0);
	assert_int_equal(p2psim_madvise(b->app, AT(8), PAGES(1), MADV_REMOVE), -EACCES);
	bench_anon(b, 9, 1, RW);
	assert_int_equal(p2psim_madvise(b->app, AT(9), PAGES(1), MADV_REMOVE), -EINVAL);
	p2psim_mlock(b->app, AT(0), PAGES(1));
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(1), MADV_REMOVE), -EINVAL);
}

/* ---- pages in advance ---- */

static void test_allocation_makes_pages_and_length(void **state)
{
	struct vma_bench *b = *state;

	assert_int_equal(p2psim_file_allocate(b->file, PAGES(FILE_PAGES) - 1, 2), 0);
	assert_int_equal(p2psim_file_size(b->file), PAGES(FILE_PAGES) + 1);
	assert_int_equal(p2psim_ram_used(), 2);
	assert_int_equal(files_get(b, PAGES(FILE_PAGES)), 0);
	assert_int_equal(p2psim_file_allocate(b->file, 0, 1), 0);
	assert_int_equal(p2psim_file_size(b->file), PAGES(FILE_PAGES) + 1);
}

/* What was there stays; what was allocated only now goes again. */
static void test_a_failed_allocation_is_taken_back(void **state)
{
	struct vma_bench *b = *state;

	files_put(b, PAGES(1), 5);
	p2psim_inject_fail_nth(b->world, 3); /* the page's struct, and what the cache needs, are there */
	assert_int_equal(p2psim_file_allocate(b->file, 0, PAGES(600)), -ENOMEM);
	p2psim_inject_fail_nth(b->world, 0);
	assert_int_equal(p2psim_ram_used(), 1);
	assert_int_equal(files_get(b, PAGES(1)), 5);
	assert_int_equal(p2psim_file_size(b->file), PAGES(FILE_PAGES));
}

/* ---- read() and write() ---- */

static void test_bytes_cross_pages(void **state)
{
	struct vma_bench *b = *state;
	static char out[3 * PAGE_SIZE], in[3 * PAGE_SIZE];
	unsigned int i;

	for (i = 0; i < sizeof(out); i++)
		out[i] = (char)(i / 7);
	assert_int_equal(p2psim_file_write(b->file, 100, out, sizeof(out)), sizeof(out));
	assert_int_equal(p2psim_file_read(b->file, 100, in, sizeof(in)), sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(p2psim_file_read(b->file, PAGES(FILE_PAGES) - 10, in, sizeof(in)), 10);
	assert_int_equal(p2psim_file_read(b->file, PAGES(FILE_PAGES), in, 1), 0);
	assert_int_equal(p2psim_file_write(b->file, ~0UL >> 1, out, 1), -EFBIG);
}

/* The offset is looked at before the file is. */
static void test_a_negative_offset_is_no_place_in_a_file(void **state)
{
	struct vma_bench *b = *state;
	struct file *reader = p2psim_tmpfs_open(b->file, FMODE_READ);
	char byte = 1;

	assert_int_equal(p2psim_file_write(b->file, 1UL << 63, &byte, 1), -EINVAL);
	assert_int_equal(p2psim_file_write(reader, ~0UL, &byte, 1), -EINVAL);
	assert_int_equal(p2psim_file_read(b->file, 1UL << 63, &byte, 1), -EINVAL);
	assert_int_equal(p2psim_file_read(b->file, ~0UL << PAGE_SHIFT, &byte, 1), -EINVAL);
	fput(reader);
}

static void test_who_may_not_read_or_write_is_told(void **state)
{
	struct vma_bench *b = *state;
	struct file *reader = p2psim_tmpfs_open(b->file, FMODE_READ), *writer = p2psim_tmpfs_open(b->file, FMODE_WRITE);
	char byte = 1;

	assert_int_equal(p2psim_file_write(reader, 0, &byte, 1), -EBADF);
	assert_int_equal(p2psim_file_read(writer, 0, &byte, 1), -EBADF);
	assert_int_equal(p2psim_file_write(writer, 0, &byte, 1), 1);
	assert_int_equal(p2psim_file_read(reader, 0, &byte, 1), 1);
	assert_int_equal(p2psim_mmap(b->app, AT(0), PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, writer, 0), -EACCES);
	fput(reader);
	fput(writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		files_test(test_truncation_unmaps_twice_and_drops_copies),
		files_test(test_truncation_zeroes_the_rest_of_the_page),
		files_test(test_truncation_within_a_page_says_nothing),
		files_test(test_an_untouched_mapping_hears_of_a_truncation),
		files_test(test_all_processes_lose_their_entries),
		files_test(test_errors_of_truncation),
		files_test(test_a_hole_unmaps_once_and_keeps_copies),
		files_test(test_a_hole_zeroes_parts_of_pages),
		files_test(test_a_hole_inside_the_first_page_unmaps_the_rest),
		files_test(test_errors_of_holes),
		files_test(test_MADV_REMOVE_is_a_hole_in_the_file),
		files_test(test_allocation_makes_pages_and_length),
		files_test(test_a_failed_allocation_is_taken_back),
		files_test(test_bytes_cross_pages),
		files_test(test_a_negative_offset_is_no_place_in_a_file),
		files_test(test_who_may_not_read_or_write_is_told),
	};

	return cmocka_run_group_tests_name("truncate", tests, NULL, NULL);
}
