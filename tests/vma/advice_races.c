/* SPDX-License-Identifier: MIT */
/*
 * Advice and locking against whoever takes no mmap_lock: reclaim.
 */
#include "core_world.h"

#include <errno.h>

#include <p2psim/explore.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/process.h>
#include <p2psim/reclaim.h>
#include <p2psim/scenario.h>
#include <p2psim/step.h>

#define ADDR 0x100000000000UL

struct memory {
	struct p2psim_process *app;
	int seen;		/* what the process read at the end */
	bool out;		/* its page was not there when mlock() had returned */
};

/* One page, written: 1. */
static int setup(void *state)
{
	struct memory *m = state;

	m->app = p2psim_process_create("app");
	if (!m->app || p2psim_mmap(m->app, ADDR, PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) < 0)
		return -ENOMEM;
	return p2psim_store_byte(m->app, ADDR, 1);
}

static void teardown(void *state)
{
	p2psim_process_exit(((struct memory *)state)->app);
}

static void reclaims(void *state)
{
	p2psim_reclaim_address(((struct memory *)state)->app, ADDR);
}

static void frees_and_writes(void *state)
{
	struct memory *m = state;

	P2PSIM_CHECK(!p2psim_madvise(m->app, ADDR, PAGE_SIZE, MADV_FREE));
	P2PSIM_CHECK(!p2psim_store_byte(m->app, ADDR, 2));
	m->seen = p2psim_load_byte(m->app, ADDR);
}

static bool lost_the_write(void *state)
{
	struct memory *m = state;

	return m->seen != 2;
}

static void frees(void *state)
{
	struct memory *m = state;

	P2PSIM_CHECK(!p2psim_madvise(m->app, ADDR, PAGE_SIZE, MADV_FREE));
	m->seen = p2psim_load_byte(m->app, ADDR);
}

static bool is_zero_now(void *state)
{
	struct memory *m = state;

	P2PSIM_CHECK(m->seen == 0 || m->seen == 1);
	return m->seen == 0;
}

static void locks(void *state)
{
	struct memory *m = state;
	const pte_t *pte;

	P2PSIM_CHECK(!p2psim_mlock(m->app, ADDR, PAGE_SIZE));
	p2psim_step("locked");
	pte = p2psim_pte_lookup(p2psim_process_mm(m->app), ADDR);
	m->out = !pte || !pte_present(*pte);
}

static bool is_out(void *state)
{
	return ((struct memory *)state)->out;
}

static const struct p2psim_scenario scenarios[] = {
	{
		.name = "vma/free-write+reclaim", .question = "Does a write after MADV_FREE get lost?",
		.source = "mm/rmap.c, 6.1: a lazily freed page that is dirty is put back", .state_size = sizeof(struct memory),
		.setup = setup, .teardown = teardown, .tasks = { { "app", frees_and_writes }, { "kswapd", reclaims } },
		.exists = lost_the_write, .expect = P2PSIM_NEVER,
	},
	{
		.name = "vma/free+reclaim", .question = "Can freed memory read as zeros?", .source = "madvise(2)",
		.state_size = sizeof(struct memory), .setup = setup, .teardown = teardown,
		.tasks = { { "app", frees }, { "kswapd", reclaims } }, .exists = is_zero_now, .expect = P2PSIM_SOMETIMES,
	},
	{
		.name = "vma/mlock+reclaim", .question = "Is a page out when mlock() has returned?",
		.source = "mm/rmap.c, 6.1: VM_LOCKED is looked at under the page table lock", .state_size = sizeof(struct memory),
		.setup = setup, .teardown = teardown, .tasks = { { "app", locks }, { "kswapd", reclaims } },
		.exists = is_out, .expect = P2PSIM_NEVER,
	},
};

/* By traces, and by every interleaving with up to three preemptions: that judge needs no step to name what it touches. */
static void answers(const struct p2psim_scenario *scenario)
{
	static const struct p2psim_explore_options strategies[] = {
		{ .strategy = P2PSIM_EXPLORE_DPOR },
		{ .strategy = P2PSIM_EXPLORE_ICB, .preemptions = 3 },
	};
	struct p2psim_explore_result result;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(strategies); i++) {
		assert_int_equal(p2psim_explore(scenario, &strategies[i], &result), 0);
		if (!result.as_expected)
			print_error("%s: %s %s %s\n", scenario->name, p2psim_verdict_name(result.verdict), result.error,
				    result.violation.sentence);
		assert_true(result.as_expected);
		assert_true(result.executions > 1);
	}
}

static void test_a_write_after_free_is_never_lost(void **state)
{
	answers(&scenarios[0]);
}

static void test_freed_memory_reads_as_it_was_or_as_zeros(void **state)
{
	answers(&scenarios[1]);
}

static void test_a_locked_page_is_in_when_mlock_has_returned(void **state)
{
	answers(&scenarios[2]);
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
