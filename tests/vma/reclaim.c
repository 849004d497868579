/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: pages go through the reverse map, without mmap_lock, and come back with their bytes; alone, and against whatever
 * the process does meanwhile.
 */
#include "explored.h"
#include "vma_pages.h"

static int reclaim(struct vma_bench *b, unsigned long page)
{
	return p2psim_reclaim_address(b->app, AT(page));
}

static void test_bytes_come_back_with_the_next_fault(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	pages_listen(b);
	assert_int_equal(reclaim(b, 0), 0);
	assert_string_equal(bench_log(b), "CLEAR 0-1 -; end; ");
	assert_string_equal(pages_state(b, 0), "swap");
	assert_int_equal(p2psim_ram_used() + (unsigned long)b->mm->rss_anon, 0);
	assert_int_equal(pages_load(b, 0), 5);
	assert_string_equal(pages_state(b, 0), "ro");
	assert_int_equal(reclaim(b, 0), 0);
	assert_int_equal(pages_store(b, 0, 6), 0);
}

/* What was swapped out goes with the VMA: the end of the world looks for slots. */
static void test_a_swap_slot_goes_with_its_entry(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 2, RW);
	pages_store(b, 0, 5);
	pages_store(b, 1, 5);
	reclaim(b, 0);
	reclaim(b, 1);
	bench_unmap(b, 0, 1);
	assert_int_equal(p2psim_madvise(b->app, AT(1), PAGES(1), MADV_DONTNEED), 0);
	assert_int_equal(pages_load(b, 1), 0);
}

static void test_only_mapped_anonymous_pages_can_go(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;
	struct page *page = alloc_page(GFP_KERNEL);

	bench_device(b, 0, 1);
	pages_load(b, 0);
	bench_anon(b, 4, 2, RW);
	pages_load(b, 4);
	assert_int_equal(p2psim_reclaim_page(page), -EINVAL);
	assert_int_equal(reclaim(b, 0), -EINVAL);	/* of the file */
	assert_int_equal(reclaim(b, 4), -ENOENT);	/* the zero page */
	assert_int_equal(reclaim(b, 5), -ENOENT);
	assert_int_equal(reclaim(b, 9), -ENOENT);
	put_page(page);
}

static void test_a_pinned_page_stays_without_an_event(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = NULL;

	bench_anon(b, 0, 1, RW);
	pages_store(b, 0, 5);
	mmap_read_lock(b->mm);
	assert_int_equal(pin_user_pages_remote(b->mm, AT(0), 1, FOLL_WRITE, &page, NULL, NULL), 1);
	mmap_read_unlock(b->mm);
	pages_listen(b);
	assert_int_equal(reclaim(b, 0), -EBUSY);
	assert_string_equal(bench_log(b), "");
	unpin_user_page(page);
	assert_int_equal(reclaim(b, 0), 0);
}

static void test_a_locked_page_stays_without_an_event(void **state)
{
	struct vma_bench *b = *state;

	p2psim_mmap(b->app, AT(0), PAGES(1), RW, FIXED_ANON | MAP_LOCKED, NULL, 0);
	assert_int_equal(pages_store(b, 0, 5), 0);
	pages_listen(b);
	assert_int_equal(reclaim(b, 0), -EBUSY);
	assert_string_equal(bench_log(b), "");
	assert_string_equal(pages_state(b, 0), "rw");
}

static int looks_up(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct vma_bench *b = container_of(mn, struct vma_bench, listener);

	if (range->event == MMU_NOTIFY_CLEAR)
		find_vma(b->mm, range->start);
	return 0;
}

/* The callback runs without mmap_lock: whoever looks VMAs up there races with munmap(). */
static void test_find_vma_in_the_callback_is_caught(void **state)
{
	static const struct mmu_notifier_ops ops = { .invalidate_range_start = looks_up };
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_touch(b, 0);
	pages_listen(b);
	b->listener.ops = &ops;
	reclaim(b, 0);
	assert_violation(b->world, P2PSIM_CONTRACT, "mmap_lock");
}

static void reclaims_page_0(void *arg)
{
	P2PSIM_CHECK(!reclaim(arg, 0));
}

static void test_it_takes_no_mmap_lock(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *kswapd;

	bench_anon(b, 0, 1, RW);
	bench_touch(b, 0);
	mmap_write_lock(b->mm);
	kswapd = p2psim_task_spawn("kswapd", reclaims_page_0, b);
	assert_int_equal(p2psim_run_alone(kswapd), 0);
	mmap_write_unlock(b->mm);
	assert_string_equal(pages_state(b, 0), "swap");
}

/* ---- the reverse map follows what becomes of the VMA ---- */

static void touched(struct vma_bench *b, unsigned long first, unsigned long pages)
{
	unsigned long i;

	bench_anon(b, first, pages, RW);
	for (i = 0; i < pages; i++)
		pages_store(b, first + i, (uint8_t)(first + i));
}

static void assert_reclaims(struct vma_bench *b, unsigned long page, int byte)
{
	assert_int_equal(reclaim(b, page), 0);
	assert_string_equal(pages_state(b, page), "swap");
	assert_int_equal(pages_load(b, page), byte);
}

/*
 *	1  2  3  4	munmap [2, 3)
 *	A     B
 */
static void test_a_page_is_found_after_a_split(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 1, 3);
	bench_unmap(b, 2, 1);
	assert_reclaims(b, 1, 1);
	assert_reclaims(b, 3, 3);
	bench_protect(b, 3, 1, PROT_READ);
	assert_reclaims(b, 3, 3);
}

static void test_a_page_is_found_after_mremap(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 1, 2);
	assert_int_equal(p2psim_mremap(b->app, AT(1), PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, AT(0x300)), AT(0x300));
	assert_reclaims(b, 0x300, 1);
	assert_reclaims(b, 0x301, 2);
	assert_int_equal(p2psim_mremap(b->app, AT(0x301), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED, AT(0x10)), AT(0x10));
	assert_reclaims(b, 0x10, 2);
	assert_reclaims(b, 0x300, 1);
}

/* A swap entry moves like a page. */
static void test_a_swapped_page_moves(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 1, 1);
	assert_int_equal(reclaim(b, 1), 0);
	assert_int_equal(p2psim_mremap(b->app, AT(1), PAGES(1), PAGES(1), MREMAP_MAYMOVE | MREMAP_FIXED, AT(8)), AT(8));
	assert_string_equal(pages_state(b, 8), "swap");
	assert_int_equal(pages_load(b, 8), 1);
	assert_reclaims(b, 8, 1);
}

/*
 *	1  2  3  4  5	a gap is filled: AAAAAAAA is one VMA again, whose pages came in three
 *	AA    AA
 */
static void test_a_page_is_found_after_a_merge(void **state)
{
	struct vma_bench *b = *state;

	touched(b, 1, 4);
	bench_protect(b, 2, 1, PROT_READ);
	bench_protect(b, 2, 1, RW);
	bench_unmap(b, 3, 1);
	touched(b, 3, 1);
	assert_string_equal(bench_vmas(b), "1-5 rw");
	assert_reclaims(b, 1, 1);
	assert_reclaims(b, 2, 2);
	assert_reclaims(b, 3, 3);
	assert_reclaims(b, 4, 4);
}

/* Copies of a private file mapping are anonymous. */
static void test_a_copy_of_a_file_page_goes_to_swap(void **state)
{
	struct vma_bench *b = *state;

	pages_private(b, 3, 2, RW);
	pages_store(b, 4, 9);
	assert_reclaims(b, 4, 9);
}

/* ---- every interleaving ---- */

struct race {
	struct p2psim_process *app;
	struct mm_struct *mm;
	struct page *pinned;
	bool gone;		/* the process has unmapped it, or zeroed it */
};

static int touched_page(void *state)
{
	struct race *r = state;

	r->app = p2psim_process_create("app");
	if (!r->app || p2psim_mmap(r->app, AT(0), PAGES(2), RW, FIXED_ANON, NULL, 0) < 0)
		return -ENOMEM;
	r->mm = p2psim_process_mm(r->app);
	return p2psim_store_byte(r->app, AT(0), 1);
}

static void kswapd(void *state)
{
	struct race *r = state;
	int ret = p2psim_reclaim_address(r->app, AT(0));

	P2PSIM_CHECK(!ret || ret == -EINVAL || ret == -EBUSY || ret == -ENOENT);
}

static void unmaps(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_munmap(r->app, AT(0), PAGES(2)));
	r->gone = true;
}

static void splits(void *state)
{
	P2PSIM_CHECK(!p2psim_munmap(((struct race *)state)->app, AT(1), PAGE_SIZE));
}

static void protects(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_mprotect(r->app, AT(0), PAGE_SIZE, PROT_READ));
	P2PSIM_CHECK(p2psim_store_byte(r->app, AT(0), 9) == -EFAULT);
}

static void moves_away_and_back(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(p2psim_mremap(r->app, AT(0), PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(8)) == (long)AT(8));
	P2PSIM_CHECK(p2psim_load_byte(r->app, AT(8)) == 1);
	P2PSIM_CHECK(p2psim_mremap(r->app, AT(8), PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(0)) == (long)AT(0));
}

static void stores_beside(void *state)
{
	P2PSIM_CHECK(!p2psim_store_byte(((struct race *)state)->app, AT(0) + 1, 2));
	P2PSIM_CHECK(p2psim_load_byte(((struct race *)state)->app, AT(0) + 1) == 2);
}

static void loads(void *state)
{
	P2PSIM_CHECK(p2psim_load_byte(((struct race *)state)->app, AT(0)) == 1);
}

/* A load that may come too late: the signal is right then. */
static void loads_or_fails(void *state)
{
	int byte = p2psim_load_byte(((struct race *)state)->app, AT(0));

	P2PSIM_CHECK(byte == 1 || byte == -EFAULT);
}

/* A device that pins the page, writes to it, and lets go. */
static void pins_and_writes(void *state)
{
	struct race *r = state;
	uint8_t byte = 3;

	mmap_read_lock(r->mm);
	P2PSIM_CHECK(pin_user_pages_remote(r->mm, AT(0), 1, FOLL_WRITE, &r->pinned, NULL, NULL) == 1);
	mmap_read_unlock(r->mm);
	p2psim_step_range(P2PSIM_STEP_DMA_WRITE, P2PSIM_OBJ_RAM, true, r->pinned->pfn, r->pinned->pfn, NULL);
	p2psim_ram_write(page_to_phys(r->pinned) + 2, &byte, 1);
	unpin_user_page(r->pinned);
}

static bool damaged(void *state)
{
	struct race *r = state;

	if (!p2psim_pgtable_is_valid(r->mm) || !p2psim_mm_is_valid(r->mm))
		return true;
	return !r->gone && p2psim_load_byte(r->app, AT(0)) != 1;
}

static bool second_byte_lost(void *state)
{
	return damaged(state) || p2psim_load_byte(((struct race *)state)->app, AT(0) + 1) != 2;
}

static bool device_byte_lost(void *state)
{
	return damaged(state) || p2psim_load_byte(((struct race *)state)->app, AT(0) + 2) != 3;
}

static void ends(void *state)
{
	p2psim_process_exit(((struct race *)state)->app);
}

#define SCENARIO(what, other, answer, ...)                                                                             \
	{                                                                                                              \
		.name = "vma/reclaim+" what, .question = "Does reclaim damage what the process has?",                  \
		.source = "mm/rmap.c, 6.1", .state_size = sizeof(struct race), .setup = touched_page,                  \
		.tasks = { { "kswapd", kswapd }, { "app", other }, __VA_ARGS__ }, .exists = answer, .teardown = ends,  \
		.expect = P2PSIM_NEVER,                                                                                \
	}

static const struct p2psim_scenario scenarios[] = {
	SCENARIO("munmap", unmaps, damaged),
	SCENARIO("cut", splits, damaged),
	SCENARIO("mprotect", protects, damaged),
	SCENARIO("mremap", moves_away_and_back, damaged),
	SCENARIO("store", stores_beside, second_byte_lost),
	SCENARIO("load", loads, damaged),
	SCENARIO("pin", pins_and_writes, device_byte_lost),
	SCENARIO("reclaim", kswapd, damaged),
	SCENARIO("munmap+load", unmaps, damaged, { "other", loads_or_fails }),
};

/* All of them, complete. */
static void test_reclaim_damages_nothing_in_any_interleaving(void **state)
{
	struct p2psim_explore_result result;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scenarios); i++)
		explore_traces(&scenarios[i], &result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_bytes_come_back_with_the_next_fault),
		pages_test(test_a_swap_slot_goes_with_its_entry),
		pages_test(test_only_mapped_anonymous_pages_can_go),
		pages_test(test_a_pinned_page_stays_without_an_event),
		pages_test(test_a_locked_page_stays_without_an_event),
		pages_test(test_find_vma_in_the_callback_is_caught),
		pages_test(test_it_takes_no_mmap_lock),
		pages_test(test_a_page_is_found_after_a_split),
		pages_test(test_a_page_is_found_after_mremap),
		pages_test(test_a_swapped_page_moves),
		pages_test(test_a_page_is_found_after_a_merge),
		pages_test(test_a_copy_of_a_file_page_goes_to_swap),
		cmocka_unit_test(test_reclaim_damages_nothing_in_any_interleaving),
	};

	return cmocka_run_group_tests_name("reclaim", tests, NULL, NULL);
}
