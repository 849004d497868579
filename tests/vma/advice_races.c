/* SPDX-License-Identifier: MIT */
/*
 * Advice and locking against whoever takes no mmap_lock: reclaim.
 */
#include "vma_race.h"

#include <p2psim/reclaim.h>
#include <p2psim/step.h>

static void reclaims(void *state)
{
	p2psim_reclaim_address(((struct race *)state)->app, AT(0));
}

static void frees_and_writes(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_madvise(r->app, AT(0), PAGE_SIZE, MADV_FREE));
	P2PSIM_CHECK(!p2psim_store_byte(r->app, AT(0), 2));
	r->seen = p2psim_load_byte(r->app, AT(0));
}

static bool lost_the_write(void *state)
{
	struct race *r = state;

	return r->seen != 2;
}

static void frees(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_madvise(r->app, AT(0), PAGE_SIZE, MADV_FREE));
	r->seen = p2psim_load_byte(r->app, AT(0));
}

static bool is_zero_now(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(r->seen == 0 || r->seen == 1);
	return r->seen == 0;
}

static void locks(void *state)
{
	struct race *r = state;
	const pte_t *pte;

	P2PSIM_CHECK(!p2psim_mlock(r->app, AT(0), PAGE_SIZE));
	p2psim_step("locked");
	pte = p2psim_pte_lookup(p2psim_process_mm(r->app), AT(0));
	r->gone = !pte || !pte_present(*pte);
}

static bool is_out(void *state)
{
	return ((struct race *)state)->gone;
}

static const struct p2psim_scenario scenarios[] = {
	{
		.name = "vma/free-write+reclaim", .question = "Does a write after MADV_FREE get lost?",
		.source = "mm/rmap.c, 6.1: a lazily freed page that is dirty is put back", .state_size = sizeof(struct race),
		.setup = race_one_page, .teardown = race_end, .tasks = { { "app", frees_and_writes }, { "kswapd", reclaims } },
		.exists = lost_the_write, .expect = P2PSIM_NEVER,
	},
	{
		.name = "vma/free+reclaim", .question = "Can freed memory read as zeros?", .source = "madvise(2)",
		.state_size = sizeof(struct race), .setup = race_one_page, .teardown = race_end,
		.tasks = { { "app", frees }, { "kswapd", reclaims } }, .exists = is_zero_now, .expect = P2PSIM_SOMETIMES,
	},
	{
		.name = "vma/mlock+reclaim", .question = "Is a page out when mlock() has returned?",
		.source = "mm/rmap.c, 6.1: VM_LOCKED is looked at under the page table lock", .state_size = sizeof(struct race),
		.setup = race_one_page, .teardown = race_end, .tasks = { { "app", locks }, { "kswapd", reclaims } },
		.exists = is_out, .expect = P2PSIM_NEVER,
	},
};

static void test_a_write_after_free_is_never_lost(void **state)
{
	explore_twice(&scenarios[0], 1);
}

static void test_freed_memory_reads_as_it_was_or_as_zeros(void **state)
{
	explore_twice(&scenarios[1], 1);
}

static void test_a_locked_page_is_in_when_mlock_has_returned(void **state)
{
	explore_twice(&scenarios[2], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_write_after_free_is_never_lost),
		cmocka_unit_test(test_freed_memory_reads_as_it_was_or_as_zeros),
		cmocka_unit_test(test_a_locked_page_is_in_when_mlock_has_returned),
	};

	return cmocka_run_group_tests_name("advice_races", tests, NULL, NULL);
}
