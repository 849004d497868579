/* SPDX-License-Identifier: MIT */
/* The allocator: poison, quarantine, injection, leaks; marked variables. */
#include "core_world.h"

#include <p2psim/inject.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/refcount.h>
#include <p2psim/linux/rcupdate.h>
#include <p2psim/linux/slab.h>
#include <p2psim/task.h>

#include "core/layer.h"

#if defined(__SANITIZE_ADDRESS__)
#define READABLE_AFTER_FREE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define READABLE_AFTER_FREE 0
#endif
#endif
#ifndef READABLE_AFTER_FREE
#define READABLE_AFTER_FREE 1
#endif

static void test_kmalloc_is_full_of_5a_and_kzalloc_of_zeros(void **state)
{
	unsigned char *a = kmalloc(100, GFP_KERNEL), *b = kzalloc(100, GFP_KERNEL), *c = kmalloc(100, GFP_ATOMIC | __GFP_ZERO);

	(void)state;
	assert_int_equal(a[0], 0x5a);
	assert_int_equal(a[99], 0x5a);
	assert_int_equal(b[99], 0);
	assert_int_equal(c[99], 0);
	kfree(a);
	kfree(b);
	kfree(c);
}

static void test_sizes_from_nothing_to_megabytes_do_not_overlap(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 100, 1000, 4096, 5000, 65536, 1000000 };
	unsigned char *p[11][3];
	int i, j;

	(void)state;
	for (i = 0; i < 11; i++)
		for (j = 0; j < 3; j++) {
			p[i][j] = kmalloc(sizes[i], GFP_KERNEL);
			assert_non_null(p[i][j]);
			memset(p[i][j], i * 3 + j, sizes[i]);
		}
	for (i = 0; i < 11; i++)
		for (j = 0; j < 3; j++) {
			if (sizes[i]) {
				assert_int_equal(p[i][j][0], i * 3 + j);
				assert_int_equal(p[i][j][sizes[i] - 1], i * 3 + j);
			}
			assert_int_equal(ksize(p[i][j]), sizes[i]);
			kfree(p[i][j]);
		}
}

static void test_products_that_overflow_are_refused(void **state)
{
	(void)state;
	assert_null(kmalloc_array(SIZE_MAX / 2, 3, GFP_KERNEL));
	assert_null(kcalloc(SIZE_MAX, SIZE_MAX, GFP_KERNEL));
	assert_null(kmalloc(SIZE_MAX, GFP_KERNEL));
}

static void test_krealloc_keeps_the_bytes(void **state)
{
	char *s = kstrdup("hello", GFP_KERNEL);

	(void)state;
	s = krealloc(s, 5000, GFP_KERNEL);
	assert_string_equal(s, "hello");
	assert_null(krealloc(s, 0, GFP_KERNEL));
	assert_null(kstrdup(NULL, GFP_KERNEL));
}

static void test_freeing_twice_or_something_else_is_a_uaf(void **state)
{
	char *p = kmalloc(10, GFP_KERNEL), stack[8];

	kfree(p);
	kfree(p);
	assert_violation(*state, P2PSIM_UAF, "freed twice");
	p = kmalloc(10, GFP_KERNEL);
	kfree(p + 1);
	assert_violation(*state, P2PSIM_UAF, "what kmalloc() did not give");
	kfree(stack);
	assert_violation(*state, P2PSIM_UAF, "what kmalloc() did not give");
	kfree(p);
	kfree(NULL);
	assert_null(p2psim_world_violation(*state));
}

static void test_a_write_after_free_is_found_when_the_quarantine_lets_go(void **state)
{
	unsigned char *p = kmalloc(10, GFP_KERNEL);
	int i;

	kfree(p);
	if (!READABLE_AFTER_FREE)
		return; /* AddressSanitizer stops at the write itself */
	p[3] = 1;
	for (i = 0; i < 64; i++)
		kfree(kmalloc(10, GFP_KERNEL));
	assert_violation(*state, P2PSIM_UAF, "written after it was freed");
	p = kmalloc(10, GFP_KERNEL);
	kfree(p);
	p[0] = 0;
	assert_int_not_equal(p2psim_world_check_quiescent(*state), 0);
	assert_violation(*state, P2PSIM_UAF, "written after it was freed");
	p[0] = 0x6b;
}

static void test_a_leak_is_named_by_the_line_that_allocated(void **state)
{
	char *p = kmalloc(33, GFP_KERNEL), *big = kmalloc(100000, GFP_KERNEL);
	void *block = p2psim_block_alloc("a page table");

	assert_int_equal(p2psim_world_check_quiescent(*state), 3);
	assert_violation(*state, P2PSIM_LEAK, "test_a_leak_is_named_by_the_line_that_allocated()");
	kfree(p);
	kfree(big);
	p2psim_block_free(block, "a page table");
	assert_int_equal(p2psim_world_check_quiescent(*state), 0);
}

static void test_the_nth_allocation_fails_once(void **state)
{
	const struct p2psim_site *site;
	void *a, *b, *c;

	p2psim_inject_fail_nth(*state, 2);
	a = kmalloc(8, GFP_KERNEL);
	b = kmalloc(8, GFP_KERNEL);
	c = kmalloc(8, GFP_KERNEL);
	assert_non_null(a);
	assert_null(b);
	assert_non_null(c);
	assert_true(p2psim_inject_fired(*state, &site));
	assert_string_equal(site->func, __func__);
	p2psim_inject_fail_nth(*state, 1);
	assert_non_null(b = kmalloc(8, GFP_KERNEL | __GFP_NOFAIL));
	assert_null(p2psim_block_alloc("x"));
	kfree(a);
	kfree(b);
	kfree(c);
}

static void test_an_arena_that_is_full_gives_null(void **state)
{
	static const struct p2psim_config small = { .arena_bytes = 1 << 20 };
	struct p2psim_world *world = p2psim_world_create(&small);
	int n = 0;

	while (p2psim_block_alloc("x"))
		n++;
	assert_in_range(n, 200, 256);
	assert_null(kmalloc(100000, GFP_KERNEL));
	assert_null(p2psim_arena_alloc(100000));
	p2psim_world_reset(world);
	assert_non_null(p2psim_block_alloc("x"));
	p2psim_world_destroy(world);
	p2psim_world_enter(*state);
}

static void test_after_a_reset_memory_is_as_new(void **state)
{
	struct p2psim_world *world = *state;
	unsigned char *p;
	int i, round;

	for (round = 0; round < 3; round++) {
		p = p2psim_arena_alloc(1000);
		for (i = 0; i < 1000; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, 1000);
		p = p2psim_block_alloc("x");
		assert_int_equal(p[17], 0);
		memset(p, 0xff, 4096);
		p = kzalloc(500, GFP_KERNEL);
		assert_int_equal(p[499], 0);
		memset(p, 0xff, 500);
		p2psim_world_reset(world);
	}
}

static void test_refcounts_report_too_few_and_too_many(void **state)
{
	refcount_t r = REFCOUNT_INIT(1);

	refcount_inc(&r);
	assert_false(refcount_dec_and_test(&r));
	assert_true(refcount_dec_and_test(&r));
	assert_false(refcount_inc_not_zero(&r));
	refcount_inc(&r);
	assert_violation(*state, P2PSIM_UAF, "whose last one was dropped");
	refcount_dec(&r);
	assert_violation(*state, P2PSIM_BALANCE, "drops the last");
	refcount_dec_and_test(&r);
	assert_violation(*state, P2PSIM_BALANCE, "one reference too many");
}

static void test_a_marked_variable_in_freed_memory_is_a_uaf(void **state)
{
	int *p = kmalloc(sizeof(*p), GFP_KERNEL);

	WRITE_ONCE(*p, 7);
	assert_int_equal(READ_ONCE(*p), 7);
	kfree(p);
	p2psim_once(p, sizeof(*p), true);
	assert_violation(*state, P2PSIM_UAF, "written after the memory it lay in was freed");
	p2psim_once(p, sizeof(*p), false);
	assert_violation(*state, P2PSIM_UAF, "read after");
}

static void test_kfree_rcu_frees_after_a_grace_period(void **state)
{
	struct thing {
		int x;
		struct callback_head rcu;
	} *thing = kzalloc(sizeof(*thing), GFP_KERNEL);

	(void)state;
	rcu_read_lock();
	kfree_rcu(thing, rcu);
	assert_false(p2psim_ptr_is_freed(thing));
	rcu_read_unlock();
	rcu_barrier();
	assert_true(p2psim_ptr_is_freed(thing));
}

static void takes(void *lock)
{
	mutex_lock(lock);
	mutex_unlock(lock);
}

/* The lock would be read, and never be free, in poisoned memory: said at the kfree(), where the mistake is. */
static void test_freeing_a_lock_that_somebody_waits_for_is_a_uaf(void **state)
{
	struct mutex *lock = kzalloc(sizeof(*lock), GFP_KERNEL);

	mutex_init(lock);
	mutex_lock(lock);
	p2psim_task_spawn("waiter", takes, lock);
	mutex_unlock(lock);
	kfree(lock);
	assert_violation(*state, P2PSIM_UAF, "kfree() while waiter waits for a lock");
	assert_int_equal(p2psim_run(), 0);
	kfree(lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_kmalloc_is_full_of_5a_and_kzalloc_of_zeros),
		core_test(test_sizes_from_nothing_to_megabytes_do_not_overlap),
		core_test(test_products_that_overflow_are_refused),
		core_test(test_krealloc_keeps_the_bytes),
		core_test(test_freeing_twice_or_something_else_is_a_uaf),
		core_test(test_a_write_after_free_is_found_when_the_quarantine_lets_go),
		core_test(test_freeing_a_lock_that_somebody_waits_for_is_a_uaf),
		core_test(test_a_leak_is_named_by_the_line_that_allocated),
		core_test(test_the_nth_allocation_fails_once),
		core_test(test_an_arena_that_is_full_gives_null),
		core_test(test_after_a_reset_memory_is_as_new),
		core_test(test_refcounts_report_too_few_and_too_many),
		core_test(test_a_marked_variable_in_freed_memory_is_a_uaf),
		core_test(test_kfree_rcu_frees_after_a_grace_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
