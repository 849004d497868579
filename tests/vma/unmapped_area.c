/* SPDX-License-Identifier: MIT */
/*
 * Where mappings go that have no fixed place, and stacks, which want room below them (1.4).
 */
#include "vma_bench.h"

#include <signal.h>

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define MMAP_BASE 0x7ffff7fff000UL
#define GUARD 256UL

static unsigned long map(struct vma_bench *b, unsigned long hint, unsigned long pages, int flags)
{
	return (unsigned long)p2psim_mmap(b->app, hint, PAGES(pages), RW, ANON | flags, NULL, 0);
}

/*	... cc bb a|	each as high as it can: below the base, then below the one before */
static void test_mappings_grow_down_from_the_base(void **state)
{
	struct vma_bench *b = *state;

	assert_int_equal(map(b, 0, 1, 0), MMAP_BASE - PAGES(1));
	assert_int_equal(map(b, 0, 2, 0), MMAP_BASE - PAGES(3));
	p2psim_munmap(b->app, MMAP_BASE - PAGES(1), PAGES(1));
	assert_int_equal(map(b, 0, 2, 0), MMAP_BASE - PAGES(5)); /* the hole is too small */
	assert_int_equal(map(b, 0, 1, 0), MMAP_BASE - PAGES(1));
}

static void test_a_hint_is_rounded_down_and_taken_if_free(void **state)
{
	struct vma_bench *b = *state;

	assert_int_equal(map(b, AT(4) + 0x123, 2, 0), AT(4));
	assert_int_equal(map(b, AT(5), 1, 0), MMAP_BASE - PAGES(1));
	assert_int_equal(map(b, AT(3), 2, 0), MMAP_BASE - PAGES(3));
	assert_int_equal(map(b, TASK_SIZE - PAGES(1), 2, 0), MMAP_BASE - PAGES(5));
	assert_int_equal(map(b, 1, 1, 0), MMAP_BASE - PAGES(6)); /* page 0: no hint at all */
	assert_int_equal(map(b, 0x1000, 1, 0), 0x10000); /* too low: the lowest that there is */
}

/*	1 GiB aabb... 2 GiB	from below */
static void test_map_32bit_goes_into_the_second_gigabyte(void **state)
{
	struct vma_bench *b = *state;

	assert_int_equal(map(b, 0, 2, MAP_32BIT), 0x40000000);
	assert_int_equal(map(b, 0, 1, MAP_32BIT), 0x40002000);
	p2psim_munmap(b->app, 0x40000000, PAGES(1));
	assert_int_equal(map(b, 0, 1, MAP_32BIT), 0x40000000);
	assert_int_equal(map(b, 0x7ffff000, 1, MAP_32BIT), 0x7ffff000);
	assert_int_equal(map(b, 0x7ffff000, 2, MAP_32BIT), 0x40003000); /* over the end */
	assert_int_equal(map(b, AT(0), 1, MAP_32BIT), 0x40005000); /* outside */
	assert_int_equal(map(b, 0, 1UL << 18, MAP_32BIT), -ENOMEM);
}

/* When nothing is free below the base: from a third of the address space upwards, beyond the base, too. */
static void test_what_fits_nowhere_below_the_base_goes_above(void **state)
{
	struct vma_bench *b = *state;

	p2psim_mmap(b->app, 0x10000, MMAP_BASE - 0x10000, PROT_NONE, FIXED_ANON | MAP_NORESERVE, NULL, 0);
	assert_int_equal(map(b, 0, 1, 0), MMAP_BASE);
	assert_int_equal(map(b, 0, 1UL << 36, 0), -ENOMEM);
}

/* ---- stacks ---- */

static void test_a_stack_keeps_its_guard_free(void **state)
{
	struct vma_bench *b = *state;
	unsigned long stack = map(b, 0, 4, MAP_GROWSDOWN);

	assert_int_equal(map(b, 0, 1, 0), stack - PAGES(GUARD + 1));
	assert_int_equal(map(b, stack - PAGES(GUARD), 1, 0), stack - PAGES(GUARD + 2)); /* not even if hinted */
	assert_int_equal(map(b, stack - PAGES(1), 1, MAP_FIXED), stack - PAGES(1)); /* only by force */
	assert_true(p2psim_mm_is_valid(b->mm));
}

/*	....SSSS	->	*SSSSSSS	whoever touches what is below makes it grow */
static void test_a_stack_grows_to_where_it_is_touched(void **state)
{
	struct vma_bench *b = *state;

	p2psim_mmap(b->app, AT(1000), PAGES(4), RW, FIXED_ANON | MAP_GROWSDOWN, NULL, 0);
	bench_listen(b);
	bench_log(b);
	bench_touch(b, 997);
	assert_string_equal(bench_vmas(b), "3e5-3ec rw");
	assert_int_equal(bench_vma(b, 997)->vm_pgoff, AT(997) >> PAGE_SHIFT);
	assert_int_equal(p2psim_load_byte(b->app, AT(900)), 0);
	assert_string_equal(bench_vmas(b), "384-3ec rw");
	assert_string_equal(bench_log(b), "");
}

static void test_a_stack_stops_before_what_is_mapped_below(void **state)
{
	struct vma_bench *b = *state;

	p2psim_mmap(b->app, AT(1000), PAGES(1), RW, FIXED_ANON | MAP_GROWSDOWN, NULL, 0);
	bench_anon(b, 600, 1, RW);
	assert_int_equal(p2psim_store_byte(b->app, AT(601 + GUARD) - 1, 1), -EFAULT);
	assert_int_equal(p2psim_process_signal(b->app)->code, P2PSIM_SEGV_MAPERR);
	bench_touch(b, 601 + GUARD);
	bench_protect(b, 600, 1, PROT_NONE); /* nobody reaches that: no guard is needed */
	bench_touch(b, 602);
	assert_string_equal(bench_vmas(b), "258-259 -- 25a-3e9 rw");
}

static void test_limits_hold_for_stacks(void **state)
{
	struct vma_bench *b = *state;

	p2psim_mmap(b->app, AT(4000), PAGES(1), RW, FIXED_ANON | MAP_GROWSDOWN, NULL, 0);
	assert_int_equal(p2psim_store_byte(b->app, AT(4001 - 2049), 1), -EFAULT); /* 8 MiB */
	p2psim_process_set_limit(b->app, P2PSIM_LIMIT_STACK, P2PSIM_UNLIMITED);
	p2psim_process_set_limit(b->app, P2PSIM_LIMIT_AS, PAGES(3));
	assert_int_equal(p2psim_store_byte(b->app, AT(3997), 1), -EFAULT);
	bench_touch(b, 3998);
	p2psim_process_set_limit(b->app, P2PSIM_LIMIT_AS, P2PSIM_UNLIMITED);
	p2psim_mlock(b->app, AT(3998), PAGES(3));
	p2psim_process_set_limit(b->app, P2PSIM_LIMIT_MEMLOCK, PAGES(4));
	assert_int_equal(p2psim_store_byte(b->app, AT(3996), 1), -EFAULT);
	bench_touch(b, 3997);
	assert_int_equal(b->mm->locked_vm, 4);
}

static void test_mprotect_growsdown_takes_the_stack_from_its_start(void **state)
{
	struct vma_bench *b = *state;

	p2psim_mmap(b->app, AT(8), PAGES(4), RW, FIXED_ANON | MAP_GROWSDOWN, NULL, 0);
	bench_anon(b, 0, 2, RW);
	assert_int_equal(bench_protect(b, 10, 1, PROT_READ | PROT_GROWSDOWN), 0);
	assert_string_equal(bench_vmas(b), "0-2 rw 8-b r- b-c rw");
	assert_int_equal(bench_protect(b, 0, 1, PROT_READ | PROT_GROWSDOWN), -EINVAL);
	assert_int_equal(bench_protect(b, 0, 1, PROT_READ | PROT_GROWSUP), -EINVAL);
	assert_int_equal(bench_protect(b, 10, 1, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP), -EINVAL);
	assert_int_equal(bench_protect(b, 4, 1, PROT_READ | PROT_GROWSDOWN), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_mappings_grow_down_from_the_base),
		bench_test(test_a_hint_is_rounded_down_and_taken_if_free),
		bench_test(test_map_32bit_goes_into_the_second_gigabyte),
		bench_test(test_what_fits_nowhere_below_the_base_goes_above),
		bench_test(test_a_stack_keeps_its_guard_free),
		bench_test(test_a_stack_grows_to_where_it_is_touched),
		bench_test(test_a_stack_stops_before_what_is_mapped_below),
		bench_test(test_limits_hold_for_stacks),
		bench_test(test_mprotect_growsdown_takes_the_stack_from_its_start),
	};

	return cmocka_run_group_tests_name("unmapped_area", tests, NULL, NULL);
}
