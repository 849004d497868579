/* SPDX-License-Identifier: MIT */
/*
 * What mincore() and msync() say, in the order of their checks.
 */
#include "vma_files.h"

/* "yynn", or the errno's number. */
static const char *incore(struct vma_bench *b, unsigned long first, unsigned int pages)
{
	unsigned char vec[64] = { 0 };
	int error = p2psim_mincore(b->app, AT(first), PAGES(pages), vec);
	unsigned int i;

	if (error)
		snprintf(b->list, sizeof(b->list), "%d", error);
	for (i = 0; !error && i <= pages; i++)
		b->list[i] = i == pages ? 0 : vec[i] ? 'y' : 'n';
	return b->list;
}

/* Anonymous memory: what has an entry, the zero page, too. */
static void test_anonymous_memory_is_in_core_where_it_was_touched(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 4, RW);
	pages_store(b, 0, 1);
	pages_load(b, 2);
	assert_string_equal(incore(b, 0, 4), "ynyn");
	assert_int_equal(p2psim_reclaim_address(b->app, AT(0)), 0);
	assert_string_equal(incore(b, 0, 4), "nnyn");
	bench_protect(b, 0, 4, PROT_NONE);
	assert_string_equal(incore(b, 0, 4), "nnyn");
}

/* Of a file it is what the cache has, whoever has brought it there. */
static void test_files_are_in_core_where_they_are_cached(void **state)
{
	struct vma_bench *b = *state;

	files_put(b, PAGES(1), 1);
	p2psim_file_allocate(b->file, PAGES(3), PAGES(1)); /* no contents yet */
	files_shared(b, 0, 4, 0);
	files_private(b, 8, 4, 0);
	assert_string_equal(incore(b, 0, 4), "nynn");
	pages_store(b, 2, 1);
	assert_string_equal(incore(b, 8, 4), "nyyn");
	pages_store(b, 8, 1); /* copies a page that this makes */
	assert_string_equal(incore(b, 0, 4), "yyyn");
	p2psim_file_truncate(b->file, PAGES(1));
	assert_string_equal(incore(b, 0, 4), "ynnn");
}

static void test_mincore_checks_alignment_then_addresses_then_VMAs(void **state)
{
	struct vma_bench *b = *state;
	unsigned char vec[4] = { 9, 9, 9, 9 };

	bench_anon(b, 0, 1, RW);
	bench_anon(b, 2, 1, RW);
	assert_int_equal(p2psim_mincore(b->app, AT(1) + 1, ~0UL, vec), -EINVAL);
	assert_int_equal(p2psim_mincore(b->app, AT(1), ~0UL, vec), -ENOMEM);
	assert_int_equal(p2psim_mincore(b->app, AT(1), 0, vec), 0);
	assert_int_equal(vec[0], 9);
	assert_int_equal(p2psim_mincore(b->app, AT(0), PAGES(3), vec), -ENOMEM);
	assert_int_equal(p2psim_mincore(b->app, AT(0), 1, vec), 0);
	assert_int_equal(vec[0] * 10 + vec[1], 9);
}

/* ---- msync() ---- */

static void test_msync_checks_flags_and_alignment_first(void **state)
{
	struct vma_bench *b = *state;

	assert_int_equal(p2psim_msync(b->app, AT(0), 0, 8), -EINVAL);
	assert_int_equal(p2psim_msync(b->app, AT(0) + 1, 0, MS_SYNC), -EINVAL);
	assert_int_equal(p2psim_msync(b->app, AT(0), 0, MS_SYNC | MS_ASYNC), -EINVAL);
	assert_int_equal(p2psim_msync(b->app, AT(0), -PAGE_SIZE, MS_SYNC), -ENOMEM);
	assert_int_equal(p2psim_msync(b->app, AT(0), 0, MS_SYNC), 0);
	assert_int_equal(p2psim_msync(b->app, AT(0), 1, MS_SYNC), -ENOMEM);
}

static void test_msync_tells_of_holes_at_the_end(void **state)
{
	struct vma_bench *b = *state;

	files_shared(b, 0, 1, 0);
	bench_anon(b, 2, 1, RW);
	pages_listen(b);
	assert_int_equal(p2psim_msync(b->app, AT(0), PAGES(1), MS_SYNC), 0);
	assert_int_equal(p2psim_msync(b->app, AT(0), PAGES(3), MS_SYNC), -ENOMEM);
	assert_int_equal(p2psim_msync(b->app, AT(0), PAGES(3), MS_ASYNC), -ENOMEM);
	assert_string_equal(bench_log(b), "");
}

/* MS_INVALIDATE asks the locked VMA even behind a hole; MS_ASYNC alone would have stopped there. */
static void test_msync_of_locked_memory_is_busy(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_anon(b, 2, 1, RW);
	p2psim_mlock(b->app, AT(2), PAGES(1));
	assert_int_equal(p2psim_msync(b->app, AT(0), PAGES(3), MS_INVALIDATE), -EBUSY);
	assert_int_equal(p2psim_msync(b->app, AT(0), PAGES(3), MS_ASYNC), -ENOMEM);
	assert_int_equal(p2psim_msync(b->app, AT(2), PAGES(1), MS_SYNC), 0);
}

/* A device's file has no ->fsync(): MS_SYNC of what is shared says so, and stops. */
static void test_msync_of_a_device_file_is_refused(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	bench_device(b, 0, 1);
	bench_anon(b, 1, 1, RW);
	assert_int_equal(p2psim_msync(b->app, AT(0), PAGES(2), MS_SYNC), -EINVAL);
	assert_int_equal(p2psim_msync(b->app, AT(0), PAGES(2), MS_ASYNC), 0);
	pages_private(b, 0, 1, RW);
	assert_int_equal(p2psim_msync(b->app, AT(0), PAGES(2), MS_SYNC), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_anonymous_memory_is_in_core_where_it_was_touched),
		files_test(test_files_are_in_core_where_they_are_cached),
		pages_test(test_mincore_checks_alignment_then_addresses_then_VMAs),
		pages_test(test_msync_checks_flags_and_alignment_first),
		files_test(test_msync_tells_of_holes_at_the_end),
		pages_test(test_msync_of_locked_memory_is_busy),
		pages_test(test_msync_of_a_device_file_is_refused),
	};

	return cmocka_run_group_tests_name("incore", tests, NULL, NULL);
}
