/* SPDX-License-Identifier: MIT */
/*
 * Swap: slots, and the cache in front of them (W1 to W4 of src/vma/swap.c); pages that fork() has shared.
 */
#include "explored.h"
#include "vma_pages.h"

static int reclaim(struct vma_bench *b, unsigned long page)
{
	return p2psim_reclaim_address(b->app, AT(page));
}

static struct p2psim_process *forked(struct vma_bench *b)
{
	struct p2psim_process *child = NULL;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	assert_int_equal(p2psim_fork(b->app, "child", &child), 0);
	return child;
}

static int of_child(struct p2psim_process *child)
{
	return p2psim_load_byte(child, AT(0));
}

/* Letter W of the recordings, and w. */
static void test_an_entry_knows_whether_the_page_was_its_own(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child = NULL;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	assert_int_equal(reclaim(b, 0), 0);
	assert_true(pte_swp_exclusive(pages_entry(b, 0)));
	assert_int_equal(p2psim_fork(b->app, "child", &child), 0);
	assert_false(pte_swp_exclusive(pages_entry(b, 0)));
	assert_int_equal(of_child(child), 5);
	assert_int_equal(pages_load(b, 0), 5);
	p2psim_process_exit(child);
}

/* Read back alone, it is read-only and its own: the write that follows needs no copy. */
static void test_a_page_that_comes_back_for_a_read_is_reused_by_a_write(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	reclaim(b, 0);
	pages_listen(b);
	assert_int_equal(pages_load(b, 0), 5);
	assert_string_equal(pages_state(b, 0), "ro");
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(pages_state(b, 0), "rw");
}

/* A CLEAR in each process, one slot for both. */
static void test_a_shared_page_leaves_both(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child = forked(b);

	pages_listen(b);
	assert_int_equal(reclaim(b, 0), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 -; end; ");
	assert_string_equal(pages_state(b, 0), "swap");
	assert_true(is_swap_pte(*p2psim_pte_lookup(p2psim_process_mm(child), AT(0))));
	assert_int_equal(p2psim_ram_used(), 0);
	assert_int_equal(of_child(child), 5);
	assert_int_equal(pages_load(b, 0), 5);
	p2psim_process_exit(child);
}

/* Recorded: a VMA that the reverse map leads to, and that is locked, keeps only what it maps itself. */
static void test_a_locked_vma_keeps_no_page_that_has_moved_out_of_it(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 4, RW);
	pages_store(b, 0, 5);
	pages_store(b, 1, 6);
	assert_int_equal(p2psim_mremap(b->app, AT(0), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
				       AT(8)), AT(8));
	assert_int_equal(p2psim_mlock2(b->app, AT(0), PAGES(4), MLOCK_ONFAULT), 0);
	pages_listen(b);
	assert_int_equal(reclaim(b, 8), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 -; end; CLEAR 8-9 -; end; ");
	assert_string_equal(pages_state(b, 8), "swap");
	assert_int_equal(reclaim(b, 1), -EBUSY);
	assert_string_equal(bench_log(b), "");
	assert_int_equal(pages_load(b, 8), 5);
}

/* W3 */
static void test_both_find_the_same_page(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child = forked(b);

	reclaim(b, 0);
	pages_load(b, 0);
	assert_int_equal(of_child(child), 5);
	assert_int_equal(page_mapcount(pages_page(b, 0)), 2);
	pages_listen(b);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; ");
	assert_int_equal(of_child(child), 5);
	p2psim_process_exit(child);
}

/* The other's entry names the slot still: the page cannot be taken over. */
static void test_a_write_to_a_page_in_the_cache_copies_it(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child = forked(b);

	reclaim(b, 0);
	pages_listen(b);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 R; end; ");
	assert_int_equal(of_child(child), 5);
	assert_int_equal(pages_load(b, 0), 6);
	p2psim_process_exit(child);
}

/* W4 */
static void test_the_last_one_takes_the_page_out_of_the_cache(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child = forked(b);

	reclaim(b, 0);
	assert_int_equal(of_child(child), 5);
	p2psim_process_exit(child);
	pages_listen(b);
	assert_int_equal(pages_store(b, 0, 6), 0);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(pages_state(b, 0), "rw");
	assert_int_equal(p2psim_ram_used(), 1);
}

/* W1: a page that nobody has mapped goes with the last entry that names its slot. */
static void test_a_page_in_the_cache_goes_with_the_last_entry(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child = forked(b);

	reclaim(b, 0);
	assert_int_equal(of_child(child), 5);
	assert_int_equal(p2psim_munmap(child, AT(0), PAGES(1)), 0);
	assert_int_equal(p2psim_ram_used(), 1);
	assert_int_equal(bench_unmap(b, 0, 1), 0);
	assert_int_equal(p2psim_ram_used(), 0);
	p2psim_process_exit(child);
}

/* From the cache it may go again, into the slot it has. */
static void test_a_page_in_the_cache_is_reclaimed_again(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *child = forked(b);

	reclaim(b, 0);
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(reclaim(b, 0), 0);
	assert_int_equal(p2psim_ram_used(), 0);
	assert_int_equal(of_child(child), 5);
	assert_int_equal(pages_load(b, 0), 5);
	p2psim_process_exit(child);
}

static int in_core(struct vma_bench *b, unsigned long page)
{
	unsigned char vec = 0;

	assert_int_equal(p2psim_mincore(b->app, AT(page), PAGES(1), &vec), 0);
	return vec;
}

static void test_WILLNEED_reads_into_the_cache(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	reclaim(b, 0);
	assert_int_equal(in_core(b, 0), 0);
	assert_int_equal(p2psim_madvise(b->app, AT(0), PAGES(1), MADV_WILLNEED), 0);
	assert_int_equal(in_core(b, 0), 1);
	assert_string_equal(pages_state(b, 0), "swap");
	assert_int_equal(pages_load(b, 0), 5);
	assert_int_equal(pages_store(b, 0, 6), 0);
}

static int setup_swap(void **state)
{
	static const struct p2psim_config config = { .swap = true };

	return pages_setup_config(state, &config);
}

/* ---- every interleaving ---- */

struct race {
	struct p2psim_process *app, *child;
};

static int setup_race(void *state)
{
	struct race *r = state;

	r->app = p2psim_process_create("app");
	if (!r->app || p2psim_mmap(r->app, AT(0), PAGES(1), RW, FIXED_ANON, NULL, 0) < 0 || p2psim_store_byte(r->app, AT(0), 5))
		return -ENOMEM;
	return p2psim_fork(r->app, "child", &r->child);
}

static int setup_swapped(void *state)
{
	struct race *r = state;
	int error = setup_race(state);

	return error ?: p2psim_reclaim_address(r->app, AT(0));
}

static void app_writes(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_store_byte(r->app, AT(0) + 1, 1));
	P2PSIM_CHECK(p2psim_load_byte(r->app, AT(0)) == 5);
}

static void child_writes(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_store_byte(r->child, AT(0) + 1, 2));
	P2PSIM_CHECK(p2psim_load_byte(r->child, AT(0)) == 5);
}

static void child_unmaps(void *state)
{
	P2PSIM_CHECK(!p2psim_munmap(((struct race *)state)->child, AT(0), PAGES(1)));
}

static void kswapd(void *state)
{
	int ret = p2psim_reclaim_address(((struct race *)state)->app, AT(0));

	P2PSIM_CHECK(!ret || ret == -EINVAL || ret == -EBUSY || ret == -ENOENT);
}

static bool is_damaged(void *state)
{
	struct race *r = state;
	int of_app = p2psim_load_byte(r->app, AT(0) + 1), of_other = p2psim_load_byte(r->child, AT(0) + 1);

	if (!p2psim_pgtable_is_valid(p2psim_process_mm(r->app)) || !p2psim_pgtable_is_valid(p2psim_process_mm(r->child)))
		return true;
	return of_app == 2 || of_other == 1 || p2psim_load_byte(r->app, AT(0)) != 5;
}

static void ends(void *state)
{
	struct race *r = state;

	p2psim_process_exit(r->child);
	p2psim_process_exit(r->app);
}

#define RACE(what, begin, ...)                                                                                         \
	{                                                                                                              \
		.name = "vma/swap+" what, .question = "Do a parent and a child see each other's writes?",              \
		.source = "mm/memory.c, 6.1", .state_size = sizeof(struct race), .setup = begin,                       \
		.tasks = { __VA_ARGS__ }, .exists = is_damaged, .teardown = ends, .expect = P2PSIM_NEVER,              \
	}

static const struct p2psim_scenario races[] = {
	RACE("write+write", setup_swapped, { "app", app_writes }, { "child", child_writes }),
	RACE("write+munmap", setup_swapped, { "app", app_writes }, { "child", child_unmaps }),
	RACE("reclaim+write", setup_race, { "kswapd", kswapd }, { "child", child_writes }),
	RACE("reclaim+munmap", setup_race, { "kswapd", kswapd }, { "child", child_unmaps }),
	RACE("reclaim+reclaim", setup_race, { "kswapd", kswapd }, { "kcompactd", kswapd }),
};

static void test_slots_are_shared_in_every_interleaving(void **state)
{
	struct p2psim_explore_result result;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(races); i++)
		explore_traces(&races[i], &result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_an_entry_knows_whether_the_page_was_its_own),
		pages_test(test_a_page_that_comes_back_for_a_read_is_reused_by_a_write),
		pages_test(test_a_shared_page_leaves_both),
		pages_test(test_a_locked_vma_keeps_no_page_that_has_moved_out_of_it),
		pages_test(test_both_find_the_same_page),
		pages_test(test_a_write_to_a_page_in_the_cache_copies_it),
		pages_test(test_the_last_one_takes_the_page_out_of_the_cache),
		pages_test(test_a_page_in_the_cache_goes_with_the_last_entry),
		pages_test(test_a_page_in_the_cache_is_reclaimed_again),
		cmocka_unit_test_setup_teardown(test_WILLNEED_reads_into_the_cache, setup_swap, pages_teardown),
		cmocka_unit_test(test_slots_are_shared_in_every_interleaving),
	};

	return cmocka_run_group_tests_name("swap", tests, NULL, NULL);
}
