/* SPDX-License-Identifier: MIT */
/*
 * Big address spaces: a million VMAs; 64 GiB with every page there.  Each fits in 2 GiB of this machine, and is gone within
 * seconds.
 *
 *	scale [--big]	a hundredth of that, or all of it
 */
#include <time.h>
#include <unistd.h>

#include "vma_bench.h"

#define BUDGET_BYTES (2UL << 30)
#define TEARDOWN_SECONDS 3.0	/* of CPU time; one or two where nobody else works */

static unsigned long share = 100;

static unsigned long resident_bytes(void)
{
	unsigned long size, resident;
	FILE *statm = fopen("/proc/self/statm", "r");

	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%lu %lu", &size, &resident), 2);
	fclose(statm);
	return resident * (unsigned long)sysconf(_SC_PAGESIZE);
}

static double seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static int setup_wide(void **state)
{
	static const struct p2psim_config config = { .max_map_count = 1100000, .ram_pages = 17UL << 20 };

	return bench_setup_config(state, &config);
}

/* Ends the process; the teardown of the test makes do without it. */
static void end(struct vma_bench *b, const char *what, unsigned long bytes)
{
	double start = seconds(), spent;

	p2psim_process_exit(b->app);
	b->app = NULL;
	spent = seconds() - start;
	print_message("# %s: %lu MiB, gone in %.2f s\n", what, bytes >> 20, spent);
	assert_true(share > 1 || bytes < BUDGET_BYTES); /* a checker's own memory is no measure */
	assert_true(spent < TEARDOWN_SECONDS);
}

static unsigned int depth_of(const struct p2psim_tree_node *node, unsigned int depth, unsigned int max)
{
	for (; node; node = node->right) {
		max = max > ++depth ? max : depth;
		max = depth_of(node->left, depth, max);
	}
	return max;
}

static unsigned int log2_of(unsigned long n)
{
	unsigned int log = 0;

	while (n >>= 1)
		log++;
	return log;
}

/* Every second page, in ascending order: the worst for a tree that does not balance. */
static void test_a_million_vmas(void **state)
{
	struct vma_bench *b = *state;
	unsigned long before = resident_bytes(), count = 1000000 / share, i;

	for (i = 0; i < count; i++)
		if (bench_anon(b, 2 * i, 1, RW) < 0)
			fail_msg("VMA %lu", i);
	assert_int_equal(b->mm->map_count, count);
	assert_int_equal(bench_vma(b, 2 * (count / 3))->vm_start, AT(2 * (count / 3)));
	assert_in_range(depth_of(b->mm->mm_vmas.root, 0, 0), log2_of(count), 3 * log2_of(count));
	end(b, "a million VMAs", resident_bytes() - before);
}

static void fill(struct vma_bench *b, unsigned long pages, int advice)
{
	assert_int_equal(p2psim_mmap(b->app, AT(0), PAGES(pages), RW, FIXED_ANON, NULL, 0), AT(0));
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(pages), advice), 0);
	assert_true(pte_present(p2psim_pte_read(b->mm, AT(pages - 1))));
}

/* An entry is 8 bytes; tables stand only where there are entries. */
static void test_64_GiB_of_the_zero_page(void **state)
{
	unsigned long before = resident_bytes(), pages = (16UL << 20) / share;
	struct vma_bench *b = *state;

	fill(b, pages, MADV_POPULATE_READ);
	assert_int_equal(b->mm->rss_anon, 0);
	assert_true(share > 1 || resident_bytes() - before < 10 * pages);
	end(b, "64 GiB of the zero page", resident_bytes() - before);
}

/* A page that was written has a struct page, and no contents while all of it is zero. */
static void test_64_GiB_of_freshly_written_zeros(void **state)
{
	unsigned long before = resident_bytes(), pages = (16UL << 20) / share;
	struct vma_bench *b = *state;

	fill(b, pages, MADV_POPULATE_WRITE);
	assert_int_equal(p2psim_store_byte(b->app, AT(pages / 2), 0), 0);
	assert_int_equal(b->mm->rss_anon, pages);
	assert_true(share > 1 || resident_bytes() - before < 80 * pages);
	end(b, "64 GiB of written zeros", resident_bytes() - before);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_million_vmas, setup_wide, bench_teardown),
		cmocka_unit_test_setup_teardown(test_64_GiB_of_the_zero_page, setup_wide, bench_teardown),
		cmocka_unit_test_setup_teardown(test_64_GiB_of_freshly_written_zeros, setup_wide, bench_teardown),
	};

	if (argc > 1 && !strcmp(argv[1], "--big"))
		share = 1;
	return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}
