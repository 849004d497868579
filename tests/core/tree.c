/* SPDX-License-Identifier: MIT */
/* The balanced tree against a sorted array. */
#include "core_world.h"

#include <stdlib.h>

#include "core/tree.h"

struct item {
	struct p2psim_tree_node node;
	unsigned int key;
	unsigned int max;	/* of the subtree */
	int in;
};

#define ITEMS 300

static struct item *item(const struct p2psim_tree_node *node)
{
	return container_of(node, struct item, node);
}

static bool less(const struct p2psim_tree_node *a, const struct p2psim_tree_node *b)
{
	return item(a)->key < item(b)->key;
}

static void augment(struct p2psim_tree_node *node)
{
	unsigned int max = item(node)->key;

	if (node->left && item(node->left)->max > max)
		max = item(node->left)->max;
	if (node->right && item(node->right)->max > max)
		max = item(node->right)->max;
	item(node)->max = max;
}

static const struct p2psim_tree_ops ops = { less, augment };

static unsigned int rnd(unsigned int *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void check_against(struct p2psim_tree *tree, struct item *items)
{
	struct p2psim_tree_node *node = p2psim_tree_first(tree), *prev = NULL;
	unsigned int max = 0;
	int count = 0, i;

	assert_true(p2psim_tree_is_valid(tree, &ops));
	for (; node; prev = node, node = p2psim_tree_next(node)) {
		assert_true(item(node)->in);
		assert_ptr_equal(p2psim_tree_prev(node), prev);
		count++;
	}
	assert_ptr_equal(p2psim_tree_last(tree), prev);
	for (i = 0; i < ITEMS; i++) {
		count -= items[i].in;
		if (items[i].in && items[i].key > max)
			max = items[i].key;
	}
	assert_int_equal(count, 0);
	assert_int_equal(tree->root ? item(tree->root)->max : 0, max);
}

static void test_random_inserts_and_erases_agree_with_an_array(void **state)
{
	static struct item items[ITEMS];
	struct p2psim_tree tree = {};
	unsigned int seed = 1;
	int round;

	(void)state;
	for (round = 0; round < 200000; round++) {
		struct item *i = &items[rnd(&seed) % ITEMS];

		if (i->in) {
			p2psim_tree_erase(&tree, &i->node, &ops);
		} else {
			i->key = rnd(&seed) % 1000;
			p2psim_tree_insert(&tree, &i->node, &ops);
		}
		i->in = !i->in;
		if (round % 997 == 0)
			check_against(&tree, items);
	}
}

static int depth(const struct p2psim_tree_node *node)
{
	int left, right;

	if (!node)
		return 0;
	left = depth(node->left);
	right = depth(node->right);
	return 1 + (left > right ? left : right);
}

static void test_ascending_keys_make_no_list(void **state)
{
	struct item *items = calloc(100000, sizeof(*items));
	struct p2psim_tree tree = {};
	unsigned int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		items[i].key = i;
		p2psim_tree_insert(&tree, &items[i].node, &ops);
	}
	assert_in_range(depth(tree.root), 17, 60);
	free(items);
}

static void test_the_walker_sees_a_broken_link(void **state)
{
	static struct item items[3];
	struct p2psim_tree tree = {};
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		items[i].key = i;
		p2psim_tree_insert(&tree, &items[i].node, &ops);
	}
	assert_true(p2psim_tree_is_valid(&tree, &ops));
	items[0].key = 9;
	assert_false(p2psim_tree_is_valid(&tree, &ops));
	items[0].key = 0;
	tree.root->priority = 0;
	assert_false(p2psim_tree_is_valid(&tree, &ops));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_inserts_and_erases_agree_with_an_array),
		cmocka_unit_test(test_ascending_keys_make_no_list),
		cmocka_unit_test(test_the_walker_sees_a_broken_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
