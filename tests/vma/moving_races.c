/* SPDX-License-Identifier: MIT */
/*
 * Whoever moves a page or gives it away (a driver, compaction, a device that wants it alone, ksmd, scans, the OOM reaper)
 * against whatever the process does meanwhile: over every interleaving the page tables stay valid, bytes stay what they were,
 * and nothing is left over.
 *
 *	0  1		two pages of the process, written: 1 at the first, 1 at the second
 */
#include "vma_race.h"

#include <stdio.h>

#include <p2psim/actors.h>
#include <p2psim/linux/migrate.h>
#include <p2psim/linux/rmap.h>
#include <p2psim/ram.h>
#include <p2psim/reclaim.h>
#include <p2psim/step.h>

static int setup(void *state)
{
	struct race *r = state;

	if (race_memory(r, 2 * PAGE_SIZE))
		return -ENOMEM;
	p2psim_madvise(r->app, AT(0), 2 * PAGE_SIZE, MADV_MERGEABLE);
	return p2psim_store_byte(r->app, AT(0), 1) || p2psim_store_byte(r->app, AT(1), 1) ? -ENOMEM : 0;
}

/* ---- who moves ---- */

static void compacts(void *state)
{
	int ret = p2psim_migrate_address(((struct race *)state)->app, AT(0));

	P2PSIM_CHECK(!ret || ret == -EAGAIN || ret == -EBUSY || ret == -EINVAL || ret == -ENOENT);
}

static struct page *copy_of(struct page *from)
{
	struct page *to = alloc_page(GFP_KERNEL);
	uint8_t bytes[PAGE_SIZE];

	if (!to)
		return NULL;
	lock_page(to);
	if (from && !p2psim_ram_read(page_to_phys(from), bytes, PAGE_SIZE))
		p2psim_ram_write(page_to_phys(to), bytes, PAGE_SIZE);
	return to;
}

static void driver_migrates(void *state)
{
	struct race *r = state;
	unsigned long src = 0, dst = 0;
	struct migrate_vma args = { .src = &src, .dst = &dst, .start = AT(0), .end = AT(1), .pgmap_owner = r,
				    .flags = MIGRATE_VMA_SELECT_SYSTEM };
	struct page *to;

	mmap_read_lock(r->mm);
	args.vma = vma_lookup(r->mm, AT(0));
	if (args.vma && !migrate_vma_setup(&args)) {
		to = src & MIGRATE_PFN_MIGRATE ? copy_of(migrate_pfn_to_page(src)) : NULL;
		dst = to ? migrate_pfn(page_to_pfn(to)) : 0;
		migrate_vma_pages(&args);
		migrate_vma_finalize(&args);
	}
	mmap_read_unlock(r->mm);
}

static void device_wants_it_alone(void *state)
{
	struct race *r = state;
	struct page *page = NULL;
	int found;

	mmap_read_lock(r->mm);
	found = make_device_exclusive_range(r->mm, AT(0), AT(1), &page, r);
	mmap_read_unlock(r->mm);
	if (found == 1 && page) {
		unlock_page(page);
		put_page(page);
	}
}

static void ksmd_merges(void *state)
{
	struct race *r = state;
	int ret = p2psim_ksm_merge(r->app, AT(0), r->app, AT(1));

	P2PSIM_CHECK(!ret || ret == -EINVAL || ret == -EAGAIN || ret == -EBUSY);
}

static void numa_scans(void *state)
{
	p2psim_numa_scan(((struct race *)state)->app, AT(0), AT(1));
}

static void clears_soft_dirty(void *state)
{
	P2PSIM_CHECK(!p2psim_soft_dirty_clear(((struct race *)state)->app));
}

/* ---- what the process does ---- */

static void loads(void *state)
{
	P2PSIM_CHECK(p2psim_load_byte(((struct race *)state)->app, AT(0)) == 1);
}

static void stores_beside(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_store_byte(r->app, AT(0) + 1, 2));
	P2PSIM_CHECK(p2psim_load_byte(r->app, AT(0) + 1) == 2);
}

static void unmaps(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_munmap(r->app, AT(0), PAGE_SIZE));
	r->gone = true;
}

static void zeroes(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_madvise(r->app, AT(0), PAGE_SIZE, MADV_DONTNEED));
	P2PSIM_CHECK(p2psim_load_byte(r->app, AT(0)) == 0);
	r->gone = true;
}

static void protects(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(!p2psim_mprotect(r->app, AT(0), PAGE_SIZE, PROT_READ));
	P2PSIM_CHECK(p2psim_store_byte(r->app, AT(0), 9) == -EFAULT);
}

static void moves_away(void *state)
{
	struct race *r = state;

	P2PSIM_CHECK(p2psim_mremap(r->app, AT(0), PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(8)) == (long)AT(8));
	P2PSIM_CHECK(p2psim_load_byte(r->app, AT(8)) == 1);
	r->gone = true;
}

static void forks(void *state)
{
	struct race *r = state;
	int error = p2psim_fork(r->app, "child", &r->child);

	P2PSIM_CHECK(!error || error == -ENOMEM); /* the page is locked */
	if (!error)
		P2PSIM_CHECK(!p2psim_store_byte(r->app, AT(0) + 1, 3) && p2psim_load_byte(r->child, AT(0) + 1) == 0);
}

static void device_writes(void *state)
{
	struct race *r = state;
	struct page *page = NULL;
	uint8_t byte = 4;

	mmap_read_lock(r->mm);
	P2PSIM_CHECK(pin_user_pages_remote(r->mm, AT(0), 1, FOLL_WRITE, &page, NULL, NULL) == 1);
	mmap_read_unlock(r->mm);
	p2psim_step_range(P2PSIM_STEP_DMA_WRITE, P2PSIM_OBJ_RAM, true, page->pfn, page->pfn, NULL);
	p2psim_ram_write(page_to_phys(page) + 2, &byte, 1);
	unpin_user_page(page);
	P2PSIM_CHECK(p2psim_load_byte(r->app, AT(0) + 2) == 4);
}

static void kswapd_reclaims(void *state)
{
	int ret = p2psim_reclaim_address(((struct race *)state)->app, AT(0));

	P2PSIM_CHECK(!ret || ret == -EINVAL || ret == -EBUSY || ret == -ENOENT);
}

static void reaper_reaps(void *state)
{
	struct race *r = state;

	r->gone = true;
	P2PSIM_CHECK(!p2psim_oom_reap(r->app) || !p2psim_world_violation(p2psim_world_current()));
}

struct actor {
	const char *name;
	void (*does)(void *state);
};

static const struct actor movers[] = {
	{ "compaction", compacts },	   { "migrate_vma", driver_migrates }, { "exclusive", device_wants_it_alone },
	{ "ksmd", ksmd_merges },	   { "numa", numa_scans },	       { "soft-dirty", clears_soft_dirty },
};

static const struct actor others[] = {
	{ "load", loads },	 { "store", stores_beside }, { "munmap", unmaps },	  { "dontneed", zeroes },
	{ "mprotect", protects }, { "mremap", moves_away },   { "fork", forks },	  { "pin", device_writes },
	{ "reclaim", kswapd_reclaims }, { "reap", reaper_reaps },   { "compaction", compacts },
	{ "exclusive", device_wants_it_alone },
};

static void explore(const struct actor *mover, const struct actor *other)
{
	char name[64];
	const struct p2psim_scenario scenario = {
		.name = name,
		.question = "Does a moving page damage what the process has?",
		.source = "mm/migrate.c, mm/rmap.c, 6.1",
		.state_size = sizeof(struct race),
		.setup = setup,
		.tasks = { { "mover", mover->does }, { "other", other->does } },
		.exists = race_is_damaged,
		.teardown = race_end,
		.expect = P2PSIM_NEVER,
	};
	struct p2psim_explore_result result;

	snprintf(name, sizeof(name), "vma/%s+%s", mover->name, other->name);
	explore_traces(&scenario, &result);
}

static void test_a_moving_page_is_damaged_in_no_interleaving(void **state)
{
	const struct actor *mover = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		explore(mover, &others[i]);
}

#define mover_test(i)                                                                                                  \
	{ movers[i].name, test_a_moving_page_is_damaged_in_no_interleaving, NULL, NULL, (void *)(uintptr_t)&movers[i] }

int main(void)
{
	const struct CMUnitTest tests[] = {
		mover_test(0), mover_test(1), mover_test(2), mover_test(3), mover_test(4), mover_test(5),
	};

	return cmocka_run_group_tests_name("moving_races", tests, NULL, NULL);
}
