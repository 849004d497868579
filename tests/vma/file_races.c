/* SPDX-License-Identifier: MIT */
/*
 * A file of a tmpfs becomes shorter, loses a page, or has one reclaimed or cleaned, while somebody faults it in: in every
 * interleaving no entry, and no private copy, is left of what the file has not, and no byte is lost that was written.  Holds
 * no mmap_lock: what keeps order are the file's size, the page's lock, and that of the reverse map.
 */
#include "vma_race.h"

#include <p2psim/actors.h>
#include <p2psim/ram.h>
#include <p2psim/reclaim.h>
#include <p2psim/tmpfs.h>

#define SHARED_PAGE 0	/* two mappings of the file's only page */
#define PRIVATE_PAGE 8

static int map(struct race *r, unsigned long page, int flags)
{
	return p2psim_mmap(r->app, AT(page), PAGE_SIZE, RW, flags | MAP_FIXED, r->file, 0) < 0 ? -ENOMEM : 0;
}

static int setup(void *state)
{
	struct race *r = state;

	r->file = p2psim_tmpfs_create("shm", PAGE_SIZE);
	if (!r->file || race_process(r) || map(r, SHARED_PAGE, MAP_SHARED) || map(r, PRIVATE_PAGE, MAP_PRIVATE))
		return -ENOMEM;
	return 0;
}

/* The page is in the cache, with bytes, but nobody maps it: fault-around will find it. */
static int setup_cached(void *state)
{
	struct race *r = state;
	int error = setup(state);

	return error ? error : (int)p2psim_file_write(r->file, 0, "\x05", 1) - 1;
}

static bool is_mapped(const struct race *r, unsigned long page)
{
	const pte_t *pte = p2psim_pte_lookup(r->mm, AT(page));

	return pte && !pte_none(*pte);
}

static bool survives(void *state)
{
	return is_mapped(state, SHARED_PAGE) || is_mapped(state, PRIVATE_PAGE) || p2psim_ram_used();
}

static void truncates(void *state)
{
	P2PSIM_CHECK(!p2psim_file_truncate(((struct race *)state)->file, 0));
}

static void reads_shared(void *state)
{
	p2psim_load_byte(((struct race *)state)->app, AT(SHARED_PAGE));
}

static void writes_shared(void *state)
{
	p2psim_store_byte(((struct race *)state)->app, AT(SHARED_PAGE), 1);
}

static void writes_private(void *state)
{
	p2psim_store_byte(((struct race *)state)->app, AT(PRIVATE_PAGE), 1);
}

static void reads_then_writes_private(void *state)
{
	p2psim_load_byte(((struct race *)state)->app, AT(PRIVATE_PAGE));
	writes_private(state);
}

static void grows(void *state)
{
	P2PSIM_CHECK(p2psim_file_write(((struct race *)state)->file, 0, "\x05", 1) == 1);
}

static void punches(void *state)
{
	P2PSIM_CHECK(!p2psim_file_punch_hole(((struct race *)state)->file, 0, PAGE_SIZE));
}

/* What a hole leaves is zeros: whoever reads the old byte has read it before. */
static void punches_and_looks(void *state)
{
	struct race *r = state;

	punches(state);
	P2PSIM_CHECK(!p2psim_load_byte(r->app, AT(SHARED_PAGE)));
}

static void sees(void *state)
{
	struct race *r = state;

	r->seen = p2psim_load_byte(r->app, AT(SHARED_PAGE));
	P2PSIM_CHECK(r->seen == 0 || r->seen == 5);
}

/* A shared page that stays mapped beside a new one of the cache: two who share a file do not share it. */
static bool is_torn(void *state)
{
	struct race *r = state;
	unsigned char byte = 0;

	if (!is_mapped(r, SHARED_PAGE))
		return false;
	if (p2psim_store_byte(r->app, AT(SHARED_PAGE), 9) || p2psim_file_read(r->file, 0, &byte, 1) < 0)
		return true;
	return byte != 9 && p2psim_file_size(r->file);
}

/* A page without bytes is mapped, so that it may be dropped. */
static int setup_mapped(void *state)
{
	int error = setup(state);

	reads_shared(state);
	return error;
}

static void reclaims(void *state)
{
	p2psim_reclaim_address(((struct race *)state)->app, AT(SHARED_PAGE));
}

static void cleans(void *state)
{
	p2psim_writeback_address(((struct race *)state)->app, AT(SHARED_PAGE));
}

static bool is_lost(void *state)
{
	struct race *r = state;
	unsigned char byte = 0;

	return p2psim_file_read(r->file, 0, &byte, 1) != 1 || byte != 1 || p2psim_load_byte(r->app, AT(SHARED_PAGE)) != 1;
}

#define SCENARIO(what, prepare, fn, against, judge)                                                                    \
	{                                                                                                              \
		.name = "vma/" what, .question = "Does an entry of a page survive that the file has lost?",            \
		.source = "mm/truncate.c, 6.1", .state_size = sizeof(struct race), .setup = prepare,                   \
		.tasks = { { "app", fn }, { "writer", against } }, .exists = judge, .teardown = race_end,              \
		.expect = P2PSIM_NEVER,                                                                                \
	}

static const struct p2psim_scenario truncated[] = {
	SCENARIO("truncate+read", setup, reads_shared, truncates, survives),
	SCENARIO("truncate+fault-around", setup_cached, reads_shared, truncates, survives),
	SCENARIO("truncate+write", setup, writes_shared, truncates, survives),
	SCENARIO("truncate+write-cached", setup_cached, writes_shared, truncates, survives),
	SCENARIO("truncate+private", setup, writes_private, truncates, survives),
	SCENARIO("truncate+cow", setup_cached, reads_then_writes_private, truncates, survives),
};

static const struct p2psim_scenario punched[] = {
	SCENARIO("punch+read", setup_cached, sees, punches_and_looks, is_torn),
	SCENARIO("punch+write", setup_cached, writes_shared, punches, is_torn),
	SCENARIO("punch+write-new", setup, writes_shared, punches, is_torn),
	SCENARIO("write()+fault", setup, writes_shared, grows, is_torn),
};

static const struct p2psim_scenario kept[] = {
	SCENARIO("reclaim+write", setup_mapped, writes_shared, reclaims, is_lost),
	SCENARIO("reclaim+write-cached", setup_cached, writes_shared, reclaims, is_lost),
	SCENARIO("writeback+write", setup_mapped, writes_shared, cleans, is_lost),
	SCENARIO("reclaim+truncate", setup_mapped, reclaims, truncates, survives),
};

static void test_no_entry_and_no_copy_survives_a_truncation(void **state)
{
	explore_twice(truncated, ARRAY_SIZE(truncated));
}

static void test_who_maps_a_file_sees_what_the_file_has(void **state)
{
	explore_twice(punched, ARRAY_SIZE(punched));
}

static void test_what_was_written_is_not_lost(void **state)
{
	explore_twice(kept, ARRAY_SIZE(kept));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_entry_and_no_copy_survives_a_truncation),
		cmocka_unit_test(test_what_was_written_is_not_lost),
		cmocka_unit_test(test_who_maps_a_file_sees_what_the_file_has),
	};

	return cmocka_run_group_tests_name("file_races", tests, NULL, NULL);
}
