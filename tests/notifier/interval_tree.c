/* SPDX-License-Identifier: MIT */
/* The interval tree against a list that is searched from end to end. */
#include "core_world.h"

#include <time.h>

#include <p2psim/linux/interval_tree.h>

#define NODES 96
#define SPACE 400

struct model {
	struct rb_root_cached root;
	struct interval_tree_node node[NODES];
	unsigned int since[NODES];	/* order of insertion; 0 = outside */
	unsigned int clock;
	uint32_t random;
};

static uint32_t next_random(struct model *m, uint32_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 17;
	m->random ^= m->random << 5;
	return m->random % below;
}

/* The next of the model after `at` (-1: the first) that touches [start, last]: by start, then by age; -1 = none. */
static int model_next(const struct model *m, int at, unsigned long start, unsigned long last)
{
	int i, best = -1;

	for (i = 0; i < NODES; i++) {
		const struct interval_tree_node *n = &m->node[i];

		if (!m->since[i] || n->start > last || n->last < start)
			continue;
		if (at >= 0 && (n->start < m->node[at].start ||
				(n->start == m->node[at].start && m->since[i] <= m->since[at])))
			continue;
		if (best < 0 || n->start < m->node[best].start ||
		    (n->start == m->node[best].start && m->since[i] < m->since[best]))
			best = i;
	}
	return best;
}

/* How many of the tree's answers to [start, last] differ from the model's. */
static unsigned int differences(struct model *m, unsigned long start, unsigned long last)
{
	struct interval_tree_node *node = interval_tree_iter_first(&m->root, start, last);
	int expected = model_next(m, -1, start, last);
	unsigned int wrong = 0;

	while (node && expected >= 0) {
		wrong += node != &m->node[expected];
		node = interval_tree_iter_next(node, start, last);
		expected = model_next(m, expected, start, last);
	}
	return wrong + (node != NULL) + (expected >= 0);
}

static void toggle(struct model *m, unsigned int i)
{
	if (m->since[i]) {
		interval_tree_remove(&m->node[i], &m->root);
		m->since[i] = 0;
		return;
	}
	m->node[i].start = next_random(m, SPACE);
	m->node[i].last = m->node[i].start + next_random(m, 8) * next_random(m, 8);
	interval_tree_insert(&m->node[i], &m->root);
	m->since[i] = ++m->clock;
}

static void random_operations(uint32_t seed, unsigned int operations)
{
	struct model m = { .root = RB_ROOT_CACHED, .random = seed };
	unsigned int i, wrong = 0, invalid = 0;

	for (i = 0; i < operations; i++) {
		unsigned long start = next_random(&m, SPACE);

		toggle(&m, next_random(&m, NODES));
		wrong += differences(&m, start, start + next_random(&m, 40));
		if (i % 64 == 0)
			invalid += !p2psim_interval_tree_is_valid(&m.root);
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(invalid, 0);
}

static void test_random_operations_answer_as_a_naive_list(void **state)
{
	clock_t until = clock() + CLOCKS_PER_SEC;
	uint32_t seed = 1;

	(void)state;
	do
		random_operations(seed++, 20000);
	while (clock() < until);
}

/*
 *	0    10    20    30
 *	     AAAAAAA
 *	        BBBBBBBB
 *	                 C
 */
static void test_touching_includes_both_ends(void **state)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	struct interval_tree_node a = { .start = 10, .last = 20 }, b = { .start = 13, .last = 29 };
	struct interval_tree_node c = { .start = 30, .last = 30 };

	(void)state;
	interval_tree_insert(&c, &root);
	interval_tree_insert(&a, &root);
	interval_tree_insert(&b, &root);
	assert_ptr_equal(interval_tree_iter_first(&root, 20, 20), &a);
	assert_ptr_equal(interval_tree_iter_next(&a, 20, 20), &b);
	assert_null(interval_tree_iter_next(&b, 20, 20));
	assert_ptr_equal(interval_tree_iter_first(&root, 21, 30), &b);
	assert_ptr_equal(interval_tree_iter_next(&b, 21, 30), &c);
	assert_null(interval_tree_iter_first(&root, 0, 9));
	assert_null(interval_tree_iter_first(&root, 31, ULONG_MAX));
}

static void test_the_whole_address_space_is_an_interval(void **state)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	struct interval_tree_node all = { .start = 0, .last = ULONG_MAX };

	(void)state;
	interval_tree_insert(&all, &root);
	assert_ptr_equal(interval_tree_iter_first(&root, 0, 0), &all);
	assert_ptr_equal(interval_tree_iter_first(&root, ULONG_MAX, ULONG_MAX), &all);
	assert_true(p2psim_interval_tree_is_valid(&root));
	interval_tree_remove(&all, &root);
	assert_true(RB_EMPTY_ROOT(&root.rb_root));
}

static void test_the_walker_sees_a_wrong_subtree_last_and_a_wrong_order(void **state)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	struct interval_tree_node a = { .start = 10, .last = 20 }, b = { .start = 30, .last = 40 };

	(void)state;
	interval_tree_insert(&a, &root);
	interval_tree_insert(&b, &root);
	assert_true(p2psim_interval_tree_is_valid(&root));
	b.last = 50;
	assert_false(p2psim_interval_tree_is_valid(&root));
	b.last = 40;
	a.start = 35;
	assert_false(p2psim_interval_tree_is_valid(&root));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_touching_includes_both_ends),
		cmocka_unit_test(test_the_whole_address_space_is_an_interval),
		cmocka_unit_test(test_random_operations_answer_as_a_naive_list),
		cmocka_unit_test(test_the_walker_sees_a_wrong_subtree_last_and_a_wrong_order),
	};

	return cmocka_run_group_tests_name("notifier/interval_tree", tests, NULL, NULL);
}
