/* SPDX-License-Identifier: MIT */
/*
 * fork() and copy-on-write against devices, reclaim and the child itself, over every interleaving: nobody sees what another
 * wrote after the fork, a pinned page stays its process's, and bytes stay where they were written.  The twins with a mere
 * reference where a pin belongs lose the page: sometimes.
 *
 *	one page of the process, with a 1 at its start; "forked": and of a child, who shares it
 */
#include "vma_race.h"

#include <p2psim/ram.h>
#include <p2psim/reclaim.h>
#include <p2psim/step.h>

static int setup_forked(void *state)
{
	struct race *r = state;
	int error = race_one_page(state);

	return error ? error : p2psim_fork(r->app, "child", &r->child);
}

/* ---- tasks ---- */

static void forks_and_writes(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_fork(r->app, "child", &r->child));
	P2PSIM_CHECK(!p2psim_store_byte(r->app, AT(0) + 1, 2));
}

static void dma_write(struct race *r)
{
	uint8_t byte = 4;

	p2psim_step_range(P2PSIM_STEP_DMA_WRITE, P2PSIM_OBJ_RAM, true, r->page->pfn, r->page->pfn, NULL);
	p2psim_ram_write(page_to_phys(r->page) + 2, &byte, 1);
}

static void nic_takes(struct race *r, bool pins, unsigned int flags)
{
	struct page *page = NULL;
	long got;

	mmap_read_lock(r->mm);
	if (pins)
		got = pin_user_pages_remote(r->mm, AT(0), 1, flags, &page, NULL, NULL);
	else
		got = get_user_pages_remote(r->mm, AT(0), 1, flags, &page, NULL, NULL);
	mmap_read_unlock(r->mm);
	P2PSIM_CHECK(got == 1);
	r->page = page;
	r->pinned = pins;
}

static void nic_pins_and_writes(void *state)
{
	nic_takes(state, true, FOLL_WRITE);
	dma_write(state);
}

static void nic_gets_and_writes(void *state)
{
	nic_takes(state, false, FOLL_WRITE);
	dma_write(state);
}

static void nic_pins_fast_and_writes(void *state)
{
	struct race *r = state;

	p2psim_process_attach(r->app);
	P2PSIM_CHECK(pin_user_pages_fast(AT(0), 1, FOLL_WRITE, &r->page) == 1);
	p2psim_process_detach();
	r->pinned = true;
	dma_write(r);
}

static void nic_pins_to_read(void *state)
{
	nic_takes(state, true, FOLL_LONGTERM);
}

static void nic_gets_to_read(void *state)
{
	nic_takes(state, false, 0);
}

static void nic_pins_fast_to_read(void *state)
{
	struct race *r = state;

	p2psim_process_attach(r->app);
	P2PSIM_CHECK(pin_user_pages_fast(AT(0), 1, 0, &r->page) == 1);
	p2psim_process_detach();
	r->pinned = true;
}

static void kswapd_reclaims(void *state)
{
	int ret = p2psim_reclaim_address(((struct race *)state)->app, AT(0));

	P2PSIM_CHECK(!ret || ret == -EINVAL || ret == -EBUSY || ret == -ENOENT);
}

static void parent_writes(void *state)
{
	P2PSIM_CHECK(!p2psim_store_byte(((struct race *)state)->app, AT(0), 2));
}

static void child_writes(void *state)
{
	P2PSIM_CHECK(!p2psim_store_byte(((struct race *)state)->child, AT(0), 3));
}

static void child_exits(void *state)
{
	struct race *r = state;

	p2psim_process_exit(r->child);
	r->child = NULL;
}

/* A reference of the child's page, its mapping gone: splice() into a pipe does so, and reads the page when it likes. */
static void child_splices_and_unmaps(void *state)
{
	struct race *r = state;
	struct mm_struct *mm = p2psim_process_mm(r->child);
	struct page *page = NULL;

	mmap_read_lock(mm);
	P2PSIM_CHECK(get_user_pages_remote(mm, AT(0), 1, 0, &page, NULL, NULL) == 1);
	mmap_read_unlock(mm);
	P2PSIM_CHECK(!p2psim_munmap(r->child, AT(0), PAGE_SIZE));
	p2psim_step_range(P2PSIM_STEP_MEM_READ, P2PSIM_OBJ_RAM, false, page->pfn, page->pfn, NULL);
	p2psim_ram_read(page_to_phys(page), &r->seen, 1);
	put_page(page);
}

/* ---- judges ---- */

static bool is_invalid(const struct race *r)
{
	if (!p2psim_mm_is_valid(r->mm) || !p2psim_pgtable_is_valid(r->mm))
		return true;
	return r->child && !p2psim_pgtable_is_valid(p2psim_process_mm(r->child));
}

/* The device's page is not what the process sees at the address. */
static bool is_torn_off(void *state)
{
	struct race *r = state;
	const pte_t *pte = p2psim_pte_lookup(r->mm, AT(0));

	return is_invalid(r) || !pte || !pte_present(*pte) || pte_pfn(*pte) != page_to_pfn(r->page);
}

static bool is_write_lost(void *state)
{
	struct race *r = state;

	return is_torn_off(state) || p2psim_load_byte(r->app, AT(0) + 2) != 4 || p2psim_load_byte(r->app, AT(0) + 1) != 2;
}

static bool is_byte_lost(void *state)
{
	struct race *r = state;

	return is_invalid(r) || p2psim_load_byte(r->app, AT(0)) != 1 || p2psim_load_byte(r->app, AT(0) + 1) != 2 ||
	       p2psim_load_byte(r->child, AT(0)) != 1 || p2psim_load_byte(r->child, AT(0) + 1) != 0;
}

static bool is_written_lost(void *state)
{
	struct race *r = state;

	return is_invalid(r) || p2psim_load_byte(r->app, AT(0)) != 2 || p2psim_load_byte(r->child, AT(0)) != 1;
}

static bool see_each_other(void *state)
{
	struct race *r = state;

	return is_invalid(r) || p2psim_load_byte(r->app, AT(0)) != 2 || (r->child && p2psim_load_byte(r->child, AT(0)) != 3);
}

static bool sees_the_parents_byte(void *state)
{
	struct race *r = state;

	return is_invalid(r) || r->seen != 1 || p2psim_load_byte(r->app, AT(0)) != 2;
}

#define SCENARIO(what, prepare, one, first, other, second, judge, verdict)                                             \
	{                                                                                                              \
		.name = "vma/" what, .question = "Does somebody lose a page, or see what is not theirs, after a fork?", \
		.source = "mm/memory.c, mm/gup.c, 6.1", .state_size = sizeof(struct race), .setup = prepare,           \
		.tasks = { { one, first }, { other, second } }, .exists = judge, .teardown = race_end,                 \
		.expect = verdict,                                                                                     \
	}
#define FORK(what, other, fn, judge, verdict)                                                                          \
	SCENARIO("fork+" what, race_one_page, "app", forks_and_writes, other, fn, judge, verdict)
#define COW(what, other, fn, judge) SCENARIO("cow+" what, setup_forked, "app", parent_writes, other, fn, judge, P2PSIM_NEVER)

static const struct p2psim_scenario pinned[] = {
	FORK("pin", "nic0", nic_pins_and_writes, is_write_lost, P2PSIM_NEVER),
	FORK("pin-fast", "nic0", nic_pins_fast_and_writes, is_write_lost, P2PSIM_NEVER),
	FORK("pin-read", "nic0", nic_pins_to_read, is_torn_off, P2PSIM_NEVER),
	FORK("pin-read-fast", "nic0", nic_pins_fast_to_read, is_torn_off, P2PSIM_NEVER),
};

static const struct p2psim_scenario referenced[] = {
	FORK("pin!get", "nic0", nic_gets_and_writes, is_write_lost, P2PSIM_SOMETIMES),
	FORK("pin-read!get", "nic0", nic_gets_to_read, is_torn_off, P2PSIM_SOMETIMES),
};

static const struct p2psim_scenario reclaimed[] = {
	FORK("reclaim", "kswapd", kswapd_reclaims, is_byte_lost, P2PSIM_NEVER),
	COW("reclaim", "kswapd", kswapd_reclaims, is_written_lost),
};

static const struct p2psim_scenario copied[] = {
	COW("cow", "child", child_writes, see_each_other),
	COW("exit", "child", child_exits, see_each_other),
	COW("splice", "child", child_splices_and_unmaps, sees_the_parents_byte),
};

static void test_a_pinned_page_stays_the_process_s(void **state)
{
	explore_twice(pinned, ARRAY_SIZE(pinned));
}

static void test_a_reference_in_place_of_a_pin_is_caught(void **state)
{
	explore_twice(referenced, ARRAY_SIZE(referenced));
}

static void test_reclaim_loses_nothing_of_a_fork(void **state)
{
	explore_twice(reclaimed, ARRAY_SIZE(reclaimed));
}

static void test_parent_and_child_do_not_see_each_other_write(void **state)
{
	explore_twice(copied, ARRAY_SIZE(copied));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pinned_page_stays_the_process_s),
		cmocka_unit_test(test_a_reference_in_place_of_a_pin_is_caught),
		cmocka_unit_test(test_reclaim_loses_nothing_of_a_fork),
		cmocka_unit_test(test_parent_and_child_do_not_see_each_other_write),
	};

	return cmocka_run_group_tests_name("fork_races", tests, NULL, NULL);
}
