/* SPDX-License-Identifier: MIT */
/*
 * A device that pins or walks one page of a huge block, against whoever splits the block, makes it one, or takes it away: over
 * every interleaving the page tables stay valid, the device reads what the process wrote, and nothing is left over.
 *
 *	0 ... 1ff	one VMA of 2 MiB, its first page written: 1.  Huge from the start, or (before a collapse) small
 */
#include "vma_race.h"

#include <p2psim/actors.h>
#include <p2psim/ram.h>
#include <p2psim/step.h>

static int make(struct race *r, int advice)
{
	if (race_memory(r, PMD_SIZE))
		return -ENOMEM;
	return p2psim_madvise(r->app, AT(0), PMD_SIZE, advice) || p2psim_store_byte(r->app, AT(0), 1) ? -ENOMEM : 0;
}

static int setup_huge(void *state)
{
	return make(state, MADV_HUGEPAGE);
}

static int setup_small(void *state)
{
	return make(state, MADV_NORMAL);
}

static void device_pins(void *state)
{
	struct race *r = state;
	struct page *page = NULL;
	uint8_t byte = 9;

	mmap_read_lock(r->mm);
	P2PSIM_CHECK(pin_user_pages_remote(r->mm, AT(0), 1, FOLL_WRITE, &page, NULL, NULL) == 1);
	mmap_read_unlock(r->mm);
	p2psim_step_range(P2PSIM_STEP_DMA_READ, P2PSIM_OBJ_RAM, false, page->pfn, page->pfn, NULL);
	p2psim_ram_read(page_to_phys(page), &byte, 1);
	P2PSIM_CHECK(byte <= 1);
	unpin_user_page(page);
}

static void stores(void *state)
{
	P2PSIM_CHECK(!p2psim_store_byte(((struct race *)state)->app, AT(1), 5));
}

static void splits(void *state)
{
	P2PSIM_CHECK(!p2psim_mprotect(((struct race *)state)->app, AT(8), PAGE_SIZE, PROT_READ));
}

static void makes_cold(void *state)
{
	P2PSIM_CHECK(!p2psim_madvise(((struct race *)state)->app, AT(8), PAGE_SIZE, MADV_COLD));
}

static void zeroes(void *state)
{
	struct race *r = state;

	r->gone = true;
	P2PSIM_CHECK(!p2psim_madvise(r->app, AT(0), PMD_SIZE, MADV_DONTNEED));
}

static void zeroes_a_part(void *state)
{
	struct race *r = state;

	r->gone = true;
	P2PSIM_CHECK(!p2psim_madvise(r->app, AT(8), PAGE_SIZE, MADV_DONTNEED));
}

static void frees(void *state)
{
	struct race *r = state;

	r->gone = true;
	P2PSIM_CHECK(!p2psim_madvise(r->app, AT(8), PAGE_SIZE, MADV_FREE));
}

static void forks(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_fork(r->app, "child", &r->child));
	P2PSIM_CHECK(p2psim_load_byte(r->child, AT(0)) == 1);
}

static void collapses(void *state)
{
	int ret = p2psim_madvise(((struct race *)state)->app, AT(0), PMD_SIZE, MADV_COLLAPSE);

	P2PSIM_CHECK(!ret || ret == -EAGAIN);
}

static void explore(const char *name, int (*setup)(void *), void (*one)(void *), void (*other)(void *))
{
	const struct p2psim_scenario scenario = {
		.name = name,
		.question = "Does a huge page that comes or goes damage what the process has?",
		.source = "mm/huge_memory.c, mm/khugepaged.c, 6.1",
		.config = { .thp = P2PSIM_THP_MADVISE },
		.state_size = sizeof(struct race),
		.setup = setup,
		.tasks = { { "one", one }, { "other", other } },
		.exists = race_is_damaged,
		.teardown = race_end,
		.expect = P2PSIM_NEVER,
	};
	struct p2psim_explore_result result;

	explore_traces(&scenario, &result);
}

static void test_a_split_damages_nothing_in_any_interleaving(void **state)
{
	(void)state;
	explore("pin and mprotect", setup_huge, device_pins, splits);
	explore("pin and cold", setup_huge, device_pins, makes_cold);
	explore("pin and dontneed", setup_huge, device_pins, zeroes);
	explore("pin and fork", setup_huge, device_pins, forks);
	explore("dontneed twice", setup_huge, zeroes, zeroes);
	explore("dontneed and dontneed of a part", setup_huge, zeroes, zeroes_a_part);
	explore("dontneed and free of a part", setup_huge, zeroes, frees);
	explore("store and cold", setup_huge, stores, makes_cold);
	explore("store and dontneed", setup_huge, stores, zeroes);
}

static void test_a_collapse_damages_nothing_in_any_interleaving(void **state)
{
	(void)state;
	explore("pin and collapse", setup_small, device_pins, collapses);
	explore("store and collapse", setup_small, stores, collapses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_split_damages_nothing_in_any_interleaving),
		cmocka_unit_test(test_a_collapse_damages_nothing_in_any_interleaving),
	};

	return cmocka_run_group_tests_name("huge_races", tests, NULL, NULL);
}
