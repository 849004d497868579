/* SPDX-License-Identifier: MIT */
/*
 * mlock(), mlock2(), munlock(), mlockall(), munlockall(); limits of a process (1.4, 1.7, facts 6 and 14).
 */
#include "vma_bench.h"

static int lock(struct vma_bench *b, unsigned long first, unsigned long pages)
{
	return p2psim_mlock(b->app, AT(first), PAGES(pages));
}

static int unlock(struct vma_bench *b, unsigned long first, unsigned long pages)
{
	return p2psim_munlock(b->app, AT(first), PAGES(pages));
}

static unsigned long flags_of(struct vma_bench *b, unsigned long page)
{
	return bench_vma(b, page)->vm_flags & (VM_LOCKED | VM_LOCKONFAULT);
}

/*	aaaa	->	a**a	locked, present; writable private memory is written to, so no zero page is there */
static void test_locking_cuts_and_populates_without_an_event(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 4, RW);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(lock(b, 1, 2), 0);
	assert_string_equal(bench_vmas(b), "0-1 rw 1-3 rw 3-4 rw");
	assert_int_equal(b->mm->rss_anon, 2);
	assert_int_equal(b->mm->locked_vm, 2);
	assert_true(pte_write(*p2psim_pte_lookup(b->mm, AT(2))));
	assert_string_equal(bench_log(b), "");
}

/* Fact 14: the copies that locking makes are announced page by page. */
static void test_locking_replaces_zero_pages_and_says_so(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 3, RW);
	assert_int_equal(p2psim_load_byte(b->app, AT(1)), 0);
	bench_listen(b);
	bench_log(b);
	assert_int_equal(lock(b, 0, 3), 0);
	assert_string_equal(bench_log(b), "CLEAR 1-2 R; end; ");
}

/*
 *	aaa	mlock + munlock of the middle	AAA	of touched memory joins again
 *					-> A*A	of memory that nobody had touched stays cut (fact 6)
 */
static void test_unlocking_joins_only_what_was_touched_before(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 3, RW);
	lock(b, 1, 1);
	assert_int_equal(unlock(b, 1, 1), 0);
	assert_string_equal(bench_vmas(b), "0-1 rw 1-2 rw 2-3 rw");
	bench_anon(b, 4, 3, RW);
	bench_touch(b, 4);
	lock(b, 5, 1);
	assert_int_equal(unlock(b, 5, 1), 0);
	assert_string_equal(bench_vmas(b), "0-1 rw 1-2 rw 2-3 rw 4-7 rw");
	assert_int_equal(b->mm->locked_vm, 0);
}

static void test_locked_on_fault_is_not_populated(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 4, RW);
	assert_int_equal(p2psim_mlock2(b->app, AT(0), PAGES(2), MLOCK_ONFAULT), 0);
	assert_int_equal(flags_of(b, 0), VM_LOCKED | VM_LOCKONFAULT);
	assert_int_equal(b->mm->rss_anon, 0);
	assert_int_equal(lock(b, 0, 1), 0); /* now for all of it: the other kind */
	assert_int_equal(flags_of(b, 0), VM_LOCKED);
	assert_int_equal(b->mm->rss_anon, 1);
	assert_int_equal(b->mm->locked_vm, 2);
	assert_int_equal(p2psim_mlock2(b->app, AT(0), PAGES(2), 2), -EINVAL);
}

/*	aa-aa	up to the hole it is done; nothing is populated */
static void test_a_hole_ends_it(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 3, 2, RW);
	assert_int_equal(lock(b, 0, 5), -ENOMEM);
	assert_int_equal(flags_of(b, 1), VM_LOCKED);
	assert_int_equal(flags_of(b, 3), 0);
	assert_int_equal(b->mm->rss_anon, 0);
	assert_int_equal(unlock(b, 2, 3), -ENOMEM);
	assert_int_equal(unlock(b, 0, 5), -ENOMEM);
	assert_int_equal(b->mm->locked_vm, 0);
}

static void test_bytes_are_widened_to_pages_and_wrapping_is_refused(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 4, RW);
	assert_int_equal(p2psim_mlock(b->app, AT(1) + 4095, 2), 0);
	assert_int_equal(b->mm->locked_vm, 2);
	assert_int_equal(p2psim_munlock(b->app, AT(1) + 1, 1), 0);
	assert_int_equal(b->mm->locked_vm, 1);
	assert_int_equal(p2psim_mlock(b->app, AT(0), 0), 0);
	assert_int_equal(p2psim_munlock(b->app, AT(0), ~0UL - AT(0)), -EINVAL);
	assert_int_equal(p2psim_mlock(b->app, AT(0), ~0UL - 0x8000), -EINVAL);
}

/* What nobody can read cannot be brought in, but is locked. */
static void test_memory_without_access_is_locked_and_told(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, PROT_NONE);
	assert_int_equal(lock(b, 0, 1), -ENOMEM);
	assert_int_equal(flags_of(b, 0), VM_LOCKED);
	assert_int_equal(b->mm->rss_anon, 0);
}

static void test_device_memory_is_passed_over(void **state)
{
	struct vma_bench *b = *state;

	b->fills = true;
	bench_device(b, 0, 2);
	assert_int_equal(lock(b, 0, 2), 0);
	assert_int_equal(flags_of(b, 0), 0);
	assert_int_equal(p2psim_mmap(b->app, AT(4), PAGES(1), RW, MAP_SHARED | MAP_FIXED | MAP_LOCKED, b->file, 0), AT(4));
	assert_int_equal(flags_of(b, 4), 0);
	assert_int_equal(b->mm->locked_vm, 0);
}

/* What is locked stays counted through cuts, moves and growth, and is uncounted when it goes. */
static void test_locked_pages_are_counted_wherever_they_go(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 4, RW);
	lock(b, 0, 4);
	bench_unmap(b, 1, 1);
	assert_int_equal(b->mm->locked_vm, 3);
	p2psim_mremap(b->app, AT(2), PAGES(2), PAGES(3), 0, 0);
	assert_int_equal(b->mm->locked_vm, 4);
	assert_int_equal(b->mm->rss_anon, 4); /* the new page is there */
	p2psim_mremap(b->app, AT(2), PAGES(3), PAGES(4), MREMAP_MAYMOVE | MREMAP_FIXED, AT(16));
	assert_int_equal(b->mm->locked_vm, 5);
	p2psim_mremap(b->app, AT(17), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, AT(32));
	assert_int_equal(b->mm->locked_vm, 5);
	assert_int_equal(flags_of(b, 17), 0);
}

/* ---- all of it ---- */

static void test_mlockall_takes_what_is_there_and_what_comes(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	bench_anon(b, 4, 1, PROT_NONE);
	assert_int_equal(p2psim_mlockall(b->app, MCL_CURRENT | MCL_FUTURE), 0);
	assert_int_equal(b->mm->locked_vm, 3);
	assert_int_equal(b->mm->rss_anon, 2);
	bench_anon(b, 8, 2, RW);
	assert_int_equal(b->mm->rss_anon, 4);
	assert_int_equal(p2psim_munlockall(b->app), 0);
	assert_int_equal(b->mm->locked_vm, 0);
	bench_anon(b, 12, 1, RW);
	assert_int_equal(flags_of(b, 12), 0);
}

static void test_mlockall_knows_its_flags(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	assert_int_equal(p2psim_mlockall(b->app, 0), -EINVAL);
	assert_int_equal(p2psim_mlockall(b->app, MCL_ONFAULT), -EINVAL);
	assert_int_equal(p2psim_mlockall(b->app, 8), -EINVAL);
	assert_int_equal(p2psim_mlockall(b->app, MCL_CURRENT | MCL_ONFAULT), 0);
	assert_int_equal(flags_of(b, 0), VM_LOCKED | VM_LOCKONFAULT);
	assert_int_equal(b->mm->rss_anon, 0);
}

/* ---- limits ---- */

static void test_the_limit_of_locked_memory(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 8, RW);
	p2psim_process_set_limit(b->app, P2PSIM_LIMIT_MEMLOCK, PAGES(3) + 1);
	assert_int_equal(lock(b, 0, 4), -ENOMEM);
	assert_int_equal(lock(b, 0, 3), 0);
	assert_int_equal(lock(b, 1, 2), 0); /* locked twice is counted once */
	assert_int_equal(lock(b, 1, 3), -ENOMEM);
	assert_int_equal(p2psim_mmap(b->app, AT(16), PAGES(1), RW, FIXED_ANON | MAP_LOCKED, NULL, 0), -EAGAIN);
	bench_anon(b, 20, 1, RW);
	unlock(b, 2, 1);
	lock(b, 20, 1);
	assert_int_equal(p2psim_mremap(b->app, AT(20), PAGES(1), PAGES(2), MREMAP_MAYMOVE, 0), -EAGAIN);
	assert_int_equal(p2psim_mlockall(b->app, MCL_CURRENT), -ENOMEM);
}

static void test_no_right_to_lock_at_all(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	p2psim_process_set_limit(b->app, P2PSIM_LIMIT_MEMLOCK, 0);
	assert_int_equal(lock(b, 0, 1), -EPERM);
	assert_int_equal(p2psim_mlockall(b->app, MCL_FUTURE), -EPERM);
	assert_int_equal(p2psim_mmap(b->app, AT(4), PAGES(1), RW, FIXED_ANON | MAP_LOCKED, NULL, 0), -EPERM);
	assert_int_equal(unlock(b, 0, 1), 0);
	assert_string_equal(bench_vmas(b), "0-1 rw");
}

/* What MAP_FIXED replaces does not count against the limit; what is refused replaces nothing. */
static void test_the_limit_of_address_space(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 4, RW);
	p2psim_process_set_limit(b->app, P2PSIM_LIMIT_AS, PAGES(5));
	assert_int_equal(bench_anon(b, 8, 2, RW), -ENOMEM);
	assert_int_equal(bench_anon(b, 3, 3, PROT_READ), -ENOMEM);
	assert_string_equal(bench_vmas(b), "0-4 rw");
	assert_int_equal(bench_anon(b, 3, 2, PROT_READ), AT(3));
	assert_int_equal(p2psim_mremap(b->app, AT(3), PAGES(2), PAGES(3), MREMAP_MAYMOVE, 0), -ENOMEM);
	assert_int_equal(p2psim_mremap(b->app, AT(3), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), -ENOMEM);
	assert_int_equal(p2psim_mremap(b->app, AT(3), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED, AT(16)), AT(16));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_locking_cuts_and_populates_without_an_event),
		bench_test(test_locking_replaces_zero_pages_and_says_so),
		bench_test(test_unlocking_joins_only_what_was_touched_before),
		bench_test(test_locked_on_fault_is_not_populated),
		bench_test(test_a_hole_ends_it),
		bench_test(test_bytes_are_widened_to_pages_and_wrapping_is_refused),
		bench_test(test_memory_without_access_is_locked_and_told),
		bench_test(test_device_memory_is_passed_over),
		bench_test(test_locked_pages_are_counted_wherever_they_go),
		bench_test(test_mlockall_takes_what_is_there_and_what_comes),
		bench_test(test_mlockall_knows_its_flags),
		bench_test(test_the_limit_of_locked_memory),
		bench_test(test_no_right_to_lock_at_all),
		bench_test(test_the_limit_of_address_space),
	};

	return cmocka_run_group_tests_name("mlock", tests, NULL, NULL);
}
