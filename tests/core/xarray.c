/* SPDX-License-Identifier: MIT */
/*
 * XArrays and idrs against arrays: the same operations on a tree of any height and on a table that is searched from end to end.
 */
#include "core_world.h"
#include "random.h"

#include <errno.h>

#include <p2psim/inject.h>
#include <p2psim/linux/idr.h>
#include <p2psim/linux/kthread.h>
#include <p2psim/linux/xarray.h>
#include <p2psim/task.h>

#define KEYS 40

/* Indices at the edges of nodes, and as far up as there are any. */
static const unsigned long edges[KEYS] = {
	0, 1, 2, 62, 63, 64, 65, 127, 128, 4030, 4094, 4095, 4096, 4097, 4160, 8191, 8192, 262143, 262144, 262145,
	1ul << 24, (1ul << 24) + 1, (1ul << 30) - 1, 1ul << 30, UINT_MAX - 1ul, UINT_MAX, 1ul << 32, (1ul << 36) - 1, 1ul << 36,
	1ul << 42, (1ul << 42) + 63, 1ul << 48, 1ul << 54, (1ul << 60) - 1, 1ul << 60, (1ul << 60) + 64, 1ul << 62, 1ul << 63,
	ULONG_MAX - 1, ULONG_MAX,
};

struct model {
	struct xarray xa;
	void *entry[KEYS];
	bool mark[KEYS][3];
	uint32_t random;
	unsigned int wrong;
};

static int key_of(unsigned long index)
{
	int k;

	for (k = 0; k < KEYS; k++)
		if (edges[k] == index)
			return k;
	return -1;
}

static int model_find(const struct model *m, int from, unsigned long last, xa_mark_t filter)
{
	int k;

	for (k = from; k < KEYS && edges[k] <= last; k++)
		if (m->entry[k] && (filter == XA_PRESENT || m->mark[k][filter]))
			return k;
	return -1;
}

static void compare_walk(struct model *m, xa_mark_t filter)
{
	int from = (int)random_below(&m->random, KEYS), expected;
	unsigned long index = edges[from], last = edges[random_below(&m->random, KEYS)];
	void *entry = xa_find(&m->xa, &index, last, filter);

	expected = model_find(m, from, last, filter);
	while (entry && expected >= 0) {
		m->wrong += index != edges[expected] || entry != m->entry[expected];
		entry = xa_find_after(&m->xa, &index, last, filter);
		expected = model_find(m, expected + 1, last, filter);
	}
	m->wrong += entry || expected >= 0;
}

static void store(struct model *m, int k, void *entry)
{
	m->wrong += xa_store(&m->xa, edges[k], entry, GFP_KERNEL) != m->entry[k];
	m->entry[k] = entry;
	if (!entry)
		memset(m->mark[k], 0, sizeof(m->mark[k]));
}

static void mark(struct model *m, int k)
{
	xa_mark_t which = random_below(&m->random, 3);
	bool set = random_below(&m->random, 2);

	if (set)
		xa_set_mark(&m->xa, edges[k], which);
	else
		xa_clear_mark(&m->xa, edges[k], which);
	if (m->entry[k])
		m->mark[k][which] = set;
	m->wrong += xa_get_mark(&m->xa, edges[k], which) != m->mark[k][which];
}

static void one_operation(struct model *m)
{
	int k = (int)random_below(&m->random, KEYS);
	void *entry = xa_mk_value(random_below(&m->random, 1000));

	switch (random_below(&m->random, 6)) {
	case 0:
		store(m, k, entry);
		break;
	case 1:
		store(m, k, NULL);
		break;
	case 2:
		m->wrong += xa_insert(&m->xa, edges[k], entry, GFP_KERNEL) != (m->entry[k] ? -EBUSY : 0);
		m->entry[k] = m->entry[k] ? m->entry[k] : entry;
		break;
	case 3:
		m->wrong += xa_cmpxchg(&m->xa, edges[k], m->entry[k], entry, GFP_KERNEL) != m->entry[k];
		m->entry[k] = entry;
		break;
	case 4:
		mark(m, k);
		break;
	default:
		m->wrong += xa_load(&m->xa, edges[k]) != m->entry[k];
	}
}

static void test_random_operations_answer_as_an_array(void **state)
{
	struct model m = { .random = 7 };
	int i;

	(void)state;
	xa_init(&m.xa);
	for (i = 0; i < 20000; i++) {
		one_operation(&m);
		if (i % 8 == 0)
			compare_walk(&m, i % 24 ? XA_PRESENT : random_below(&m.random, 3));
	}
	assert_int_equal(m.wrong, 0);
	assert_int_equal(key_of(ULONG_MAX), KEYS - 1);
	xa_destroy(&m.xa);
	assert_true(xa_empty(&m.xa));
}

/* Nothing is left of an array whose entries were all erased: no xa_destroy(). */
static void test_erasing_everything_frees_everything(void **state)
{
	struct xarray xa;
	int k;

	(void)state;
	xa_init(&xa);
	for (k = 0; k < KEYS; k++)
		assert_null(xa_store(&xa, edges[k], xa_mk_value(k), GFP_KERNEL));
	for (k = KEYS - 1; k >= 0; k--)
		assert_ptr_equal(xa_erase(&xa, edges[k]), xa_mk_value(k));
	assert_true(xa_empty(&xa));
}

/* Each allocation fails in turn: an error entry, nothing stored, nothing lost, nothing leaked. */
static void test_every_allocation_of_a_store_may_fail(void **state)
{
	struct p2psim_world *world = *state;
	unsigned int fails = 0;
	struct xarray xa;
	int k, n;

	xa_init(&xa);
	for (k = 0; k < KEYS; k++) {
		for (n = 1;; n++) {
			void *ret;

			p2psim_inject_fail_nth(world, (uint64_t)n);
			ret = xa_store(&xa, edges[k], xa_mk_value(k), GFP_ATOMIC);
			p2psim_inject_fail_nth(world, 0);
			if (!xa_is_err(ret))
				break;
			fails += xa_err(ret) == -ENOMEM;
			assert_null(xa_load(&xa, edges[k]));
			if (k)
				assert_ptr_equal(xa_load(&xa, edges[k - 1]), xa_mk_value(k - 1));
		}
		if (k % 3 == 2)
			xa_erase(&xa, edges[k - 1]);
		if (k % 3 == 2)
			xa_store(&xa, edges[k - 1], xa_mk_value(k - 1), GFP_KERNEL);
	}
	assert_true(fails > 30);
	for (k = 0; k < KEYS; k++)
		xa_erase(&xa, edges[k]);
}

static void test_entries_are_told_apart(void **state)
{
	long target;
	void *tagged = xa_tag_pointer(&target, 3);

	(void)state;
	assert_int_equal(xa_pointer_tag(tagged), 3);
	assert_ptr_equal(xa_untag_pointer(tagged), &target);
	assert_true(xa_is_value(xa_mk_value(5)) && xa_to_value(xa_mk_value(5)) == 5);
	assert_false(xa_is_value(&target) || xa_is_err(&target) || xa_is_err(NULL) || xa_is_err(XA_ZERO_ENTRY));
	assert_int_equal(xa_err(xa_mk_internal((unsigned long)-ENOMEM)), -ENOMEM);
}

static void test_a_reserved_index_is_busy_and_loads_as_nothing(void **state)
{
	unsigned long index = 0;
	struct xarray xa;

	(void)state;
	xa_init(&xa);
	assert_int_equal(xa_reserve(&xa, 5, GFP_KERNEL), 0);
	assert_null(xa_load(&xa, 5));
	assert_int_equal(xa_insert(&xa, 5, xa_mk_value(1), GFP_KERNEL), -EBUSY);
	assert_null(xa_find(&xa, &index, ULONG_MAX, XA_PRESENT));
	assert_false(xa_empty(&xa));
	xa_release(&xa, 5);
	assert_true(xa_empty(&xa));
	assert_int_equal(xa_err(xa_store(&xa, 1, xa_mk_internal(300), GFP_KERNEL)), -EINVAL);
}

#define IDS 200

/* The lowest free number, against a table. */
static void test_ids_are_the_lowest_free_ones(void **state)
{
	struct xa_limit limit = XA_LIMIT(3, IDS - 1);
	bool used[IDS] = { false };
	uint32_t random = 3, id, wrong = 0, i, expected;
	struct xarray xa;

	(void)state;
	xa_init_flags(&xa, XA_FLAGS_ALLOC);
	for (i = 0; i < 5000; i++) {
		uint32_t k = 3 + random_below(&random, IDS - 3);
		int error;

		if (used[k] && random_below(&random, 3)) {
			xa_erase(&xa, k);
			used[k] = false;
			continue;
		}
		for (expected = 3; expected < IDS && used[expected]; expected++)
			;
		error = xa_alloc(&xa, &id, i % 5 ? xa_mk_value(i) : NULL, limit, GFP_KERNEL);
		wrong += expected == IDS ? error != -EBUSY : error || id != expected;
		if (!error)
			used[id] = true;
	}
	assert_int_equal(wrong, 0);
	xa_destroy(&xa);
}

static void test_cyclic_ids_go_on_and_come_round(void **state)
{
	struct xa_limit limit = XA_LIMIT(0, 3);
	uint32_t id, next = 2;
	struct xarray xa;

	(void)state;
	xa_init_flags(&xa, XA_FLAGS_ALLOC1);
	assert_int_equal(xa_alloc_cyclic(&xa, &id, xa_mk_value(1), limit, &next, GFP_KERNEL), 0);
	assert_int_equal(id, 2);
	assert_int_equal(xa_alloc_cyclic(&xa, &id, xa_mk_value(1), limit, &next, GFP_KERNEL), 0);
	assert_int_equal(xa_alloc_cyclic(&xa, &id, xa_mk_value(1), limit, &next, GFP_KERNEL), 1);
	assert_int_equal(id, 1); /* ALLOC1: 0 is nobody's */
	assert_int_equal(xa_alloc_cyclic(&xa, &id, xa_mk_value(1), limit, &next, GFP_KERNEL), -EBUSY);
	xa_destroy(&xa);
	xa_init(&xa);
	assert_int_equal(xa_alloc(&xa, &id, xa_mk_value(1), limit, GFP_KERNEL), -EINVAL);
}

static int sum_ids(int id, void *p, void *data)
{
	*(long *)data += id;
	return p == NULL;
}

static void test_an_idr_holds_pointers_and_nulls(void **state)
{
	struct idr idr;
	int a, id = 0;
	long sum = 0;

	(void)state;
	idr_init_base(&idr, 1);
	assert_int_equal(idr_alloc(&idr, &a, 0, 0, GFP_KERNEL), 1);
	assert_int_equal(idr_alloc(&idr, NULL, 1, 3, GFP_KERNEL), 2);
	assert_int_equal(idr_alloc(&idr, &a, 1, 3, GFP_KERNEL), -ENOSPC);
	assert_int_equal(idr_alloc(&idr, &a, 5000, 0, GFP_KERNEL), 5000);
	assert_ptr_equal(idr_find(&idr, 5000), &a);
	assert_null(idr_find(&idr, 2));
	assert_ptr_equal(idr_replace(&idr, &sum, 1), &a);
	assert_int_equal(PTR_ERR(idr_replace(&idr, &a, 77)), -ENOENT);
	assert_int_equal(idr_for_each(&idr, sum_ids, &sum), 0);
	assert_int_equal(sum, 5001);
	id = 2;
	assert_ptr_equal(idr_get_next(&idr, &id), &a);
	assert_int_equal(id, 5000);
	assert_ptr_equal(idr_remove(&idr, 1), &sum);
	assert_int_equal(idr_alloc_cyclic(&idr, &a, 1, 3, GFP_KERNEL), 1);
	assert_int_equal(idr_alloc(&idr, &a, -1, 0, GFP_KERNEL), -EINVAL);
	idr_destroy(&idr);
	assert_true(idr_is_empty(&idr));
}

static void test_idr_allocations_may_fail(void **state)
{
	struct p2psim_world *world = *state;
	struct idr idr;
	int a, n, id = -ENOMEM;

	idr_init(&idr);
	for (n = 1; id == -ENOMEM; n++) {
		p2psim_inject_fail_nth(world, (uint64_t)n);
		id = idr_alloc(&idr, &a, 100000, 0, GFP_KERNEL);
		p2psim_inject_fail_nth(world, 0);
		assert_true(id == 100000 || idr_is_empty(&idr));
	}
	assert_int_equal(n, 5);
	idr_remove(&idr, 100000);
}

static void test_an_ida_gives_numbers_and_knows_its_own(void **state)
{
	struct p2psim_world *world = *state;
	struct ida ida;

	ida_init(&ida);
	assert_int_equal(ida_alloc(&ida, GFP_KERNEL), 0);
	assert_int_equal(ida_alloc_min(&ida, 10, GFP_KERNEL), 10);
	assert_int_equal(ida_alloc_max(&ida, 0, GFP_KERNEL), -ENOSPC);
	ida_free(&ida, 0);
	assert_int_equal(ida_simple_get(&ida, 0, 5, GFP_KERNEL), 0);
	ida_free(&ida, 7);
	assert_violation(world, P2PSIM_BALANCE, "ida_free() of 7");
	ida_destroy(&ida);
	assert_true(ida_is_empty(&ida));
}

static DEFINE_XARRAY(shared);
static int order;

static int holder(void *data)
{
	xa_lock(&shared);
	p2psim_yield();
	order = order * 10 + 1;
	__xa_store(&shared, 1, xa_mk_value(1), GFP_ATOMIC);
	xa_unlock(&shared);
	return 0;
}

static int storer(void *data)
{
	xa_store(&shared, 1, xa_mk_value(2), GFP_KERNEL);
	order = order * 10 + 2;
	return 0;
}

/* Who changes an array waits for who has its lock, and who has it must not wait for himself. */
static void test_the_lock_keeps_others_out(void **state)
{
	struct p2psim_world *world = *state;
	struct task_struct *first = kthread_run(holder, NULL, "holder");

	order = 0;
	p2psim_run_until(first, NULL);
	kthread_run(holder, NULL, "again");
	kthread_run(storer, NULL, "storer");
	assert_int_equal(p2psim_run(), 0);
	assert_true(order == 112 || order == 121);
	xa_lock(&shared);
	xa_store(&shared, 1, NULL, GFP_ATOMIC);
	assert_violation(world, P2PSIM_DEADLOCK, "whose lock the task has");
	xa_unlock(&shared);
	__xa_erase(&shared, 1);
	assert_violation(world, P2PSIM_CONTRACT, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_random_operations_answer_as_an_array),
		core_test(test_erasing_everything_frees_everything),
		core_test(test_every_allocation_of_a_store_may_fail),
		core_test(test_entries_are_told_apart),
		core_test(test_a_reserved_index_is_busy_and_loads_as_nothing),
		core_test(test_ids_are_the_lowest_free_ones),
		core_test(test_cyclic_ids_go_on_and_come_round),
		core_test(test_an_idr_holds_pointers_and_nulls),
		core_test(test_idr_allocations_may_fail),
		core_test(test_an_ida_gives_numbers_and_knows_its_own),
		core_test(test_the_lock_keeps_others_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
