/* SPDX-License-Identifier: MIT */
/* Lists, red-black trees and bits against arrays. */
#include "core_world.h"
#include "random.h"

#include <p2psim/linux/bitmap.h>
#include <p2psim/linux/hashtable.h>
#include <p2psim/linux/list.h>
#include <p2psim/linux/llist.h>
#include <p2psim/linux/rbtree.h>

#define ITEMS 12

struct item {
	struct list_head list;
	struct hlist_node hash;
	struct llist_node lockless;
	struct rb_node rb;
	unsigned int key;
	bool in;
};

/* ---- doubly linked lists: two of them, and two strings of letters ---- */

struct lists {
	struct list_head head[2];
	struct item items[ITEMS];
	char text[2][ITEMS + 1];
	uint32_t random;
};

static int index_of(const struct lists *l, const struct list_head *entry)
{
	return (int)(list_entry(entry, struct item, list) - l->items);
}

static bool same_forth_and_back(struct lists *l, int which)
{
	char forth[ITEMS + 1] = "", back[ITEMS + 1] = "";
	size_t n = 0, length = strlen(l->text[which]);
	struct item *item;

	list_for_each_entry(item, &l->head[which], list)
		forth[n++] = (char)('a' + index_of(l, &item->list));
	list_for_each_entry_reverse(item, &l->head[which], list)
		back[--n] = (char)('a' + index_of(l, &item->list));
	return !strcmp(forth, l->text[which]) && !strcmp(back, forth) && list_count_nodes(&l->head[which]) == length &&
	       list_empty(&l->head[which]) == !length && list_is_singular(&l->head[which]) == (length == 1);
}

static void remove_letter(char *text, int at)
{
	memmove(text + at, text + at + 1, strlen(text + at));
}

static void insert_letter(char *text, size_t at, char letter)
{
	memmove(text + at + 1, text + at, strlen(text + at) + 1);
	text[at] = letter;
}

static struct list_head *entry_at(struct lists *l, int which, size_t at)
{
	return &l->items[l->text[which][at] - 'a'].list;
}

/* One that takes a single entry from one list to an end of one. */
static void move_one(struct lists *l, int from, int to, size_t at, bool tail)
{
	struct list_head *entry = entry_at(l, from, at);
	char letter = l->text[from][at];

	if (tail)
		list_move_tail(entry, &l->head[to]);
	else
		list_move(entry, &l->head[to]);
	remove_letter(l->text[from], (int)at);
	insert_letter(l->text[to], tail ? strlen(l->text[to]) : 0, letter);
}

static void splice(struct lists *l, int from, bool tail)
{
	char joined[2 * ITEMS + 2];

	strcpy(joined, l->text[tail ? !from : from]);
	strcat(joined, l->text[tail ? from : !from]);
	if (tail)
		list_splice_tail_init(&l->head[from], &l->head[!from]);
	else
		list_splice_init(&l->head[from], &l->head[!from]);
	strcpy(l->text[!from], joined);
	l->text[from][0] = '\0';
}

static void swap_two(struct lists *l, int which, size_t a, size_t b)
{
	char letter = l->text[which][a];

	if (a == b)
		return;
	list_swap(entry_at(l, which, a), entry_at(l, which, b));
	l->text[which][a] = l->text[which][b];
	l->text[which][b] = letter;
}

/* The second list, empty, gets the beginning of the first. */
static void cut(struct lists *l, int which, size_t at)
{
	if (l->text[!which][0])
		return;
	list_cut_position(&l->head[!which], &l->head[which], entry_at(l, which, at));
	memcpy(l->text[!which], l->text[which], at + 1);
	l->text[!which][at + 1] = '\0';
	memmove(l->text[which], l->text[which] + at + 1, strlen(l->text[which] + at + 1) + 1);
}

static void rotate(struct lists *l, int which)
{
	char first = l->text[which][0];

	list_rotate_left(&l->head[which]);
	remove_letter(l->text[which], 0);
	insert_letter(l->text[which], strlen(l->text[which]), first);
}

static void one_operation(struct lists *l)
{
	int which = (int)random_below(&l->random, 2);
	size_t length = strlen(l->text[which]), a, b;

	if (!length)
		which = !which;
	length = strlen(l->text[which]);
	a = random_below(&l->random, (uint32_t)length);
	b = random_below(&l->random, (uint32_t)length);
	switch (random_below(&l->random, 7)) {
	case 0:
		splice(l, which, random_below(&l->random, 2));
		break;
	case 1:
		swap_two(l, which, a, b);
		break;
	case 2:
		cut(l, which, a);
		break;
	case 3:
		rotate(l, which);
		break;
	default:
		move_one(l, which, (int)random_below(&l->random, 2), a, random_below(&l->random, 2));
	}
}

static void test_lists_are_as_strings_of_letters(void **state)
{
	struct lists l = { .random = 5 };
	int i, wrong = 0;

	(void)state;
	INIT_LIST_HEAD(&l.head[0]);
	INIT_LIST_HEAD(&l.head[1]);
	for (i = 0; i < ITEMS; i++) {
		list_add_tail(&l.items[i].list, &l.head[0]);
		l.text[0][i] = (char)('a' + i);
	}
	for (i = 0; i < 20000; i++) {
		one_operation(&l);
		wrong += !same_forth_and_back(&l, 0) || !same_forth_and_back(&l, 1);
	}
	assert_int_equal(wrong, 0);
}

/* ---- hash lists ---- */

static void test_a_hash_table_finds_what_was_added(void **state)
{
	static struct item items[64];
	DECLARE_HASHTABLE(table, 3);
	struct hlist_node *next;
	struct item *item;
	int bucket, i, seen = 0, found = 0;

	(void)state;
	hash_init(table);
	for (i = 0; i < 64; i++) {
		items[i].key = (unsigned int)i * 7919u;
		hash_add(table, &items[i].hash, items[i].key);
	}
	for (i = 0; i < 64; i++)
		hash_for_each_possible(table, item, hash, (unsigned int)i * 7919u)
			found += item->key == (unsigned int)i * 7919u;
	assert_int_equal(found, 64);
	hash_for_each_safe(table, bucket, next, item, hash) {
		seen++;
		if (item->key % 2)
			hash_del(&item->hash);
	}
	assert_int_equal(seen, 64);
	assert_false(hash_hashed(&items[1].hash));
	seen = 0;
	hash_for_each(table, bucket, item, hash)
		seen++;
	assert_int_equal(seen, 32);
	assert_int_equal(HASH_BITS(table), 3);
	assert_false(hash_empty(table));
}

static void test_hash_list_nodes_go_before_and_behind(void **state)
{
	struct item a = { .key = 1 }, b = { .key = 2 }, c = { .key = 3 }, *item;
	HLIST_HEAD(head);
	struct hlist_head other;
	unsigned int text = 0;

	(void)state;
	hlist_add_head(&b.hash, &head);
	hlist_add_before(&a.hash, &b.hash);
	hlist_add_behind(&c.hash, &b.hash);
	hlist_for_each_entry(item, &head, hash)
		text = text * 10 + item->key;
	assert_int_equal(text, 123);
	hlist_move_list(&head, &other);
	assert_true(hlist_empty(&head));
	hlist_del_init(&a.hash);
	assert_ptr_equal(other.first, &b.hash);
}

static void test_a_lockless_list_is_taken_off_last_in_first_out(void **state)
{
	struct item items[3] = { { .key = 1 }, { .key = 2 }, { .key = 3 } }, *item, *n;
	LLIST_HEAD(head);
	unsigned int text = 0;

	(void)state;
	assert_true(llist_add(&items[0].lockless, &head));
	assert_false(llist_add(&items[1].lockless, &head));
	assert_false(llist_add(&items[2].lockless, &head));
	llist_for_each_entry_safe(item, n, llist_del_all(&head), lockless)
		text = text * 10 + item->key;
	assert_int_equal(text, 321);
	assert_true(llist_empty(&head));
	(void)n;
}

/* ---- red-black trees ---- */

static bool by_key(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct item, rb)->key < rb_entry(b, struct item, rb)->key;
}

static int key_order(const void *key, const struct rb_node *node)
{
	unsigned int k = *(const unsigned int *)key, other = rb_entry(node, struct item, rb)->key;

	return k < other ? -1 : k > other;
}

#define NODES 200

static bool in_order(struct rb_root_cached *root, const struct item *items)
{
	const struct rb_node *node = rb_first_cached(root), *back = rb_last(&root->rb_root);
	int i;

	for (i = 0; i < NODES; i++) {
		if (!items[i].in)
			continue;
		if (node != &items[i].rb)
			return false;
		node = rb_next(node);
	}
	for (i = NODES - 1; i >= 0; i--) {
		if (!items[i].in)
			continue;
		if (back != &items[i].rb)
			return false;
		back = rb_prev(back);
	}
	return !node && !back && p2psim_rbtree_is_valid(&root->rb_root);
}

static void test_a_red_black_tree_is_a_sorted_array(void **state)
{
	static struct item items[NODES];
	struct rb_root_cached root = RB_ROOT_CACHED;
	uint32_t random = 9, i, k, wrong = 0;

	(void)state;
	for (i = 0; i < NODES; i++)
		items[i] = (struct item){ .key = i };
	for (i = 0; i < 20000; i++) {
		k = random_below(&random, NODES);
		wrong += (rb_find(&k, &root.rb_root, key_order) != NULL) != items[k].in;
		if (items[k].in)
			rb_erase_cached(&items[k].rb, &root);
		else
			rb_add_cached(&items[k].rb, &root, by_key);
		items[k].in = !items[k].in;
		if (i % 16 == 0)
			wrong += !in_order(&root, items);
	}
	assert_int_equal(wrong, 0);
}

static void test_a_tree_is_taken_down_children_first(void **state)
{
	static struct item items[50];
	struct rb_root root = RB_ROOT;
	struct item *item, *n, replacement = { .key = 20 };
	unsigned int i, seen = 0;

	(void)state;
	for (i = 0; i < 50; i++) {
		items[i].key = i;
		rb_add(&items[i].rb, &root, by_key);
	}
	rb_replace_node(&items[20].rb, &replacement.rb, &root);
	assert_true(p2psim_rbtree_is_valid(&root));
	assert_ptr_equal(rb_next(&items[19].rb), &replacement.rb);
	rbtree_postorder_for_each_entry_safe(item, n, &root, rb) {
		assert_true(!item->rb.rb_left || rb_entry(item->rb.rb_left, struct item, rb)->in);
		item->in = true;
		seen++;
	}
	assert_int_equal(seen, 50);
	RB_CLEAR_NODE(&replacement.rb);
	assert_true(RB_EMPTY_NODE(&replacement.rb));
}

/* ---- bits ---- */

static void test_searches_of_bits_are_as_bit_by_bit(void **state)
{
	DECLARE_BITMAP(map, 200);
	uint32_t random = 4, i, at, slow, wrong = 0;

	(void)state;
	for (i = 0; i < 2000; i++) {
		bitmap_zero(map, 200);
		bitmap_set(map, random_below(&random, 150), random_below(&random, 50));
		__set_bit(random_below(&random, 200), map);
		at = random_below(&random, 200);
		for (slow = at; slow < 200 && !test_bit(slow, map); slow++)
			;
		wrong += find_next_bit(map, 200, at) != slow;
		for (slow = at; slow < 200 && test_bit(slow, map); slow++)
			;
		wrong += find_next_zero_bit(map, 200, at) != slow;
		for (slow = 0, at = 0; at < 200; at++)
			slow += test_bit(at, map);
		wrong += bitmap_weight(map, 200) != slow || bitmap_empty(map, 200);
	}
	assert_int_equal(wrong, 0);
}

static void test_numbers_of_bits(void **state)
{
	static const char table[order_base_2(17)];
	unsigned long word = 0;

	(void)state;
	assert_int_equal(sizeof(table), 5);
	assert_int_equal(ilog2(4096), 12);
	assert_int_equal(roundup_pow_of_two(33ul), 64);
	assert_true(is_power_of_2(64) && !is_power_of_2(0) && !is_power_of_2(65));
	assert_true(GENMASK(7, 4) == 0xf0 && fls(0x80) == 8 && __ffs(0x80) == 7 && ffz(0x7) == 3);
	assert_true(!test_and_set_bit(3, &word) && test_and_set_bit(3, &word) && word == 8);
	assert_true(test_and_clear_bit(3, &word) && !word);
	assert_int_equal(bitmap_find_next_zero_area(&(unsigned long){ 0x0f1f }, 64, 0, 4, 3), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_lists_are_as_strings_of_letters),
		core_test(test_a_hash_table_finds_what_was_added),
		core_test(test_hash_list_nodes_go_before_and_behind),
		core_test(test_a_lockless_list_is_taken_off_last_in_first_out),
		core_test(test_a_red_black_tree_is_a_sorted_array),
		core_test(test_a_tree_is_taken_down_children_first),
		core_test(test_searches_of_bits_are_as_bit_by_bit),
		core_test(test_numbers_of_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
