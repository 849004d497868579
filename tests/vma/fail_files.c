/* SPDX-License-Identifier: MIT */
/*
 * Each allocation of files, their page cache, faults and changes of size fails in turn: an errno or success, valid page
 * tables after each call, no page that the file does not know, nothing left over.
 */
#include "fail_each.h"
#include "vma_files.h"

#include <p2psim/actors.h>

/* 0 or more, -ENOMEM, -EFAULT or -ENOENT: what an earlier call should have mapped is not there. */
static void check(struct vma_bench *b, long ret)
{
	if (ret < 0 && ret > -4096)
		assert_true(ret == -ENOMEM || ret == -EFAULT || ret == -ENOENT);
	assert_true(p2psim_pgtable_is_valid(b->mm));
	assert_true(p2psim_mm_is_valid(b->mm));
}

static void faults_story(struct vma_bench *b)
{
	check(b, files_put(b, PAGES(1), 5));
	check(b, files_put(b, PAGES(600), 5)); /* a higher tree */
	check(b, files_shared(b, 0, 4, 0));
	check(b, files_private(b, 0x200, 4, 0));
	check(b, pages_load(b, 0));
	check(b, pages_store(b, 2, 1));
	check(b, pages_load(b, 0x201));
	check(b, pages_store(b, 0x201, 1));
	check(b, pages_store(b, 0x203, 1));
	check(b, p2psim_mremap(b->app, AT(0), 0, PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, AT(0x400)));
	check(b, pages_load(b, 0x400));
	check(b, p2psim_mmap(b->app, AT(0x600), PAGES(2), RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, NULL, 0));
	check(b, pages_store(b, 0x601, 1));
}

static void sizes_story(struct vma_bench *b)
{
	check(b, p2psim_writeback_address(b->app, AT(2)));
	check(b, p2psim_file_allocate(b->file, PAGES(2), PAGES(4)));
	check(b, p2psim_file_truncate(b->file, PAGES(5)));
	check(b, p2psim_file_punch_hole(b->file, 1, PAGES(2)));
	check(b, pages_store(b, 3, 1));
	check(b, p2psim_madvise(b->app, AT(2), PAGES(2), MADV_REMOVE));
	check(b, p2psim_madvise(b->app, AT(0x200), PAGES(4), MADV_POPULATE_WRITE));
	check(b, files_get(b, 0));
	check(b, p2psim_file_truncate(b->file, 0));
}

static void open_story(struct vma_bench *b)
{
	struct file *reader = p2psim_tmpfs_open(b->file, FMODE_READ);

	if (!reader)
		return;
	check(b, p2psim_mmap(b->app, AT(0x40), PAGES(1), PROT_READ, MAP_SHARED | MAP_FIXED, reader, 0));
	check(b, pages_load(b, 0x40));
	fput(reader);
}

static void tell(void *state)
{
	struct vma_bench *b = state;

	b->app = p2psim_process_create("app");
	b->file = p2psim_tmpfs_create("shm", PAGES(8));
	if (!b->app || !b->file)
		return;
	b->mm = p2psim_process_mm(b->app);
	open_story(b);
	faults_story(b);
	sizes_story(b);
	assert_true(p2psim_ram_used() <= 5); /* copies that a hole left, shared anonymous memory */
}

static void end(void *state)
{
	struct vma_bench *b = state;

	if (b->app)
		p2psim_process_exit(b->app);
	if (b->file)
		fput(b->file);
}

static void test_every_failing_allocation_is_survived(void **state)
{
	assert_true(fail_each(&(struct failing_story){ NULL, tell, end, sizeof(struct vma_bench) }) > 40);
}

/* A page that could not enter the cache is nobody's: the fault may be tried again. */
static void test_a_fault_that_failed_may_be_tried_again(void **state)
{
	struct vma_bench *b = *state;
	unsigned int n;

	files_shared(b, 0, 1, 0);
	for (n = 1; n < 10; n++) {
		p2psim_inject_fail_nth(b->world, n);
		if (pages_store(b, 0, 1) != -ENOMEM)
			break;
		assert_string_equal(pages_state(b, 0), "none");
	}
	assert_in_range(n, 2, 9);
	p2psim_inject_fail_nth(b->world, 0);
	assert_int_equal(pages_load(b, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_failing_allocation_is_survived),
		files_test(test_a_fault_that_failed_may_be_tried_again),
	};

	return cmocka_run_group_tests_name("fail_files", tests, NULL, NULL);
}
